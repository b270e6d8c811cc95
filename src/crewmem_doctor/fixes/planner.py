"""Passes: edits that do not meet are made together, the tree is looked at again, and what does not hold is withdrawn.

An edit stands only where its finding is gone afterwards and nothing new at warning or worse has come. What an edit
would bring may be answered by the remedy of that new finding, in the same step of the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crewmem_doctor.fixes.compare import compare
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Kept, Sources, write
from crewmem_doctor.fixes.text import Document, Taken
from crewmem_doctor.model.changes import Refusal
from crewmem_doctor.model.finding import Edit, Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.plan import Plan, Step
from crewmem_doctor.model.plan import Refused as NotMade
from crewmem_doctor.model.report import Report

PASSES = 10
FOLLOW = 3      # how often what an edit brings may be answered by a further one
AUDITS = 24     # of the whole tree, at most, for the edits that a report carries,
FILES = 2000    # which together look at no more than about so many files;
MOST = 60       # findings are tried together, so that a few that do not hold cost the others little

Overlay = Mapping[str, bytes]


@dataclass(frozen=True)
class Offer:
    """A finding with its edits, which count from the state it was made for."""

    finding: Finding
    fix: Fix
    edits: tuple[Edit, ...]
    follows: bool = False


@dataclass(frozen=True)
class State:
    """The tree with some files changed, and what is found there."""

    report: Report
    overlay: Overlay


@dataclass
class Planner:
    """`examine` audits the tree with files replaced, `read` gives the bytes on disk, `wanted` says which findings may
    be answered; `unsafe` lets remedies in that may change what works."""

    examine: Callable[[Overlay], Report]
    read: Callable[[str], bytes | None]
    wanted: Callable[[Finding], bool]
    unsafe: bool
    refusals: dict[str, str] = field(default_factory=dict)      # fingerprint → reason
    kept: Kept = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def plan(self, report: Report | None = None) -> Plan:
        """All passes. `report` is that of the unchanged tree, where it is known."""
        first = report or self.examine({})
        state = State(first, {})
        for _ in range(PASSES):
            groups = batches(self.offers(state), one=True)
            if not groups:
                break       # all is made, or was tried and withdrawn
            state = self.settle(state, groups[0])
        files = {path: (self.read(path) or b"", body) for path, body in sorted(state.overlay.items())}
        left = [f for f in state.report.findings if f.fix is not None and f.fix.changes and self.wanted(f)]
        return Plan(
            steps=tuple(self.steps), files=files,
            refused=tuple(NotMade(f, self.refusals[f.fingerprint]) for f in left if f.fingerprint in self.refusals),
            withheld=tuple(f for f in left if f.fix is not None and not f.fix.safe and not self.unsafe),
            crashed=tuple(g.why for g in first.gaps if g.kind == "crash"))

    def each(self, report: Report) -> dict[tuple[str, Location], tuple[Edit, ...]]:
        """The edits of each finding for itself, all of the unchanged tree, by fingerprint and place: what a report
        carries. What only holds together with a further remedy is not among them, nor what AUDITS audits, fewer
        for large trees, did not prove: a report must not take an hour."""
        state = State(report, {})
        audits = max(1, min(AUDITS, FILES // max(report.project.files, 1)))
        offering = [f for f in report.findings if f.fix is not None and f.fix.changes and self.wanted(f)]
        del offering[MOST * audits:]
        together = batches(self.offers(State(replace(report, findings=tuple(offering)), {})), one=False)
        waiting = [batch[n:n + MOST] for batch in together for n in range(0, len(batch), MOST)]
        found: dict[tuple[str, Location], tuple[Edit, ...]] = {}
        for _ in range(audits):
            if not waiting:
                break
            batch = waiting.pop(0)
            if self.tried(state, batch) is not None:
                found.update(((offer.finding.fingerprint, offer.finding.at), offer.edits) for offer in batch)
            elif len(batch) > 1:
                middle = len(batch) // 2
                waiting += [batch[:middle], batch[middle:]]
        return found

    def offers(self, state: State, *, of_any: bool = False, only: frozenset[str] | None = None) -> list[Offer]:
        """What can be written for the findings of a state (`of_any`: also for those that nobody asked about; `only`:
        for those with these fingerprints); what cannot is noted."""
        sources = self.sources(state)
        found = []
        for finding in state.report.findings:
            fix = finding.fix
            if only is not None and finding.fingerprint not in only:
                continue
            if fix is None or not fix.changes or not (of_any or self.wanted(finding)) or not (fix.safe or self.unsafe):
                continue
            if self.refusals.get(finding.fingerprint, "").startswith("it would"):
                continue        # tried and withdrawn
            edits = write(fix.changes, sources)
            if isinstance(edits, Refusal):
                self.refusals[finding.fingerprint] = edits.reason
            else:
                self.refusals.pop(finding.fingerprint, None)
                found.append(Offer(finding, fix, edits))
        return found

    def sources(self, state: State) -> Sources:
        platforms = {service.at.path: service.platform for service in state.report.project.services}
        return Sources(lambda path: state.overlay[path] if path in state.overlay else self.read(path), platforms,
                       self.kept)

    def settle(self, state: State, batch: Sequence[Offer]) -> State:
        """All of a batch where that holds, else each half of it where that does, down to the single edit."""
        held = self.tried(state, batch, follow=True)
        if held is not None:
            return self.accepted(held)
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]) if middle else ():
            anew = self.anew(state, half)
            if anew:
                state = self.settle(state, anew)
        return state

    def accepted(self, held: tuple[State, list[tuple[State, Sequence[Offer]]]]) -> State:
        state, stages = held
        for before, offers in stages:
            self.note(before, offers)
        return state

    def anew(self, state: State, offers: Sequence[Offer]) -> list[Offer]:
        """The same offers with edits that count from `state`, without those whose finding is gone by now."""
        written: dict[str, list[Offer]] = {}
        for offer in self.offers(state, only=frozenset(o.finding.fingerprint for o in offers)):
            written.setdefault(offer.finding.fingerprint, []).append(offer)
        return [min(same, key=lambda o: abs(o.finding.at.line - offer.finding.at.line))
                for offer in offers if (same := written.get(offer.finding.fingerprint))]

    def tried(self, state: State, group: Sequence[Offer],
              follow: bool = False) -> tuple[State, list[tuple[State, Sequence[Offer]]]] | None:
        """The state after a group's edits, and the stages that lead there; None (with the reason noted) where it does
        not hold."""
        stages: list[tuple[State, Sequence[Offer]]] = []
        answered: list[Offer] = []
        current, adding = state, group
        for _ in range(FOLLOW + 1 if follow else 1):
            try:
                overlay = self.spliced(current, adding)
            except Refused as refused:
                self.withdrawn(group, f"it would be lost: {refused}")
                return None
            after = State(self.examine(overlay), overlay)
            stages.append((current, adding))
            answered += adding
            fault, brought = compare(state.report, after.report, [offer.finding for offer in answered])
            if not fault:
                return after, stages
            answers = [o for o in self.offers(after, of_any=True) if o.finding in brought] if follow and brought else []
            if not answers or len(answers) < len(brought):
                break
            adding = next(iter(batches([Offer(o.finding, o.fix, o.edits, True) for o in answers], one=False)))
            current = after
        self.withdrawn(group, fault)
        return None

    def withdrawn(self, group: Sequence[Offer], reason: str) -> None:
        if len(group) == 1:
            self.refusals[group[0].finding.fingerprint] = reason

    def spliced(self, state: State, group: Sequence[Offer]) -> dict[str, bytes]:
        sources = self.sources(state)
        overlay = dict(state.overlay)
        for path in sorted({edit.path for offer in group for edit in offer.edits}):
            overlay[path] = sources.document(path).spliced(e for o in group for e in o.edits if e.path == path)
        return overlay

    def note(self, state: State, group: Sequence[Offer]) -> None:
        """One step for each set of edits, with the texts before and after it."""
        sets: dict[tuple[Edit, ...], list[Offer]] = {}
        for offer in group:
            sets.setdefault(offer.edits, []).append(offer)
        sources, done = self.sources(state), list[Edit]()
        for edits, offers in sets.items():
            paths = sorted({edit.path for edit in edits})
            before, after = (
                {p: Document.read(p, sources.document(p).spliced(e for e in upto if e.path == p)).text for p in paths}
                for upto in (done, [*done, *edits]))
            answered = tuple(o.finding for o in offers)
            self.steps.append(Step(answered, offers[0].fix, edits, before, after, offers[0].follows))
            done += edits


def batches(offers: Iterable[Offer], *, one: bool) -> list[list[Offer]]:
    """Groups of offers whose edits can be made together: only the first group where `one`, since what is left must be
    written anew for the state after it."""
    waiting = list(offers)
    groups: list[list[Offer]] = []
    while waiting:
        group: list[Offer] = []
        later: list[Offer] = []
        taken = Taken()
        for offer in waiting:
            (group if taken.add(offer.edits) else later).append(offer)
        groups.append(group)
        waiting = [] if one else later
    return groups
