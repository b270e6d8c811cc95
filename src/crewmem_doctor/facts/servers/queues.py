"""Workers of task queues other than Celery: RQ, Dramatiq, ARQ, Taskiq, Huey."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.facts.servers.workers import workers
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.sources.shell import Word

NAMES = ("rq", "rqworker", "dramatiq", "arq", "taskiq", "huey_consumer", "huey_consumer.py", "procrastinate")
_WORKERS = {
    "rq": {"-n": "workers", "--num-workers": "workers", "-u": "url", "-c": "config", "-w": "class",
           "--worker-class": "class", "--path": "path"},
    "dramatiq": {
        "-p": "workers",
        "--processes": "workers",
        "-t": "threads",
        "--threads": "threads",
        "--path": "path",
        "-Q": "queues",
    },
    "taskiq": {"-w": "workers", "--workers": "workers", "--max-tasks-per-child": "max_tasks"},
    "huey": {"-w": "workers", "--workers": "workers", "-k": "kind", "--worker-type": "kind"},
}


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """The worker commands only. RQ forks for each job, in one worker at a time, and imports the job in the child; Huey
    loads the application before it forks."""
    name = words[0].text.rpartition("/")[2]
    server = name.removesuffix(".py").replace("rqworker", "rq").removesuffix("_consumer")
    flags = "--with-scheduler --burst --watch --verbose -v --reload"
    options = read_options(words[1:], _WORKERS.get(server, {}), flags)
    rest = [scene.shown(word) for word in options.positional]
    if server in ("rq", "taskiq", "procrastinate") and name != "rqworker":
        if not rest or rest[0] not in ("worker", "worker-pool"):
            return ()
        pooled, rest = rest[0] == "worker-pool", rest[1:]
    else:
        pooled = False
    default: Answer[int] = Known(1)
    if server == "dramatiq":
        default = Unknown("as many as the machine has CPUs")
    elif server == "taskiq":
        default = Known(2)
    count, place = workers(options, scene, "workers", default=default)
    if server == "rq" and not pooled:
        count, place = Known(1), None
    kind = options.get("kind")
    processes = server == "huey" and kind is not None and scene.shown(kind) == "process"
    if server == "huey" and not processes:
        count, place = Known(1), None  # threads
    forks = server == "rq" and not any("SimpleWorker" in scene.shown(w) for w in options.all("class"))
    target = "" if server == "rq" or not rest else rest[0]  # what RQ names are queues
    return (scene.process(words, server, target, workers=count, workers_at=place, forks=forks or processes,
                          preload=Known(True) if processes else None),)
