"""Writes docs/releases.md: the designs that memory went through, what releases do with what people write, and what the
premises show.

`python tools/releases.py` writes, `--check` fails where the file is not what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from crewmem_doctor.releases.changes import CHANGES
from crewmem_doctor.releases.construction import sentence
from crewmem_doctor.releases.embedding import default_embedder, without_key
from crewmem_doctor.releases.eras import ERAS
from crewmem_doctor.releases.known import FIRST_WITH_MEMORY, KNOWN, NEWEST
from crewmem_doctor.releases.paths import ARTEFACTS
from crewmem_doctor.releases.spans import Span
from crewmem_doctor.rules import catalogue
from release_rows import PREMISES, SECTIONS, Row

TARGET = Path(__file__).resolve().parents[1] / "docs" / "releases.md"
BEFORE = f"""\
# Releases

What CrewAI's releases do with memory, and which rule says so. Written by `tools/releases.py` from the data that the rules
read; the examples behind the tables are scanned by `tests/tools/test_releases_page.py`, and the premises at the end are
shown by `tests/premises/` in processes of the real CrewAI.

Which arguments a class takes, and which names can be imported, is read from every published wheel from {FIRST_WITH_MEMORY} to
{NEWEST} by `tools/signatures.py`, and compared with the installed package by `tests/premises/test_signatures.py`.

## The designs
"""
OF_RULES = """\

"Nothing" means that no rule has anything to say about it on that release.
"""


def page() -> str:
    out = [BEFORE, table(("releases", "design", "default embedder", "without its key", "a crew built anew"), map(era, ERAS))]
    out += ["\n### Changes that a requirement may span\n",
            table(("release", "what an upgrade over it does", "evidence"), ((str(c.at), c.sentence, c.evidence) for c in CHANGES)),
            "\nA requirement that allows both sides of one is CM604.\n", "\n## Where records lie\n",
            table(("memory", "releases", "place", "engine", "evidence"), places())]
    for title, rows in SECTIONS:
        out += [f"\n## {title}\n", OF_RULES if title == "Imports" else "", table(("what people write or do", "what happens", "rule"), map(line, rows))]
    out += ["\n## What the premises show\n\n", table(("behaviour", "1.15.30", "1.9.3", "0.203.2", "rests on it"), map(shown, PREMISES)), AFTER]
    return "".join(out)


def era(found: Span[object]) -> tuple[str, ...]:
    design = getattr(found.value, "design", "")
    embedder, missing = default_embedder(found.since), without_key(found.since)
    return (releases(found), design, f"{embedder.value.model}, {embedder.value.dimensions} dimensions" if embedder else "",
            missing.sentence if missing else "", sentence(found.since))


def releases(found: Span[object]) -> str:
    """The releases that exist in a span: "0.27.0 to 0.70.1"."""
    inside = [v for v in KNOWN if found.covers(v)]
    return f"{inside[0]} to {inside[-1]}" if found.before is not None else f"from {inside[0]}"


def places() -> Iterable[tuple[str, ...]]:
    for kind, spans in ARTEFACTS.items():
        for found in spans:
            value = found.value
            base = "D" if value.base == "data" else "the working directory"
            yield kind.replace("_", " "), releases(found), f"{base}/{value.tail}".rstrip("/"), value.engine, found.evidence
    yield ("D", "", "`${XDG_DATA_HOME:-$HOME/.local/share}/NAME`; NAME is CREWAI_STORAGE_DIR (from 0.30), else the working directory's name;"
           " an absolute CREWAI_STORAGE_DIR is D itself", "", "1.15.30 crewai_core/paths.py:13-26")


def line(row: Row) -> tuple[str, ...]:
    said: dict[str, list[str]] = {}
    for case in row.cases:
        said.setdefault(case.rule or "nothing", []).append(case.release)
    by_release = "; ".join(f"{rule}: {', '.join(dict.fromkeys(found))}" for rule, found in said.items())
    return row.writes, row.happens, by_release or row.rules or "none"


def shown(premise: tuple[tuple[str, ...], str, str, str, str, str]) -> tuple[str, ...]:
    rules, _, behaviour, newest, legacy, older = premise
    return behaviour, newest, legacy, older, ", ".join(rules)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in lines)


def elsewhere() -> str:
    """The rules whose premise is no behaviour of CrewAI."""
    from release_rows import NOT_CREWAI

    names = {rule.id: rule.name for rule in catalogue()}
    return "".join(f"- {rule} {names[rule]}: {why}\n" for rule, why in NOT_CREWAI.items())


AFTER = f"""
Not shown there, because they rest on something else than CrewAI:

{elsewhere()}"""


def main() -> int:
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.exists() and TARGET.read_text(encoding="utf-8") == page() else 1
    TARGET.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
