"""uWSGI's .ini files, Procfiles under honcho, and what preloads, forks and replaces workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crewmem_doctor.facts.servers import processes
from crewmem_doctor.model.deployment import Environment, Process, Setting
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.discover import discover

HERE = Location("Dockerfile", 5, 5)
Writer = Callable[[Mapping[str, "str | bytes"]], Path]


def started(write: Writer, command: str, files: dict[str, str], **variables: str) -> tuple[Process, ...]:
    environment = Environment(tuple(Setting(k, Known(v), HERE) for k, v in variables.items()))
    return processes(command, HERE, environment, discover(write({"app.py": "", **files})))


INI = """[uwsgi]
base = /srv
chdir = %(base)/web
module = app:app      ; the entry
master = true
processes = 4
max_requests = 500
"""


def test_uwsgi_reads_its_ini(tree: Writer) -> None:
    (found,) = started(tree, "uwsgi --ini uwsgi.ini", {"uwsgi.ini": INI})
    place = Location("uwsgi.ini", 6, 1, 6, 14)
    assert (found.target, found.workers, found.workers_at) == ("app:app", Known(4, place), place)
    assert found.directory == "/srv/web"
    assert (found.preload, found.forks, found.config) == (Known(True), True, ("uwsgi.ini",))
    assert found.max_requests == Known(500, Location("uwsgi.ini", 7, 1, 7, 19))


@pytest.mark.parametrize(("command", "ini", "preload", "forks"), [
    ("uwsgi uwsgi.ini", INI + "lazy-apps = true\n", False, True),
    ("uwsgi uwsgi.ini --lazy-apps", INI, False, True),
    ("uwsgi uwsgi.ini", INI + "lazy-apps = false\n", True, True),
    ("uwsgi uwsgi.ini", "[uwsgi]\nmodule = app:app\n", True, False),
    ("uwsgi uwsgi.ini:prod", "[uwsgi]\nmodule = a:b\n[prod]\nmodule = app:app\nworkers = 2\n", True, True),
    ("uwsgi --http :80 --module app:app --master", "", True, True),
])
def test_when_uwsgi_loads_before_the_fork(tree: Writer, command: str, ini: str, preload: bool, forks: bool) -> None:
    (found,) = started(tree, command, {"uwsgi.ini": ini})
    assert (found.target, found.preload, found.forks) == ("app:app", Known(preload), forks)


def test_the_command_line_and_the_environment_over_the_ini(tree: Writer) -> None:
    files = {"deploy/base.ini": "[uwsgi]\nmodule = app:app\nprocesses = $(N)\nini = more.ini\n",
             "deploy/more.ini": "[uwsgi]\nlazy-apps = 1\n"}
    (found,) = started(tree, "uwsgi --ini deploy/base.ini", files, N="3")
    assert isinstance(found.workers, Known)
    assert (found.workers.value, found.preload) == (3, Known(False))
    assert found.config == ("deploy/base.ini", "deploy/more.ini")
    (found,) = started(tree, "uwsgi --ini deploy/base.ini -p 2", files, N="3")
    assert isinstance(found.workers, Known)
    assert found.workers.value == 2
    (found,) = started(tree, "uwsgi --ini elsewhere.ini", files)
    assert isinstance(found.workers, Unknown)
    assert found.preload is None


PROCFILE = """web: gunicorn app:app -w 2
worker: celery -A tasks worker -c 1
# beat: celery beat
release: alembic upgrade head
"""


def test_honcho_starts_the_procfile(tree: Writer) -> None:
    found = started(tree, "honcho start", {"Procfile": PROCFILE})
    assert [(p.server, p.target, p.at.path, p.at.line) for p in found] == [
        ("gunicorn", "app:app", "Procfile", 1), ("celery", "tasks", "Procfile", 2)]
    assert found[0].config == ("Procfile",)


@pytest.mark.parametrize(("command", "servers"), [
    ("honcho start web", ["gunicorn"]),
    ("honcho -f ops/Procfile.prod start worker", ["celery"]),
    ("foreman start -f ops/Procfile.prod", ["gunicorn", "celery"]),
    ("overmind start -l web", ["gunicorn"]),
    ("hivemind ops/Procfile.prod", ["gunicorn", "celery"]),
    ("forego start -c web=0,worker=1", ["celery"]),
    ("honcho run python app.py", ["python"]),
    ("honcho start -f elsewhere", ["unknown"]),
])
def test_managers_of_procfiles(tree: Writer, command: str, servers: list[str]) -> None:
    found = started(tree, command, {"Procfile": PROCFILE, "ops/Procfile.prod": PROCFILE})
    assert [p.server for p in found] == servers


def test_copies_of_a_process_type_are_processes(tree: Writer) -> None:
    web, _ = started(tree, "honcho start -c web=3", {"Procfile": PROCFILE})
    assert web.workers == Known(6, HERE)
    assert web.workers_at == HERE


def test_gunicorn_replaces_workers(tree: Writer) -> None:
    conf = "preload_app = True\nmax_requests = 1000\nmax_requests_jitter = 50\nworkers = 2\n"
    (found,) = started(tree, "gunicorn app:app", {"gunicorn.conf.py": conf})
    assert isinstance(found.max_requests, Known)
    assert found.max_requests.value == 1000
    assert found.max_requests.at == Location("gunicorn.conf.py", 2, 16, 2, 20)
    assert found.preload is not None
    assert found.preload.value
    (found,) = started(tree, "gunicorn app:app --max-requests 0", {"gunicorn.conf.py": conf})
    assert found.max_requests is None


@pytest.mark.parametrize(("command", "workers", "forks", "preload", "most"), [
    ("celery -A tasks worker -c 2 --max-tasks-per-child=10", 2, True, True, 10),
    ("celery -A tasks worker --pool prefork --autoscale 8,2", 8, True, True, None),
    ("celery -A tasks worker -P threads -c 8", 1, False, None, None),
    ("celery -A tasks worker --pool=solo", 1, False, None, None),
    ("rq worker high low", 1, True, None, None),
    ("rq worker --worker-class rq.SimpleWorker", 1, False, None, None),
    ("rq worker-pool -n 3 default", 3, True, None, None),
    ("dramatiq tasks -p 2 -t 8", 2, False, None, None),
    ("arq tasks.WorkerSettings", 1, False, None, None),
    ("huey_consumer tasks.huey -w 4", 1, False, None, None),
    ("huey_consumer.py tasks.huey -k process -w 4", 4, True, True, None),
])
def test_task_workers(
    tree: Writer, command: str, workers: int, forks: bool, preload: bool | None, most: int | None
) -> None:
    (found,) = started(tree, command, {})
    assert isinstance(found.workers, Known)
    limit = found.max_requests.value if isinstance(found.max_requests, Known) else None
    assert (found.workers.value, found.forks, found.preload.value if found.preload else None, limit) == (
        workers, forks, preload, most)
