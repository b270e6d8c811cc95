"""CM001 · a comment or a configured ignore accepts a finding that is not there

## Why
The problem was fixed, the code moved, or the suppression never matched. Left in place it would silently accept the next
finding of that rule on that line, for a reason that was given for another one.

## Example
`# crewmem: ignore[CM402] -- one conversation per request is intended` on a line where nothing random reaches a key any
more.

## Fix
Remove the rule from the brackets, or the whole comment or table if it was the only one.

## When this is not a problem
Never for long. While a change is in progress, run with `--ignore CM001`.
"""

from __future__ import annotations

from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> tuple[Finding, ...]:
    """Nothing: what is unused is known only once all other findings are. `policy.suppress` makes these findings."""
    return ()


def unused(rule_id: str, at: Location, subject: str, evidence: str) -> Finding:
    """The finding for one rule of one suppression that matched nothing. `subject` identifies the suppression."""
    return RULE.finding(at, f"This suppression of {rule_id} matches no finding", subject=subject, evidence=evidence,
                        fix=Fix(f"Remove {rule_id} from the suppression, or all of it if nothing else is listed"))


_CREW = """\
from crewai import Crew

crew = Crew(agents=[], tasks=[], memory=False)  {comment}
"""

RULE = Rule(
    id="CM001", severity="warning", check=check,
    summary="a `crewmem: ignore[…]` comment or a configured ignore matches nothing",
    bad=(
        Example("Nothing to accept", {"app.py": _CREW.format(
            comment="# crewmem: ignore[CM003] -- the crew moved elsewhere  # <-- here")}),
    ),
    good=(
        Example("No suppression", {"app.py": _CREW.format(comment="# remembers nothing")}),
    ),
    premise=("what a suppression promises: it accepts one finding, and says why",),
)
