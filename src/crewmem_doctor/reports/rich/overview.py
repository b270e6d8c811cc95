"""The first screen: what remembers, and what each memory outlives."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len

from crewmem_doctor.model.deployment import EVENTS, Event
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.report import Outcome, Report, Row, Word
from crewmem_doctor.reports import words
from crewmem_doctor.reports.rich.page import Page, Piece

CELLS: dict[Word, str] = {"kept": "✓ kept", "lost": "✗ lost", "stale": "~ stale", "unknown": "?", "n/a": "–"}
MARKS: dict[Word, str] = {"kept": "✓", "lost": "✗", "stale": "~", "unknown": "?", "n/a": "–"}
WIDTHS = {event: max(len(event), len("~ stale")) for event in EVENTS}
_KEYS: dict[words.KeyKind, str] = {
    "none": "no key", "constant": "one key for everyone", "user": "keyed by the caller",
    "random": "a new key for each request", "unknown": "a key that could not be read"}
_PLACES = {"path": "on disk", "server": "on a server", "unknown": "where its records live is not known"}


def memories(page: Page, report: Report) -> None:
    """The legend: what m1, m2 … are."""
    release = report.project.release
    source = f" ({release.source})" if release.source else ""
    page.heading("Memories", f"CrewAI {release}{source}")
    for memory in report.project.memories:
        page.add((f"{memory.id:<4}", "bold"), (memory.label, "bold"), "  ", (str(memory.at), "path"), indent=2)
        page.add(_passport(memory, report), indent=6)


def _passport(memory: Memory, report: Report) -> str:
    location = report.locations.get(memory.id, "")
    if memory.store.kind == "process":
        place = f"in the memory of one process ({memory.store.why})"
    elif location:
        place = f"in {location}" + (f" ({memory.store.why})" if memory.store.why not in ("", location) else "")
    else:
        place = f"{_PLACES[memory.store.kind]} ({memory.store.why})"
    kind, source = words.key(memory)
    keyed = _KEYS[kind] + (f" ({source})" if source else "")
    entries = list(dict.fromkeys(reach.entry.label for reach in memory.handlers))
    if len(entries) > 4:
        entries = [*entries[:3], f"{len(entries) - 3} more"]
    return f"{place}; {keyed}; " + (f"reached from {words.listed(entries)}" if entries else "no entry point reaches it")


def survival(page: Page, report: Report) -> None:
    """The table, one row per memory and service, with every reason said once."""
    rows = report.rows
    page.heading("What each memory outlives")
    if not rows:
        page.add("No deployment file here runs a memory, so only the code was judged.", indent=2)
        return
    names = [f"{row.memory:<4}{row.service}" for row in rows]
    first = max(map(cell_len, (words.plain(name) for name in names)))
    free = page.look.room - 2 - sum(WIDTHS.values())
    gap = "  " if first + 2 * len(EVENTS) <= free else " "
    first = min(first, max(12, free - len(EVENTS)))
    head = gap.join(f"{event:<{WIDTHS[event]}}" for event in EVENTS)
    page.add((" " * first + gap + head, "dim"), indent=2, wrap=False)
    for name, row in zip(names, rows, strict=True):
        cells: list[Piece | str] = []
        for event in EVENTS:
            word = row.outcomes[event].word
            cells += [gap, (f"{CELLS[word]:<{WIDTHS[event]}}", word if word != "n/a" else "dim")]
        page.add(_fit(words.plain(name), first), *cells, indent=2, wrap=False)
    _reasons(page, rows)
    _locations(page, report)


def _fit(name: str, room: int) -> str:
    """Padded, or cut in the middle: a service's end tells it apart."""
    missing = room - cell_len(name)
    if missing >= 0:
        return name + " " * missing
    head, tail = name[:room // 2], name[room // 2:]
    while cell_len(head) + cell_len(tail) + 1 > room:
        tail = tail[1:]
    return f"{head}…{tail}" + " " * (room - cell_len(head) - cell_len(tail) - 1)


def _reasons(page: Page, rows: Iterable[Row]) -> None:
    told: dict[tuple[Word, str], tuple[dict[Event, None], dict[str, dict[str, None]]]] = {}
    rows = list(rows)
    for event in EVENTS:
        for row in rows:
            outcome = row.outcomes[event]
            if _worth_telling(outcome, page.look.verbose):
                events, who = told.setdefault((outcome.word, outcome.why), ({}, {}))
                events[event] = None
                who.setdefault(row.service, {})[row.memory] = None
    if told:
        page.blank()
    for (word, why), (events, who) in told.items():
        lead = (f"{MARKS[word]} {', '.join(events)}", word if word != "n/a" else "dim")
        if len(rows) > 1:
            page.add(lead, (f"  {_whom(who)}", "dim"), indent=2, hang=2)
            page.add(why, indent=4)
        else:
            page.add(lead, f"  {why}", indent=2, hang=2)


def _worth_telling(outcome: Outcome, verbose: bool) -> bool:
    return bool(outcome.why) and (outcome.word in ("lost", "stale", "unknown") or verbose)


def _whom(who: dict[str, dict[str, None]]) -> str:
    """"m1 in compose:api and compose:worker"."""
    same: dict[str, list[str]] = {}
    for service, ids in who.items():
        same.setdefault(", ".join(ids), []).append(service)
    return "; ".join(f"{ids} in {words.listed(services)}" for ids, services in same.items())


def _locations(page: Page, report: Report) -> None:
    """The effective paths that differ from what the legend says."""
    places: dict[str, dict[str, dict[str, None]]] = {}
    elsewhere = {m.id for m in report.project.memories if m.store.kind in ("path", "server")}
    for row in report.rows:
        if row.memory in elsewhere and row.location and row.location != report.locations.get(row.memory):
            places.setdefault(row.location, {}).setdefault(row.service, {})[row.memory] = None
    for place, who in places.items():
        page.add(("→ written to ", "dim"), (place, "path"), (f"  {_whom(who)}", "dim"), indent=2, hang=2)
