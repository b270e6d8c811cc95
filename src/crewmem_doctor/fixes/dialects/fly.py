"""fly.toml: the volume of an app or of one of its process groups, and `[env]`."""

from __future__ import annotations

import re

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.fixes.text import Document
from crewmem_doctor.fixes.toml import Toml
from crewmem_doctor.model.changes.deployment import MountVolume, SetVariable
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Edit


def mount(change: MountVolume, sources: Sources) -> list[Edit]:
    """`[mounts]` at the end of the file, for the process group where the app has several. `fly deploy` makes the volume
    if there is none of that name."""
    toml = Toml(_document(change.service, sources))
    group = change.service.id.partition("/")[2]
    for header in toml.headers:
        if header.name == "mounts":
            where = f"line {header.line} of {toml.file.path}"
            if not group or not header.many or not re.search(r"^\s*processes\s*=", toml.body(header), re.MULTILINE):
                raise Refused(f"a Machine has one volume, and {where} mounts it elsewhere; put the store there")
    if toml.get("mounts") is not None and not any(header.name == "mounts" for header in toml.headers):
        raise Refused(f"{toml.file.path} has its mounts on one line; add {change.target} there")
    lines = [f'source = "{change.volume.replace("-", "_")}"', f'destination = "{change.target}"']
    if group:
        lines.append(f'processes = ["{group}"]')
    return [toml.section("[[mounts]]" if group else "[mounts]", lines)]


def set_variable(change: SetVariable, sources: Sources) -> list[Edit]:
    if change.required:
        raise Refused(f"what only you know is a secret of the app: fly secrets set {change.name}=…")
    toml = Toml(_document(change.service, sources))
    if toml.get("env", change.name) is not None:
        raise Refused(f"{change.name} is set in {toml.file.path} already")
    header = next((h for h in toml.headers if h.name == "env"), None)
    line = f'{change.name} = "{change.value}"'
    if header is not None:
        return [toml.entry(header, line)]
    if toml.get("env") is not None:
        raise Refused(f"{toml.file.path} has its variables on one line; add {change.name} there")
    return [toml.section("[env]", [line])]


def _document(service: Service, sources: Sources) -> Document:
    return sources.document(service.at.path)


DIALECT = Dialect("fly", platforms=("fly",), editors={MountVolume: mount, SetVariable: set_variable})
