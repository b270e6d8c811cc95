"""Where each format of a report goes."""

from __future__ import annotations

from collections.abc import Iterable

from crewmem_doctor.errors import UsageError
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.settings import Settings, did_you_mean

FORMATS = ("rich", "concise", "json", "sarif")
WITH_EDITS = ("json", "sarif")      # formats for programs, which carry what `fix` would change
STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Target:
    """A format and the file it is written to, or `-` for stdout."""

    format: str
    file: str = STDOUT


def targets(settings: Settings) -> tuple[Target, ...]:
    """The formats that were asked for: `rich` where none was. At most one of them goes to stdout."""
    asked = [_target(word) for word in settings.formats] or [Target("rich")]
    loose = [target for target in asked if target.file == STDOUT]
    if len(loose) > 1:
        names = " and ".join(target.format for target in loose)
        raise UsageError(f"--format: {names} cannot both go to stdout; write one to a file: {loose[-1].format}=FILE")
    if settings.output and settings.output != STDOUT:
        if not loose:
            raise UsageError("--output names a file, but every --format has one already")
        asked = [Target(t.format, settings.output) if t.file == STDOUT else t for t in asked]
    _different_files(asked)
    return tuple(asked)


def _target(word: str) -> Target:
    name, _, file = word.partition("=")
    name = name.strip().lower()
    if name not in FORMATS:
        raise UsageError(f"--format takes {', '.join(FORMATS)}, not {name!r}{did_you_mean(name, FORMATS)}")
    if "=" in word and not file.strip():
        raise UsageError(f"--format {word}: the file's name is missing")
    return Target(name, file.strip() or STDOUT)


def _different_files(asked: Iterable[Target]) -> None:
    seen: set[str] = set()
    for target in asked:
        if target.file in seen and target.file != STDOUT:
            raise UsageError(f"--format: two formats would be written to {target.file}")
        seen.add(target.file)
