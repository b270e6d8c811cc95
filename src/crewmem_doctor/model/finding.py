"""A finding: what loses memory, on which evidence, and what to change."""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import Literal

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.known import Confidence
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.record import dataclass

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text between two 1-based (line, column) points."""

    path: str
    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """The remedy. `title` is one imperative sentence; `snippet` shows the change as it would be written, for people.

    `changes` is what to alter, all of it or nothing; `fixes/` turns them into `edits` when somebody asks. `safe` says
    that what works now works on as it did. `caveat` is what a person must do or know besides, a sentence. `recipe` is
    the page that shows all of it, where an edit is only a part or none can be made: "docs/recipes/storage_dir.md".
    """

    title: str
    snippet: str = ""
    safe: bool = False
    edits: tuple[Edit, ...] = ()
    caveat: str = ""
    recipe: str = ""
    changes: tuple[Change, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """`at` is where a person would make the change. `subject` and `evidence` identify the cause: never prose, never a
    line number."""

    rule: str
    name: str
    severity: Severity
    message: str
    at: Location
    subject: str
    evidence: str
    confidence: Confidence = "high"
    because: tuple[Step, ...] = ()
    fix: Fix | None = None

    @property
    def fingerprint(self) -> str:
        """32 hex digits that survive edits elsewhere in the file."""
        text = "\0".join((self.rule, self.at.path, self.subject, self.evidence))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @property
    def order(self) -> tuple[str, int, int, str, str, str]:
        return (self.at.path, self.at.line, self.at.column, self.rule, self.subject, self.evidence)
