"""CM602 · a memory import that the release in use does not have

## Why
1.10 replaced `ShortTermMemory`, `LongTermMemory`, `EntityMemory` and `ExternalMemory` by one `Memory`, and removed their
storages. `RedisStorage` and `PostgresStorage` never existed in any release, though posts import them. The program stops at
import, or goes on without memory where the import stands inside a function and somebody catches the error.

## Example
```python
from crewai.memory import LongTermMemory        # with crewai==1.15.30
```

## Fix
From 1.10: `from crewai.memory import Memory`. Below: pin a release that has what the code imports.

## When this is not a problem
An import inside `try … except ImportError`, for code that serves both sides; the rule leaves it alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._common import several, unique
from crewmem_doctor.rules._remedies import on_release
from crewmem_doctor.rules._replacements import OLD, instead_of_import, unifying
from crewmem_doctor.rules._uses import Use, imports
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    groups: dict[tuple[str, bool], list[Use]] = {}
    for use in imports(project):
        if use.never_works or use.gone:
            groups.setdefault((use.at.path, use.never_works), []).append(use)
    for (_, never), uses in groups.items():
        first = uses[0]
        names = list(dict.fromkeys(u.what.rpartition(".")[2] for u in uses))
        where = on_release(project.release) if never else f"on CrewAI {project.release.newest}, which a fresh install brings"
        yield RULE.finding(
            first.at, f"{several(names)} cannot be imported {where}: {first.newest.sentence}",
            subject=first.owner, evidence=",".join(sorted(names)), severity="error" if never else "warning",
            confidence="high" if never else "medium",
            because=unique(Step(u.at, f"imports {u.what.rpartition('.')[2]} too") for u in uses[1:] if u.at.line != first.at.line),
            fix=replace(instead_of_import(first, project.release), changes=unifying(uses, project.release), caveat=OLD))


INVENTED = '''from crewai import Crew
from crewai.memory.storage import RedisStorage  # <-- here


def team(agents, tasks):
    return Crew(agents=agents, tasks=tasks, memory=True, storage=RedisStorage())
'''
LEGACY = '''from crewai import Crew
from crewai.memory import EntityMemory, LongTermMemory  # <-- here


def team(agents, tasks):
    return Crew(agents=agents, tasks=tasks, memory=True, long_term_memory=LongTermMemory(), entity_memory=EntityMemory())
'''
RULE = Rule(
    id="CM602", severity="error", check=check,
    summary="a memory import that does not exist in the release in use",
    bad=(
        Example("classes that 1.10 removed", {"team.py": LEGACY, "requirements.txt": "crewai==1.15.30\n"}),
        Example("a class that never existed", {"team.py": INVENTED, "requirements.txt": "crewai==0.203.2\n"}),
        Example("a fresh install no longer has them", {"team.py": LEGACY, "requirements.txt": "crewai>=0.100\n"}, severity="warning"),
        Example("a class of later releases", {
            "notes.py": 'def notes():\n    from crewai import Memory  # <-- here\n\n    return Memory()\n',
            "requirements.txt": "crewai==1.9.3\n"}),
    ),
    good=(
        Example("a release that has them", {"team.py": LEGACY.replace("  # <-- here", ""), "requirements.txt": "crewai==1.9.3\n"}),
        Example("both sides are served", {
            "team.py": "try:\n    from crewai.memory import LongTermMemory\nexcept ImportError:\n    LongTermMemory = None\n"
                       "from crewai import Crew\n\nprint(LongTermMemory, Crew)\n",
            "requirements.txt": "crewai==1.15.30\n"}),
        Example("a module of one's own", {
            "memory.py": "class LongTermMemory:\n    pass\n", "team.py": "from crewai import Crew\nfrom memory import LongTermMemory\n\n"
            "print(LongTermMemory, Crew)\n", "requirements.txt": "crewai==1.15.30\n"}),
    ),
    premise=("ran 0.203.2, 1.9.3, 1.15.30: ImportError; 173 wheels read, releases/_signatures.py has each module and name",),
)
