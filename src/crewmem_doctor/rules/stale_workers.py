"""CM306 · a worker that opened memory early does not see what others write

## Why
From 1.10 on memory is a LanceDB table that is opened once. A worker that opened it while there was no table yet keeps "there is
nothing" for good: it recalls nothing that another worker or replica has saved, until it saves something itself or is
restarted (on 1.10 its own first save then fails). Each memory object that lives as long as its process, in a module-level
variable or a singleton, starts like that on an empty volume. With several workers, users are remembered now and then.

## Example
```python
memory = Memory()                # app/crew.py, under `uvicorn app.main:app --workers 4`
```

## Fix
Build the crew or memory for each request, which costs 0.01 to 0.3 seconds and finds the table once it exists. Or run one
process, or keep the records in a server ([postgres_storage](recipes/postgres_storage.md)).

## When this is not a problem
Where something writes a first record before the workers start; from then on they follow within seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import evidence_of, graded, several
from crewmem_doctor.rules._sharing import crowds, story
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import engine_on, in_company


def check(project: Project) -> Iterator[Finding]:
    def counts(run: Run, placement: Placement) -> bool:
        lance = all(engine_on(run.memory, version) == "lancedb" for version in project.release.candidates)
        return lance and not _forked(run) and in_company(run, placement, project.release).word == "stale"

    for crowd in crowds(project, counts):
        runs = [run for run, _ in crowd.pairs]
        severity, confidence = graded(RULE.severity, runs)
        what = several(dict.fromkeys(f"{run.memory.label} ({run.memory.at})" for run in runs))
        yield RULE.finding(
            crowd.at, f"{crowd.how}, and {what} is opened once in each process: one that opened it before the first record "
                      f"never recalls what the others save",
            subject=runs[0].service.id, evidence="|".join(sorted({run.memory.subject for run in runs})), severity=severity,
            confidence=confidence, because=story(crowd, evidence_of),
            fix=Fix("Build the crew or memory in the request, so that each opens the table as it is then",
                    "def chat(topic):\n    return build_crew(topic).kickoff()"))


def _forked(run: Run) -> bool:
    """CM305 speaks about a memory that was opened before the fork."""
    process = run.process
    preloaded = process is not None and process.forks and process.preload is not None and process.preload.value
    return preloaded and run.loads_at_import


HELD = '''from crewai import Agent, Crew, Task
from crewai.memory import Memory

memory = Memory()


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=memory)
'''
CRON = '''from app.crew import build_crew

if __name__ == "__main__":
    build_crew("news").kickoff()
'''
DISK = "    volumes: ['m:/data']\n    environment: {CREWAI_STORAGE_DIR: /data}\n"
END = "volumes:\n  m:\n"
FOUR = "services:\n  api:\n    build: .\n    command: uvicorn app.main:app --workers 4MARK\n" + DISK + END
OLD = "crewai==1.9.3\nfastapi\nuvicorn\n"
RULE = Rule(
    id="CM306", severity="warning", check=check,
    summary="a memory object that lives as long as its process, over LanceDB, in several processes that share the store",
    bad=(
        Example("four workers, one module-level memory each", _trees.service(FOUR.replace("MARK", "  # <-- here"), app__crew_dot_py=HELD)),
        Example("two replicas over one volume", _trees.service(
            "services:\n  api:\n    build: .\n    scale: 2  # <-- here\n" + DISK + END, app__crew_dot_py=HELD)),
        Example("a job fills what the API has open", _trees.service(
            "services:\n  api:\n    build: .\n" + DISK + "  job:  # <-- here\n    build: .\n    command: python -m app.job\n" + DISK + END,
            app__crew_dot_py=HELD, app__job_dot_py=CRON)),
    ),
    good=(
        Example("each request builds its crew", _trees.service(FOUR.replace("MARK", ""))),
        Example("one worker", _trees.service(FOUR.replace("MARK", "").replace("4", "1"), app__crew_dot_py=HELD)),
        Example("an older engine", _trees.service(FOUR.replace("MARK", ""), requirements_dot_txt=OLD)),
    ),
    premise=("ran 1.15.30 and 1.14.7: a reader that opened before the first write never sees it; on 1.10.1 its own write fails",
             "1.15.30 memory/storage/lancedb_storage.py: the table is opened when the storage is made"),
)
