"""CM604 · the requirement allows releases on both sides of a change in memory

## Why
CrewAI changed what memory is five times: 0.74 stopped emptying it, 0.193 moved it into one database, 1.10 replaced the classes
and the engine without migrating a record, 1.12 gave each crew a scope, 1.15 changed the default embedder, and an older store
then rejects every save. Without a lock file the next build decides which side you are on, and what was remembered is gone.

## Example
```
crewai>=0.80.0
```

## Fix
Pin the release, or lock it, and upgrade on purpose.

## When this is not a problem
A project without any memory; then the rule is silent.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes.deployment import PinRequirement
from crewmem_doctor.model.finding import Finding, Fix, Severity
from crewmem_doctor.model.known import Confidence, Known, Unknown
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.changes import Change, crossed
from crewmem_doctor.releases.keys import agent_memory_is_real
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import archived, several, unique
from crewmem_doctor.rules._uses import Use, arguments, imports
from crewmem_doctor.rules.base import Example, Rule

KINDS = ("crew", "memory", "agent", "short_term", "long_term", "entity", "external")
NO_CHANGE_OF_MEMORY = "first"          # before it there is none that could be lost


def check(project: Project) -> Iterator[Finding]:
    release = project.release
    # What comes from a repository or a folder is no release, and no requirement chooses it.
    if release.locked or len(release.candidates) < 2 or release.specifier.startswith("@"):
        return
    memories = [m for m in project.memories if m.kind in KINDS and not archived(project, m.at.path)
                and not _is_off(m)]
    if not memories:
        return
    own_embedder = all(m.embedder is not None for m in memories)
    changes = [c for c in crossed(release, default_embedder=not own_embedder) if c.name != NO_CHANGE_OF_MEMORY]
    one_sided = [use for use in (*imports(project), *arguments(project)) if use.works_sometimes]
    if changes or one_sided:
        yield _finding(project, memories, changes, one_sided)


def _finding(project: Project, memories: list[Memory], changes: list[Change], one_sided: list[Use]) -> Finding:
    release = project.release
    certain = [m for m in memories if isinstance(m.enabled, Known) and m.enabled.value]
    # An agent's flag beside no requirement at all says little about what is installed.
    hint = not certain or (release.at is None and all(m.kind == "agent" for m in certain))
    severity: Severity = "error" if one_sided and certain else "note" if hint else "warning"
    confidence: Confidence = "high" if any(_sure(m) for m in certain) and release.at is not None else "medium"
    asked = f"crewai{release.specifier}" if release.specifier else "crewai without a version" if release.at else "no requirement at all"
    clauses = list(dict.fromkeys(_needs(use) for use in one_sided))[:2]
    if not clauses and changes:
        clauses = [_last(changes).sentence]
        if all(m.kind == "agent" for m in certain) and certain and _agents_flip(release.candidates):
            clauses = ["Agent(memory=True) does nothing before 1.10 and opens a memory of its own from then on"]
    more = [str(c.at) for c in changes if one_sided or c is not _last(changes)]
    others = f" (also in between: {several(more, 4)})" if more else ""
    return RULE.finding(
        release.at or memories[0].turned_on or memories[0].at,
        f"{asked} allows {release.candidates[0]} to {release.newest}, and memory differs between them: {'; '.join(clauses)}{others}",
        subject="crewai", evidence=release.specifier or "any", severity=severity, confidence=confidence,
        because=unique([*(Step(r.at, "asks for crewai too") for r in project.requirements if r.name == "crewai" and r.at != release.at),
                        *(Step(u.at, f"uses {u.what}") for u in one_sided),
                        *(Step(m.turned_on or m.at, "memory is turned on here") for m in memories)]),
        fix=_fix(project, one_sided))


def _is_off(memory: Memory) -> bool:
    """Off whatever the configuration says; a default of False may still be turned on."""
    return isinstance(memory.enabled, Known) and not memory.enabled.value and memory.enabled.confidence == "high"


def _sure(memory: Memory) -> bool:
    return not isinstance(memory.enabled, Unknown) and memory.enabled.confidence == "high"


def _agents_flip(candidates: tuple[Version, ...]) -> bool:
    return agent_memory_is_real(candidates[-1]) and not agent_memory_is_real(candidates[0])


def _last(changes: list[Change]) -> Change:
    """The change that a reader is most likely to meet: the engine where it is crossed, else the newest."""
    return next((c for c in changes if c.name == "engine"), changes[-1])


def _needs(use: Use) -> str:
    good = [v for v, verdict in use.verdicts if verdict.outcome == "ok"]
    name = use.what if "." in use.what else f"{use.owner.rsplit('.', 1)[-1]}({use.what}=…)"
    return f"the code uses {name}, which only works from {good[0]} to {good[-1]}"


def _fix(project: Project, one_sided: list[Use]) -> Fix:
    working = [v for v in project.release.candidates if all((v, "ok") in {(w, x.outcome) for w, x in use.verdicts} for use in one_sided)]
    pin = working[-1] if working else project.release.newest
    return Fix("Pin the release that the records were written with, or commit a lock file", f"crewai=={pin}",
               caveat="It is what a fresh build installs now; where records exist, take the release that wrote them.",
               changes=(PinRequirement(project.release.at, "crewai", str(pin)),) if project.release.at is not None else ())


AGENT_ONLY = _trees.CREW.replace(", memory=True", "").replace('backstory="Writes"', 'backstory="Writes", memory=True')
LEGACY = '''from crewai.memory import LongTermMemory, ShortTermMemory

recent = ShortTermMemory()
lasting = LongTermMemory()
'''
RULE = Rule(
    id="CM604", severity="warning", check=check,
    summary="no lock decides, and the requirement allows releases on both sides of a change that abandons or changes memory",
    bad=(
        Example("no version at all", _trees.service(requirements_dot_txt="fastapi\ncrewai  # <-- here\nuvicorn\n"), severity="warning"),
        Example("a range over the change of the engine, and classes of one side", {
            "chat.py": LEGACY, "requirements.txt": "crewai>=0.80.0  # <-- here\n"}, severity="error"),
        Example("agents that start to remember", {
            "crew.py": AGENT_ONLY, "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = [\n'
                                                     '  "crewai>=1.0,<2",  # <-- here\n]\n'}, severity="warning"),
    ),
    good=(
        Example("an exact pin", _trees.service()),
        Example("a range within one design", _trees.service(requirements_dot_txt="crewai>=1.15.0,<1.16\nfastapi\nuvicorn\n")),
        Example("no memory is on", _trees.service(requirements_dot_txt="crewai\nfastapi\nuvicorn\n",
                                                  app__crew_dot_py=_trees.CREW.replace(", memory=True", ""))),
    ),
    premise=("releases/changes.py cites each change; ran 1.9.3 → 1.15.30: older records are not read",
             "ran 1.14.7 → 1.15.30: EmbeddingDimensionMismatchError"),
)
