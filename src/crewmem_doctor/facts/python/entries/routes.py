"""The labels of routes: verb, prefix and path."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from crewmem_doctor.facts.python.entries._common import argument
from crewmem_doctor.facts.python.index import Scope
from crewmem_doctor.facts.python.survey import Survey, as_text, start_of
from crewmem_doctor.model.expression import Build

VERBS = frozenset({"get", "post", "put", "delete", "patch", "head", "options"})
Position = tuple[str, int, int]


def methods_of(word: str, call: ast.Call) -> str:
    """ "POST" of `.post(…)` and of `methods=["POST"]`; several are joined by a bar."""
    if word in VERBS:
        return word.upper()
    given = argument(call, "methods", "method", "http_method_names")
    items = given.elts if isinstance(given, (ast.List, ast.Tuple, ast.Set)) else [given] if given is not None else []
    verbs = [item.value.upper() for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return "|".join(verbs) or "GET"


def route_path(survey: Survey, call: ast.Call, target: ast.expr, scope: Scope, mounts: Mapping[Position, str]) -> str:
    """The path with the prefixes of its router, as far as they are constant."""
    path = survey.text(argument(call, "path", "rule", "uri", "route", position=0), scope)
    if path is None:
        path = "/…" if argument(call, "path", "rule", "uri", "route", position=0) is not None else "/"
    router = target.value if isinstance(target, ast.Attribute) else None
    built = survey.base.evaluate(router, scope) if router is not None else None
    prefix = ""
    if isinstance(built, Build):
        own = as_text(built.argument("prefix")) or as_text(built.argument("url_prefix")) or ""
        position = start_of(built.at)
        prefix = (mounts.get(position, "") if position is not None else "") + own
    whole = prefix.rstrip("/") + (path if path.startswith("/") or not prefix else f"/{path}")
    return whole if whole.startswith("/") else f"/{whole}"


def prefixes(survey: Survey) -> dict[Position, str]:
    """The constant prefix under which each router is mounted, by the position of its construction."""
    mounted: dict[Position, tuple[str, Position | None]] = {}
    for site in survey.calls("include_router", "register_blueprint", "mount", "add_router", "blueprint"):
        child = argument(site.node, "router", "blueprint", "app", position=0)
        if site.node.func is not None and getattr(site.node.func, "attr", "") in ("mount", "add_router"):
            child = next((a for a in reversed(site.node.args) if not isinstance(a, ast.Constant)), child)
        built = survey.base.evaluate(child, site.scope) if child is not None else None
        position = start_of(built.at) if isinstance(built, Build) else None
        if position is None or position in mounted:
            continue
        named = argument(site.node, "prefix", "url_prefix", "path")
        if named is None and site.node.args and isinstance(site.node.args[0], ast.Constant):
            named = site.node.args[0]
        parent = site.node.func.value if isinstance(site.node.func, ast.Attribute) else None
        above = survey.base.evaluate(parent, site.scope) if parent is not None else None
        mounted[position] = (
            survey.text(named, site.scope) or "",
            start_of(above.at) if isinstance(above, Build) else None,
        )
    return {position: _whole(position, mounted, survey) for position in mounted}


def _whole(position: Position, mounted: Mapping[Position, tuple[str, Position | None]], survey: Survey) -> str:
    prefix, parent = mounted[position]
    seen = {position}
    while parent is not None and parent in mounted and parent not in seen:
        seen.add(parent)
        above, parent = mounted[parent]
        prefix = above.rstrip("/") + prefix
    return prefix.rstrip("/")
