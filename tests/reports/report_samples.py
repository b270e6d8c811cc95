"""Reports put together by hand: a service that forgets in several ways, and the quiet cases."""

from __future__ import annotations

from dataclasses import replace

from crewmem_doctor.model.code import Code
from crewmem_doctor.model.deployment import EVENTS, Event, Mount, Process, Service
from crewmem_doctor.model.expression import Choice, Concat, Fresh, FromCaller, Text
from crewmem_doctor.model.finding import Edit, Finding, Fix
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory, Reach, Sink, Step, Store
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.project import Gap, Project
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.model.report import Outcome, Report, Row, Suppression

SOURCES = {
    "app/crew.py": {
        21: "def build(session: str | None) -> Crew:",
        27: "    return Crew(agents=[researcher, writer], tasks=tasks, memory=True)",
        40: '        memory = Memory(scope=f"/chat/{uuid4()}", storage="redis://crew:hunter2@redis:6379/0?db=1")',
    },
    "app/main.py": {
        19: '@app.post("/chat")', 24: "    return build(request.session_id).kickoff(inputs=request.dict())",
    },
    "app/gruß.py": {7: '\tnames = {"客户": crew_of("客户记忆服务")}  # \x1b[31mred'},
    "compose.yaml": {
        3: "  api:", 9: "    command: gunicorn app.main:app --workers 4 --bind 0.0.0.0:8000",
        12: "      - ./data:/root/.local/share/CrewAI", 21: "  worker:", 30: "      POSTGRES_PASSWORD: hunter2",
    },
}
PATH = "/root/.local/share/app/memory"


def excerpt(path: str, line: int) -> str:
    return SOURCES.get(path, {}).get(line, "")


def at(path: str, line: int, word: str) -> Location:
    """The place of a word in a line of SOURCES."""
    column = SOURCES[path][line].index(word) + 1
    return Location(path, line, column, line, column + len(word))


def outcomes(**words: tuple[str, str] | str) -> dict[Event, Outcome]:
    found = {name: Outcome(*((word,) if isinstance(word, str) else word)) for name, word in words.items()}
    return {event: found.get(event, Outcome("kept")) for event in EVENTS}


CHAT = EntryPoint("http", "POST /chat", at("app/main.py", 19, "@app.post"), "app.main.chat", "fastapi",
                  ("session_id of the body",))
TASK = EntryPoint("task", "task app.tasks.answer", Location("app/tasks.py", 8), "app.tasks.answer", "celery")
TURNED_ON = at("app/crew.py", 27, "memory=True")
BUILDS = at("app/main.py", 24, "build(request.session_id)")
SCOPE = at("app/crew.py", 40, "scope")
UUID = at("app/crew.py", 40, "uuid4()")
CREW = Memory("crew", at("app/crew.py", 27, "Crew"), "crewai.Crew", Store("path", "CrewAI's own default"), TURNED_ON,
              handlers=(Reach(CHAT, True), Reach(TASK, True)), id="m1")
KEYED = Memory(
    "memory", at("app/crew.py", 40, "Memory"), "crewai.Memory",
    Store("process", "a URL that CrewAI takes for a directory"), handlers=(Reach(CHAT, True),), id="m2",
    sinks=(Sink("scope", Concat((Text("/chat/"), Fresh("uuid4()", at=UUID))), SCOPE),))
CALLER = replace(CREW, sinks=(
    Sink("scope", Choice((FromCaller("session_id of the body"), Fresh("uuid4()")), True), TURNED_ON),))

API = Service(
    "compose:api", "api", "compose", at("compose.yaml", 3, "api"), replicas=Known(2),
    processes=(Process(("gunicorn",), at("compose.yaml", 9, "gunicorn"), "gunicorn", "app.main:app", Known(4)),),
    mounts=(Mount("/root/.local/share/CrewAI", "bind", at("compose.yaml", 12, "./data"), "data"),))
ELSEWHERE = "${N} is set outside this tree"
WORKER = Service(
    "compose:worker", "worker", "compose", at("compose.yaml", 21, "worker"),
    processes=(Process(("celery",), at("compose.yaml", 21, "worker"), workers=Unknown(ELSEWHERE)),))
