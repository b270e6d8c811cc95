"""Probes at the command line: who is asked, what is shown meanwhile, and what interrupts them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from crewmem_doctor.cli.output import say, terminal
from crewmem_doctor.errors import Terminated, UsageError
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.project import Project
from crewmem_doctor.settings import Settings


def check(settings: Settings) -> None:
    """Raises UsageError for targets and options that cannot be used, before anything is looked at."""
    from crewmem_doctor.probes import parse

    kinds = {parse(word, os.environ).kind for word in settings.probes}
    if settings.probe_request and not Path(settings.probe_request).is_file():
        raise UsageError(f"--probe-request {settings.probe_request}: there is no such file")
    if "http" in kinds and not settings.ready:
        from crewmem_doctor.probes.http.written import written

        written(settings, os.environ)


def observe(root: Path, settings: Settings, project: Project | None) -> tuple[Observation, ...]:
    """Probes what the settings name. Ctrl-C and SIGTERM end it once it has removed what it wrote."""
    from crewmem_doctor import live
    from crewmem_doctor.probes import People, parse

    targets = [parse(word, os.environ) for word in settings.probes]
    with _terminable(), _shown(settings) as progress:
        return live.probe(targets, settings, os.environ, root, project, People(_confirm, progress, _warn))


def _confirm(question: str) -> bool:
    """Asks on a terminal; where there is none, nobody says yes."""
    if not (terminal(sys.stdin) and terminal(sys.stderr)):
        return False
    sys.stderr.write("\r\x1b[2K")      # where the line stood that says which check is under way
    say(question + " [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _warn(text: str) -> None:
    if terminal(sys.stderr):
        sys.stderr.write("\r\x1b[2K")
    say(f"crewmem-doctor: {text}")


@contextmanager
def _shown(settings: Settings) -> Iterator[Callable[[str, str], None]]:
    """A line on a terminal's stderr that says which check is under way, and is gone at the end."""
    if settings.quiet or not terminal(sys.stderr):
        yield lambda target, check: None
        return

    from crewmem_doctor.model.observation import CHECKS
    from crewmem_doctor.reports.words import plain

    def tell(target: str, check: str) -> None:
        line = f"{target}  {check}: whether {CHECKS[check].asks}"
        sys.stderr.write("\r\x1b[2K" + plain(line)[:os.get_terminal_size(sys.stderr.fileno()).columns - 1])
        sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the block as an exception, so that what it wrote is removed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
