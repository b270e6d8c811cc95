"""Calls that would stop the start of an application whose server or key is missing."""

from __future__ import annotations

import ast
import re

from crewmem_doctor.facts.python.failures.startup import starters
from crewmem_doctor.facts.python.index import CallSite, CodeBase, Function
from crewmem_doctor.facts.python.survey import Survey, last_name
from crewmem_doctor.model.failure import Check

# Calls that talk to a server, and names of the project's own functions that say so.
_TALKS = re.compile(
    r"^(?:a?ping|connect\w*|create_pool|heartbeat|recall|arecall|remember|a?search|execute|fetch\w*|get_collections?|list_collections|"
    r"list_records|count|server_info|command|embed\w*|get_or_create_collection|from_config|create_all|upgrade|migrate|HttpClient|"
    r"wait_for\w*|open|aopen|kickoff|create_index|from_url_and_ping|call|drain_writes)$"
)
_SAYS = re.compile(
    r"health|check|verify|ping|probe|ensure|connect|init_?(?:db|memory|store|storage|mem0|redis|pool|vector)|smoke|warm|preflight|"
    r"validate|wait_for|test_conn",
    re.IGNORECASE,
)
_NOT_OURS = (
    "builtins.",
    "os.",
    "pathlib.",
    "fastapi.",
    "flask.",
    "logging.",
    "dotenv.",
    "click.",
    "typer.",
    "re.",
    "gzip.",
    "json.",
)
_DEPTH = 4


def find_checks(survey: Survey) -> tuple[Check, ...]:
    """One for each such call that runs at import, in a start-up hook, or before the server is started."""
    found: dict[Check, None] = {}
    seen: set[Function] = set()
    for function in starters(survey.base):
        for site in _calls(survey.base, function, _DEPTH, seen):
            found[Check(site.location, ast.unparse(site.node.func))] = None
    return tuple(sorted(found, key=lambda c: (c.at, c.what)))


def _calls(base: CodeBase, function: Function, depth: int, seen: set[Function]) -> list[CallSite]:
    if function in seen:
        return []
    seen.add(function)
    found = []
    for site in function.sites:
        word = last_name(site.node.func)
        name = site.callee
        if name.startswith(_NOT_OURS):
            continue
        called = base.definition(name) if name else None
        if isinstance(called, Function):
            if depth:
                found += _calls(base, called, depth - 1, seen)
            if _SAYS.search(word):
                found.append(site)
        elif (isinstance(site.node.func, ast.Attribute) and _TALKS.match(word)) or _SAYS.search(word):
            found.append(site)
    return found
