"""stdout and stderr: encodings, colours, widths, broken pipes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from crewmem_doctor.errors import UsageError
from crewmem_doctor.redact import redact

# For terminals and files that cannot show the report's own signs.
_ASCII = str.maketrans({"✓": "+", "✗": "x", "–": "-", "│": "|", "─": "-", "→": ">", "…": "~", "•": "*", "×": "x"})


def say(text: str) -> None:
    """A line for people, on stderr."""
    from crewmem_doctor.reports.words import visible

    _write(sys.stderr, "\n".join(visible(line) for line in redact(text).splitlines()) + "\n")


def put(text: str) -> None:
    """The report, on stdout. A reader that has gone away is no error."""
    try:
        _write(sys.stdout, text)
        sys.stdout.flush()
    except BrokenPipeError:
        hush()


def hush() -> None:
    """Sends stdout nowhere once its reader has gone: Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def save(text: str, file: str) -> None:
    """The report, in a file, as UTF-8."""
    try:
        Path(file).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} could not be written: {getattr(error, 'strerror', None) or error}") from None


def colored(stream: IO[str], environ: Mapping[str, str], no_color: bool) -> bool:
    """`--no-color` and NO_COLOR win over FORCE_COLOR, that over TERM=dumb and a pipe."""
    if no_color or environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR") not in (None, "", "0"):
        return True
    return terminal(stream) and environ.get("TERM") != "dumb"


def terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:        # closed
        return False


def width(stream: IO[str]) -> int | None:
    """The terminal's columns; None for a pipe."""
    return shutil.get_terminal_size().columns if terminal(stream) else None


def _write(stream: IO[str], text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    if sys.platform == "win32" and "\x1b[" in text:
        import typer

        typer.echo(text, file=stream, nl=False, color=True)      # old consoles need the codes translated
        return
    stream.write(text)
