"""Programs on a machine of their own: systemd units, supervisord's configuration, crontabs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.fixes.text import Document
from crewmem_doctor.model.changes.deployment import MountVolume, SetVariable
from crewmem_doctor.model.finding import Edit

_STATE = "/var/lib/"
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+-]+")


def mount(change: MountVolume, sources: Sources) -> list[Edit]:
    """A directory below /var/lib that systemd makes for the unit's user, and leaves writable in its sandbox."""
    if change.service.platform != "systemd":
        raise Refused(f"make {change.target} on the machine, and give it to {change.service.user.name}")
    name = change.target.removeprefix(_STATE)
    if name == change.target or "/" in name:
        raise Refused(f"systemd makes directories below {_STATE} only, and {change.target} is none")
    document = sources.document(change.service.at.path)
    said = _key(document, "Service", "StateDirectory")
    if said is not None:
        return [document.insertion(document.end_of(said), f" {name}")]
    return [_below(document, "Service", f"StateDirectory={name}")]


def set_variable(change: SetVariable, sources: Sources) -> list[Edit]:
    document, platform = sources.document(change.service.at.path), change.service.platform
    if change.required:
        raise Refused(f"what only you know belongs into a file that is not committed; set {change.name} there")
    if not _PLAIN.fullmatch(change.value) or "%" in change.value:
        raise Refused(f"{change.value!r} needs quotes; set {change.name} by hand")
    if platform == "systemd":
        return [_below(document, "Service", f"Environment={change.name}={change.value}")]
    if platform == "cron":
        return [document.insertion((change.service.at.line, 1), f"{change.name}={change.value}\n")]
    section = f"program:{change.service.name}"
    said = _key(document, section, "environment")
    if said is not None:
        return [document.insertion(document.end_of(said), f',{change.name}="{change.value}"')]
    return [_below(document, section, f'environment={change.name}="{change.value}"')]


def _below(document: Document, section: str, text: str) -> Edit:
    """A line more behind the section's last one of its kind, else behind its last entry."""
    key = text.partition("=")[0]
    entries = list(_entries(document, section))
    if not entries:
        raise Refused(f"{document.path} has no entries under [{section}]")
    alike = [last for name, last in entries if name == key]
    return document.insertion(document.end_of(alike[-1] if alike else entries[-1][1]), f"\n{text}")


def _key(document: Document, section: str, key: str) -> int | None:
    return next((last for name, last in reversed(list(_entries(document, section))) if name == key), None)


def _entries(document: Document, section: str) -> Iterator[tuple[str, int]]:
    """The names in a section, each with the line where its value ends; a backslash or an indented line goes on."""
    inside, name, last = False, "", 0
    for number in range(1, len(document.lines) + 2):
        line = document.line(number)
        indented = section != "Service" and line[:1].isspace()
        goes_on = name and (indented or document.line(number - 1).rstrip().endswith("\\"))
        if goes_on and line.strip():
            last = number
            continue
        if name:
            yield name, last
            name = ""
        header = re.fullmatch(r"\s*\[([^\]]+)\]\s*", line)
        if header is not None:
            inside = header[1].strip() == section
        elif inside and (entry := re.match(r"\s*([A-Za-z_][\w.-]*)\s*=", line)):
            name, last = entry[1], number


DIALECT = Dialect("hosts", platforms=("systemd", "supervisord", "cron"), editors={
    MountVolume: mount, SetVariable: set_variable})
