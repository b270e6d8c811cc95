"""pyproject.toml (PEP 621, dependency groups, Poetry, PDM, Hatch, uv, Pixi) and Pipfile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crewmem_doctor.facts.requirements.entry import Entry, from_poetry, is_weak, normalised, parse_line
from crewmem_doctor.sources.toml import Document


def read_pyproject(document: Document) -> list[Entry]:
    """Every requirement of the file; what `tool.uv.sources` redirects is of unknown release."""
    home = document.path.rpartition("/")[0]
    entries = [*_listed(document, home), *_tables(document, home)]
    redirected = _uv_sources(document)
    return [
        Entry(e.name, f"@ {redirected[e.name]}", e.at, home, "unknown", extras=e.extras, weak=e.weak)
        if e.name in redirected else e for e in entries
    ]


def read_pipfile(document: Document) -> list[Entry]:
    home = document.path.rpartition("/")[0]
    return [
        *_mapping(document, home, "packages", weak=False),
        *_mapping(document, home, "dev-packages", weak=True),
    ]


def _listed(document: Document, home: str) -> Iterator[Entry]:
    """The lists of PEP 508 texts."""
    lists: list[tuple[Any, str, bool]] = [
        (document.get("project", "dependencies"), "project", False),
        (document.get("tool", "uv", "dev-dependencies"), "tool.uv", True),
    ]
    for name, group in _items(document.get("project", "optional-dependencies")):
        lists.append((group, "project.optional-dependencies", is_weak(name)))
    for name, group in _items(document.get("dependency-groups")):
        lists.append((group, "dependency-groups", is_weak(name)))
    for name, group in _items(document.get("tool", "pdm", "dev-dependencies")):
        lists.append((group, "tool.pdm.dev-dependencies", is_weak(name) or True))
    for name, environment in _items(document.get("tool", "hatch", "envs")):
        for key in ("dependencies", "extra-dependencies"):
            if isinstance(environment, dict):
                lists.append((environment.get(key), f"tool.hatch.envs.{name}", name != "default"))
    for texts, section, weak in lists:
        for text in texts if isinstance(texts, list) else ():
            if isinstance(text, str):
                entry = parse_line(text, document.at_text(text, section), home, weak=weak)
                if entry is not None:
                    yield entry
    for key in ("constraint-dependencies", "override-dependencies"):
        texts = document.get("tool", "uv", key)
        for text in texts if isinstance(texts, list) else ():
            if isinstance(text, str):
                entry = parse_line(text, document.at_text(text, "tool.uv"), home, constraint=True)
                if entry is not None:
                    yield entry


def _tables(document: Document, home: str) -> Iterator[Entry]:
    """The tables of Poetry's kind."""
    yield from _mapping(document, home, "tool", "poetry", "dependencies", weak=False)
    yield from _mapping(document, home, "tool", "poetry", "dev-dependencies", weak=True)
    for name, _ in _items(document.get("tool", "poetry", "group")):
        yield from _mapping(document, home, "tool", "poetry", "group", name, "dependencies", weak=is_weak(name))
    yield from _mapping(document, home, "tool", "pixi", "dependencies", weak=False)
    yield from _mapping(document, home, "tool", "pixi", "pypi-dependencies", weak=False)


def _mapping(document: Document, home: str, *keys: str, weak: bool) -> Iterator[Entry]:
    section = ".".join(keys)
    for name, value in _items(document.get(*keys)):
        if normalised(name) == "python":
            continue
        for one in value if isinstance(value, list) else [value]:
            entry = from_poetry(name, one, document.at_key(name, section), home, weak)
            if entry is not None:
                yield entry


def _uv_sources(document: Document) -> dict[str, str]:
    """Names that uv takes from elsewhere than an index, with what that is."""
    found = {}
    for name, source in _items(document.get("tool", "uv", "sources")):
        for one in source if isinstance(source, list) else [source]:
            kind = next((k for k in ("git", "path", "url", "workspace") if isinstance(one, dict) and one.get(k)), "")
            if kind:
                found[normalised(name)] = kind
    return found


def _items(table: Any) -> list[tuple[str, Any]]:
    return [(str(k), v) for k, v in table.items()] if isinstance(table, dict) else []