LAYER = f"no mount covers {PATH}"
RAM = ("lost", "a URL that CrewAI takes for a directory lives in the memory of one process")
ROWS = (
    Row("m1", "compose:api", outcomes(
        worker=("stale", "a worker that opened before the first write never sees it"), redeploy=("lost", LAYER),
        replica=("lost", f"each replica has its own {PATH}"), node=("lost", LAYER)), PATH),
    Row("m1", "compose:worker", outcomes(
        worker=("unknown", ELSEWHERE), redeploy=("lost", LAYER), replica="n/a", node=("lost", LAYER)), PATH),
    Row("m2", "compose:api", outcomes(
        request=("lost", "it is built anew for each request and lives in RAM"), worker=RAM, restart=RAM, redeploy=RAM,
        replica=RAM, node=RAM), "redis://crew:hunter2@redis:6379/0?db=1"),
)
VOLUME = """\
services:
  api:
    environment:
      CREWAI_STORAGE_DIR: /data
    volumes:
      - crew-memory:/data
volumes:
  crew-memory:"""
MISSED = Finding(
    "CM202", "volume-misses-store", "error",
    f"compose:api mounts /root/.local/share/CrewAI, but memory is written to {PATH}: the next compose up after a build "
    "starts without it", at("compose.yaml", 3, "api"), "compose:api", PATH,
    because=(
        Step(TURNED_ON, "memory is turned on here"), Step(BUILDS, "POST /chat builds the crew"),
        Step(at("compose.yaml", 12, "./data:/root/.local/share/CrewAI"),
             "this mount lies beside the store, whose directory has the name of the working directory")),
    fix=Fix("Put the store on the mount with an absolute CREWAI_STORAGE_DIR", VOLUME,
            edits=(Edit("compose.yaml", (4, 1), (4, 1), "    environment:\n"),)))
URL = Finding(
    "CM107", "url-as-path", "error",
    "A URL stands where CrewAI takes a directory: redis://crew:hunter2@redis:6379/0?db=1 becomes a folder",
    at("app/crew.py", 40, 'storage="redis://crew:hunter2@redis:6379/0?db=1"'), "app.crew.build", "storage",
    fix=Fix("Give memory a directory, or a backend class that speaks to the server"))
KEY = Finding(
    "CM402", "random-key", "error", "A new uuid4() names the scope of every request, so nothing is ever found again",
    UUID, "app.crew.build", "uuid4()", "medium", because=(Step(SCOPE, "it becomes the scope"),),
    fix=Fix("Key the scope by what the caller sends", 'Memory(scope=f"/chat/{request.session_id}")'))
WIDE = Finding(
    "CM501", "silent-fallback", "warning", "The service 客户记忆服务 falls back to RAM\nwithout [bold]saying so[/bold]",
    at("app/gruß.py", 7, '"客户记忆服务"'), "app.gruß", "fallback",
    because=(Step(at("app/gruß.py", 7, "crew_of"), "here"),))
NOTE = Finding(
    "CM401", "memory-built-per-request", "note",
    "POST /chat builds the crew and its memory for each request; CrewAI 1.15.30 reopens the same store, which costs "
    "40 ms", at("app/crew.py", 27, "Crew"), "app.crew.build", "crewai.Crew", because=(Step(BUILDS, "called here"),))
ACCEPTED = replace(KEY, at=Location("app/once.py", 5, 3, 5, 9), subject="app.once")
GAPS = (
    Gap("app/broken.py", 40, "parse", "not valid Python 3: Missing parentheses in call to 'print'"),
    *(Gap(f"charts/{name}.yaml", 1, "template", "a Helm template") for name in ("api", "db", "redis", "web")),
)
PROJECT = Project(
    Release((Version(1, 15, 30),), "==1.15.30", "uv.lock", None, True), (CREW, KEYED), Code(uses_crewai=True),
    (API, WORKER), gaps=GAPS, files=12,
    observations=(Observation("redis", "redis://staging:6379/0", "second-process-reads", "pass", "read back", 12.3),))


def told(project: Project, *rest: object, **more: object) -> Report:
    """A report of all the project's memories."""
    return Report(project, project.memories, *rest, **more)  # type: ignore[arg-type]


FULL = told(
    PROJECT, ROWS, (URL, KEY, MISSED, WIDE, NOTE),
    (Suppression(ACCEPTED, "comment", "a one-off import", "app/once.py", 5),), GAPS, 1, locations={"m1": PATH},
    excerpt=excerpt)
ACCEPTED_ONLY = replace(FULL, findings=(), gaps=(), exit_code=0)
NOTHING = told(replace(PROJECT, memories=(), services=(), observations=(), code=Code()), exit_code=3)
NO_MEMORY = told(replace(PROJECT, memories=(), services=(API,), observations=()))
KEPT = told(
    replace(PROJECT, memories=(CREW,), services=(WORKER,)),
    (Row("m1", "compose:worker", outcomes(worker="n/a", replica="n/a"), PATH),), locations={"m1": PATH})
UNDEPLOYED = told(replace(PROJECT, memories=(CREW,), services=()), locations={"m1": PATH})
BLIND = replace(KEPT, exit_code=2, gaps=GAPS)
