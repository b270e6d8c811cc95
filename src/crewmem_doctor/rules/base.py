"""What a rule file declares."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping

from crewmem_doctor.model.finding import Finding, Fix, Severity
from crewmem_doctor.model.known import Confidence
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.record import dataclass

HERE = "# <-- here"
GROUPS: Mapping[str, str] = {
    "0": "The audit itself", "1": "Storage", "2": "Deployment", "3": "Sharing", "4": "Identity", "5": "Failure", "6": "API",
    "9": "Seen live",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A small tree. Each line that ends in `# <-- here` must get exactly one finding of the rule (at `severity` where
    given); a tree without marks must get none. `observations` are what probes saw there."""

    title: str
    files: Mapping[str, str]
    severity: Severity | None = None
    observations: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. `check` is pure: the project in, findings out. `summary` says in one sentence when it fires.

    Its name is the name of the module that holds `check`, its page that module's docstring.
    """

    id: str
    severity: Severity
    summary: str
    check: Callable[[Project], Iterable[Finding]]
    bad: tuple[Example, ...] = ()
    good: tuple[Example, ...] = ()
    premise: tuple[str, ...] = ()          # where the behaviour it rests on was read or run

    @property
    def name(self) -> str:
        return self.check.__module__.rsplit(".", 1)[-1].replace("_", "-")

    @property
    def page(self) -> str:
        return inspect.cleandoc(sys.modules[self.check.__module__].__doc__ or "")

    @property
    def group(self) -> str:
        return GROUPS[self.id[2]]

    def finding(self, at: Location, message: str, *, subject: str, evidence: str, severity: Severity | None = None,
                confidence: Confidence = "high", because: Iterable[Step] = (), fix: Fix | None = None) -> Finding:
        """A finding of this rule. `subject` and `evidence` are its identity: no prose, no line number."""
        return Finding(self.id, self.name, severity or self.severity, message, at, subject, evidence, confidence,
                       tuple(because), fix)
