"""A bar on stderr for scans that take a while."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from crewmem_doctor.cli.output import terminal

PATIENCE = 0.5      # seconds before anything is shown


@contextmanager
def waiting(what: str, *, quiet: bool) -> Iterator[None]:
    """Shows a moving bar while the block runs longer than PATIENCE, on a terminal only, and leaves no trace of it."""
    if quiet or not terminal(sys.stderr):
        yield
        return
    done = threading.Event()
    painter = threading.Thread(target=_paint, args=(what, done), daemon=True)
    painter.start()
    try:
        yield
    finally:
        done.set()
        painter.join()


def _paint(what: str, done: threading.Event) -> None:
    if done.wait(PATIENCE):
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=30), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        done.wait()
