"""CM003 · a comment that is meant to accept a finding cannot be obeyed

## Why
A suppression is a decision that the next reader has to be able to judge. Without a reason nobody can tell whether it
still holds, and with a rule that does not exist it accepts nothing, while its author believes that it does. Such a
comment is not obeyed: the findings that it was meant for are reported.

## Example
`# crewmem: ignore[CM402]` gives no reason; `# crewmem: ignore[random-keys] -- one-off` names no rule.

## Fix
Write the rule's id or name and, behind two dashes, why the finding is accepted:
`# crewmem: ignore[CM402] -- one conversation per request is intended`. Several rules are separated by commas.

## When this is not a problem
A comment that begins with `crewmem:` and was meant for people only. Word it differently.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules import catalogue, find
from crewmem_doctor.rules._suppressions import Directive, read
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.settings import did_you_mean

FORM = "# crewmem: ignore[CM402] -- why this is accepted"


def check(project: Project) -> Iterator[Finding]:
    for comment in project.comments:
        directive = read(comment)
        if directive.flaw:
            yield _finding(directive, f"This suppression {directive.flaw}, so it is not obeyed", directive.flaw)
        for word in directive.words:
            if find(word) is None:
                yield _finding(directive, f"This suppression names no rule of this version: {word}{_near(word)}", word)


def _near(word: str) -> str:
    return did_you_mean(word.lower(), tuple(n for rule in catalogue() for n in (rule.id.lower(), rule.name)))


def _finding(directive: Directive, message: str, evidence: str) -> Finding:
    subject = f"ignore[{', '.join(directive.words)}]"
    return RULE.finding(directive.at, message, subject=subject, evidence=evidence,
                        fix=Fix("Name the rule in brackets and give the reason behind two dashes", FORM))


_CREW = """\
from crewai import Crew

crew = Crew(agents=[], tasks=[], memory=False)  {comment}
"""

RULE = Rule(
    id="CM003", severity="error", check=check,
    summary="a `crewmem:` comment has no reason, names an unknown rule, or cannot be read",
    bad=(
        Example("No reason", {"app.py": _CREW.format(comment="# crewmem: ignore[CM402]  # <-- here")}),
        Example("No such rule", {"app.py": _CREW.format(comment="# crewmem: ignore[random-kex] -- one-off  # <-- here")}),
        Example("Not a suppression", {"app.py": _CREW.format(comment="# crewmem: skip this line  # <-- here")}),
    ),
    good=(
        Example("A rule and a reason", {"app.py": _CREW.format(
            comment="# crewmem: ignore[CM003] -- shows the form of a suppression")}),
    ),
    premise=("what a suppression promises: it accepts one finding, and says why",),
)
