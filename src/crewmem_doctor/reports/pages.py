"""A rule's page, and the catalogue, for terminals, pipes and programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from crewmem_doctor.reports.rich.page import Look, Page, Piece
from crewmem_doctor.reports.words import visible
from crewmem_doctor.rules.base import GROUPS, Rule

_CODE = re.compile(r"(`+)([^`]+)\1")


def page(rule: Rule, look: Look) -> str:
    """What `explain` prints: the rule's docstring, then what its tests show it firing on and silent on."""
    out = Page(look)
    out.add((f"{rule.id} {rule.name}", "bold"), "  ", (rule.severity, rule.severity), (f"  {rule.group}", "dim"))
    lines = rule.page.splitlines()
    out.add(*_inline(re.sub(rf"^{rule.id}\s*·\s*", "", lines[0]) if lines else rule.summary))
    before = ""
    for kind, text in _blocks(lines[1:]):
        if kind == "heading":
            out.heading(text)
        elif kind == "code":
            for line in text.splitlines():
                out.lines.append([("    ", ""), (visible(line), "snippet")])
            out.blank()
        else:
            if before != "heading":
                out.blank()
            out.add(*_inline(text), hang=2 if text.startswith("- ") else 0)
        before = kind
    _examples(out, rule)
    return out.text()


def _examples(out: Page, rule: Rule) -> None:
    out.heading("Tested on")
    for example in rule.bad:
        out.add(("✗ ", "error"), f"fires: {example.title}", indent=2, hang=2)
    for example in rule.good:
        out.add(("✓ ", "kept"), f"silent: {example.title}", indent=2, hang=2)
    for premise in rule.premise:
        out.add(("• ", "dim"), (f"rests on: {premise}", "dim"), indent=2, hang=2)


def _blocks(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Headings, fenced code, list items and paragraphs; a paragraph's own line breaks are dropped."""
    paragraph: list[str] = []
    code: list[str] | None = None
    for line in [*lines, ""]:
        starts = line.startswith(("```", "## ", "- ")) or not line.strip()
        if code is None and paragraph and starts:
            yield "text", " ".join(paragraph)
            paragraph = []
        if line.startswith("```"):
            if code is not None:
                yield "code", "\n".join(code)
            code = [] if code is None else None
        elif code is not None:
            code.append(line)
        elif line.startswith("## "):
            yield "heading", line[3:]
        elif line.strip():
            paragraph.append(line.strip())


def _inline(text: str) -> list[Piece | str]:
    """Back-quoted words in colour; the quotes stay, for those who see none."""
    pieces: list[Piece | str] = []
    at = 0
    for match in _CODE.finditer(text):
        pieces += [text[at:match.start()], (match[0], "path")]
        at = match.end()
    return [*pieces, text[at:]]


def listing(rules: Iterable[Rule], look: Look) -> str:
    """The catalogue by the question that a rule answers."""
    out = Page(look)
    rules = list(rules)
    room = max((len(rule.name) for rule in rules), default=0)
    for digit, title in GROUPS.items():
        group = [rule for rule in rules if rule.id[2] == digit]
        if group:
            out.heading(title)
        for rule in group:
            out.add((rule.id, "bold"), f" {rule.name:<{room}}  ", (f"{rule.severity:<8}", rule.severity),
                    f" {visible(rule.summary)}", indent=2, hang=room + 17)
    return out.text()


def lines(rules: Iterable[Rule]) -> str:
    """One line per rule: id, name, severity, summary."""
    return "".join(f"{rule.id} {rule.name} {rule.severity}: {rule.summary}\n" for rule in rules)


def catalogue(rules: Iterable[Rule]) -> str:
    """The catalogue as JSON."""
    entries = [{"id": rule.id, "name": rule.name, "severity": rule.severity, "group": rule.group,
                "summary": rule.summary} for rule in rules]
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n"
