"""Which findings are accepted, by a comment or by `pyproject.toml`, and which suppressions accept nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.report import Suppression
from crewmem_doctor.rules import find
from crewmem_doctor.rules._suppressions import Directive, read
from crewmem_doctor.rules.unused_suppression import unused
from crewmem_doctor.settings import Ignore, Settings

UNUSED = "CM001"


@dataclass(frozen=True, slots=True)
class _Acceptance:
    """One rule of one suppression, and which findings it speaks of: those on `lines` of a file, or those that a
    configured ignore describes."""

    rule: str
    reason: str
    at: Location
    lines: frozenset[int] = frozenset()
    ignore: Ignore | None = None

    def covers(self, finding: Finding) -> bool:
        if finding.rule != self.rule:
            return False
        if self.ignore is None:
            lines = range(finding.at.line, finding.at.end_line + 1)
            return finding.at.path == self.at.path and any(line in self.lines for line in lines)
        subject = self.ignore.subject
        return matches(self.ignore.path, finding.at.path) and (not subject or subject == finding.subject)

    def suppression(self, finding: Finding) -> Suppression:
        return Suppression(finding, "config" if self.ignore else "comment", self.reason, self.at.path, self.at.line)

    def unused(self) -> Finding:
        if self.ignore is None:
            return unused(self.rule, self.at, f"ignore[{self.rule}]", "comment")
        subject = f"ignore[{self.rule}] for {self.ignore.path}"
        return unused(self.rule, self.at, subject, self.ignore.subject or "config")


def sort(findings: Iterable[Finding], project: Project, settings: Settings,
         ran: frozenset[str]) -> tuple[list[Finding], list[Suppression]]:
    """The findings that stand and those that are accepted. `ran` are the rules whose silence means something: an
    acceptance of another rule is not called unused."""
    acceptances = [*_comments(project), *_configured(settings)]
    kept, suppressed, used = _divide(findings, acceptances)
    if UNUSED in ran:
        idle = [a for a in acceptances if a not in used and a.rule != UNUSED and a.rule in ran]
        more_kept, more_suppressed, used_late = _divide((a.unused() for a in idle), acceptances)
        idle = [a for a in acceptances if a.rule == UNUSED and a not in used_late]
        kept += [*more_kept, *(a.unused() for a in idle)]
        suppressed += more_suppressed
    return kept, suppressed


def _divide(findings: Iterable[Finding], acceptances: Sequence[_Acceptance]) -> tuple[
        list[Finding], list[Suppression], set[_Acceptance]]:
    kept: list[Finding] = []
    suppressed: list[Suppression] = []
    used: set[_Acceptance] = set()
    for finding in findings:
        covering = [acceptance for acceptance in acceptances if acceptance.covers(finding)]
        used.update(covering)
        if covering:
            suppressed.append(covering[0].suppression(finding))
        else:
            kept.append(finding)
    return kept, suppressed, used


def _comments(project: Project) -> Iterator[_Acceptance]:
    directives = [read(comment) for comment in project.comments]
    alone = {(d.at.path, d.at.line) for d in directives if d.alone}
    for directive in directives:
        if not directive.flaw:
            for rule in filter(None, (find(word) for word in directive.words)):
                yield _Acceptance(rule.id, directive.reason, directive.at, _lines(directive, alone))


def _lines(directive: Directive, alone: set[tuple[str, int]]) -> frozenset[int]:
    """The comment's own line; where it stands alone also the next one that is not such a comment."""
    line = directive.at.end_line
    if not directive.alone:
        return frozenset((directive.at.line,))
    below = line + 1
    while (directive.at.path, below) in alone:
        below += 1
    return frozenset((line, below))


def _configured(settings: Settings) -> Iterator[_Acceptance]:
    for ignore in settings.ignores:
        rule = find(ignore.rule)
        if rule is not None:
            yield _Acceptance(rule.id, ignore.reason, ignore.at, ignore=ignore)


def matches(glob: str, path: str) -> bool:
    """Whether a glob names the path or a folder above it. `*` stays inside a folder, `**` does not; a glob without a
    slash is a name at any depth."""
    glob = glob.removeprefix("./").rstrip("/")
    if "/" not in glob and glob != "**":
        glob = "**/" + glob
    pattern = ""
    for part in re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", glob):
        pattern += {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    return re.fullmatch(pattern + "(?:/.*)?", path, re.DOTALL) is not None
