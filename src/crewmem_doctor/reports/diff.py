"""A plan as one unified diff, with a heading for each remedy. `patch -p1` takes it: headings are comments to it."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.plan import Plan, Step
from crewmem_doctor.redact import redact
from crewmem_doctor.reports.words import plain, visible

_COLORS = {"+": "32", "-": "31", "@": "36", "#": "1"}
WIDTH = 76      # of a heading's text, so that it fits a terminal of 80 columns
_NO_END = "\\ No newline at end of file"


def render(plan: Plan, *, color: bool = False) -> str:
    """The steps, then what is not made and why. Secrets in the lines around an edit are not shown."""
    blocks = ["\n".join((*heading(step), *difference(step))) for step in plan.steps]
    blocks += ["\n".join(refusal(refused.finding, refused.reason)) for refused in plan.refused]
    lines = "\n\n".join(blocks).split("\n") if blocks else []
    return "".join(f"{_painted(line) if color else line}\n" for line in lines)


def show(step: Step, *, color: bool = False) -> str:
    """One step."""
    return "".join(f"{_painted(line) if color else line}\n" for line in (*heading(step), *difference(step)))


def heading(step: Step) -> Iterator[str]:
    for finding in step.findings:
        yield f"# {_named(finding)}"
    follows = "; goes with the one above" if step.follows else ""
    yield from _wrapped(f"{step.fix.title} ({'safe' if step.fix.safe else 'unsafe'}{follows})")
    yield from _wrapped(step.fix.caveat)


def refusal(finding: Finding, reason: str) -> Iterator[str]:
    yield f"# {_named(finding)}"
    yield from _wrapped(f"not made, since {reason}")
    if finding.fix is not None:
        yield from _wrapped(f"by hand: {finding.fix.title}")
        yield from (f"#     {visible(redact(line))}" for line in finding.fix.snippet.split("\n") if line)
        if finding.fix.recipe:
            yield f"#   see {finding.fix.recipe}"


def difference(step: Step) -> Iterator[str]:
    """The unified diff of each file that the step alters."""
    for path, before in step.before.items():
        old, new = (_lines(text) for text in (before, step.after[path]))
        for line in difflib.unified_diff(old, new, f"a/{visible(path)}", f"b/{visible(path)}", lineterm=""):
            text, _, mark = line.partition("\x00")
            yield visible(text).replace("\\t", "\t")
            if mark:
                yield _NO_END


def _lines(text: str) -> list[str]:
    """Lines without their breaks; a last one that has none is marked, since that too is a difference."""
    lines = redact(text).split("\n")
    last = lines.pop()
    return [*lines, f"{last}\x00{_NO_END}"] if last else lines


def _named(finding: Finding) -> str:
    return f"{finding.rule} {finding.name} · {visible(str(finding.at))}"


def _wrapped(text: str) -> Iterator[str]:
    return (f"#   {line}" for line in textwrap.wrap(plain(text), WIDTH, break_long_words=False, break_on_hyphens=False))


def _painted(line: str) -> str:
    code = None if line.startswith("#  ") else _COLORS.get(line[:1])     # of a heading only its first line stands out
    return f"\x1b[{code}m{line}\x1b[0m" if code else line
