"""Which dialect writes a change. Every module and package below `dialects/` declares itself; nothing else to edit."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from crewmem_doctor.fixes import dialects
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.text import Document, joined
from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.record import dataclass

T = TypeVar("T")
Kept = dict[tuple[object, str, bytes], Any]     # what was made of a file's bytes, by who made it


class Sources:
    """The files as they are now. `platforms` says which platform's services stand in a file, by path. What is made of a
    file goes into `kept`, which several may share: most files are the same in most states of a tree."""

    def __init__(self, read: Callable[[str], bytes | None], platforms: Mapping[str, str] | None = None,
                 kept: Kept | None = None) -> None:
        self._read = functools.lru_cache(maxsize=None)(read)
        self.platforms = platforms or {}
        self._kept: Kept = {} if kept is None else kept

    def document(self, path: str) -> Document:
        """Raises Refused where the file cannot be had as text."""
        body = self._read(path)
        if body is None:
            raise Refused(f"{path} cannot be read")
        return self._once(Document.read, path, body, lambda: Document.read(path, body))

    def parsed(self, path: str, parse: Callable[[Document], T]) -> T:
        """What `parse` makes of the file, which must not be altered. Raises Refused where it or `document` does."""
        document = self.document(path)
        return self._once(parse, path, self._read(path) or b"", lambda: parse(document))

    def _once(self, who: object, path: str, body: bytes, make: Callable[[], T]) -> T:
        key = (who, path, body)
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found


Editor = Callable[..., Iterable[Edit]]      # (change, sources) → edits; raises Refused


@dataclass(frozen=True, slots=True)
class Dialect:
    """One syntax. `editors` write a kind of change each: they take the change and the Sources, and raise Refused.

    A change that says which `file` it is about, or names a place, goes to the dialect whose `owns` knows the file's
    path, else to that of the services which stand in the file; one that names a service to that of its platform.
    """

    name: str
    editors: Mapping[type[Change], Editor]
    platforms: tuple[str, ...] = ()
    owns: Callable[[str], bool] = lambda path: False


@functools.lru_cache(maxsize=1)
def every() -> tuple[Dialect, ...]:
    modules = sorted(m.name for m in pkgutil.iter_modules(dialects.__path__) if not m.name.startswith("_"))
    return tuple(importlib.import_module(f"{dialects.__name__}.{name}").DIALECT for name in modules)


def write(changes: Iterable[Change], sources: Sources) -> tuple[Edit, ...] | Refusal:
    """The edits that make all the changes, or why they cannot be made. Never raises: a failing dialect is a refusal."""
    edits: list[Edit] = []
    try:
        for change in changes:
            if isinstance(change, Refusal):
                return change
            edits.extend(_editor(change, sources)(change, sources))
        made = joined(edits)
    except Refused as refused:
        return Refusal(str(refused))
    except Exception as error:
        return Refusal(f"internal error: {type(error).__name__}: {error}")
    return made or Refusal("what it would write stands there already")


def _editor(change: Change, sources: Sources) -> Editor:
    dialect, what = _dialect(change, sources)
    editor = dialect.editors.get(type(change)) if dialect is not None else None
    if editor is None:
        raise Refused(f"no edit of this kind is known for {what}")
    return editor


def _dialect(change: Change, sources: Sources) -> tuple[Dialect | None, str]:
    service, file = getattr(change, "service", None), getattr(change, "file", "")
    owner = _owner(file, change) if file else None
    if owner is not None:
        return owner, file
    if isinstance(service, Service):
        return _of_platform(service.platform), f"{service.id} ({service.platform})"
    at = getattr(change, "at", None) or getattr(change, "beside", None)
    path = at.path if at is not None else ""
    return _owner(path, change) or _of_platform(sources.platforms.get(path, "")), path


def _owner(path: str, change: Change) -> Dialect | None:
    """The dialect that knows the file by its path; of several the one that writes such a change."""
    owners = [d for d in every() if d.owns(path)]
    return next((d for d in owners if type(change) in d.editors), owners[0] if owners else None)


def _of_platform(platform: str) -> Dialect | None:
    return next((d for d in every() if platform in d.platforms), None)
