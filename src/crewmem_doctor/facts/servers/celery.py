"""Celery: the worker runs tasks; beat, flower and the rest run none of the application's own."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import Options, read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.shell import Word

NAMES = ("celery",)
_OPTIONS = {
    "-A": "app",
    "--app": "app",
    "-c": "concurrency",
    "--concurrency": "concurrency",
    "-P": "pool",
    "--pool": "pool",
    "--autoscale": "autoscale",
    "-Q": "queues",
    "--queues": "queues",
    "-l": "loglevel",
    "--loglevel": "loglevel",
    "-n": "hostname",
    "--hostname": "hostname",
    "--workdir": "workdir",
    "-b": "broker",
    "--broker": "broker",
    "-f": "logfile",
    "--logfile": "logfile",
    "-s": "schedule",
    "-S": "scheduler",
    "-O": "optimization",
    "-X": "exclude",
    "-I": "include",
    "--include": "include",
    "--max-tasks-per-child": "max_tasks",
    "--maxtasksperchild": "max_tasks",
}
_FLAGS = (
    "-B --beat -E --task-events --events -D --detach --without-gossip --without-mingle --without-heartbeat --purge "
    "--discard -q --quiet --no-color -C --skip-checks"
)
_ONE_PROCESS = ("solo", "threads", "thread", "gevent", "eventlet")
_HELPERS = {"beat": "celery-beat", "flower": "flower", "events": "celery-events"}


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """A worker, or the server `celery-beat` or `flower`; nothing for commands that only ask or control."""
    options = read_options(words[1:], _OPTIONS, _FLAGS)
    command = next((w.text for w in options.positional if w.text in (*_HELPERS, "worker", "multi")), "")
    app = options.get("app")
    target = scene.shown(app) if app is not None else _variable(scene, "CELERY_APP")
    if command in _HELPERS:
        return (scene.process(words, _HELPERS[command], target),)
    if command not in ("worker", "multi"):
        return ()
    folder = options.get("workdir")
    count, place, forks = _pool(options, scene)
    most = options.get("max_tasks")
    return (
        scene.process(
            words,
            "celery",
            target,
            workers=count,
            workers_at=place,
            forks=forks,
            preload=Known(True) if forks else None,  # the parent imports the tasks and then forks its pool
            max_requests=scene.number(most) if most is not None and forks else None,
            directory=join_path(scene.cwd, scene.shown(folder)) if folder is not None else scene.cwd,
        ),
    )


def _variable(scene: Scene, name: str) -> str:
    value = scene.lookup(name)
    return value.value if isinstance(value, Known) else ""


def _pool(options: Options, scene: Scene) -> tuple[Answer[int], Location | None, bool]:
    """The processes of the pool, the place that sets them, and whether they are forked."""
    pool = options.get("pool")
    kind = scene.value(pool) if pool is not None else Known("prefork")
    if isinstance(kind, Unknown):
        return Unknown(kind.why, kind.at), kind.at, True
    if kind.value in _ONE_PROCESS:
        return Known(1, kind.at), kind.at, False
    word = options.get("autoscale")
    if word is not None:
        most = Word(word.text.partition(",")[0], word.at)
        return scene.number(most), word.at, True
    word = options.get("concurrency")
    if word is None:
        return Unknown("as many as the machine has CPUs, unless the code says otherwise"), None, True
    answer = scene.number(word)
    if isinstance(answer, Known) and answer.value == 0:
        return Unknown("as many as the machine has CPUs", answer.at), answer.at, True
    return answer, answer.at or word.at, True
