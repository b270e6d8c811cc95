"""Scripts of the tree, through their branches, to what they run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from crewmem_doctor.facts.servers import Scene, started
from crewmem_doctor.model.deployment import Copied, Environment, Process, Setting
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.discover import discover
from crewmem_doctor.sources.shell import CommandLine

HERE = Location("Dockerfile", 9)


def run(
    tmp_path: Path, script: str, *arguments: str, user: str = "root", alone: bool = False, **variables: str
) -> tuple[Process, ...]:
    (tmp_path / "start.sh").write_text("#!/bin/bash\n" + script)
    scene = Scene(
        Environment(tuple(Setting(n, Known(v), HERE) for n, v in variables.items())),
        discover(tmp_path),
        workdir=Known("/app"),
        copies=(Copied("", "/app", HERE),),
        homes={"app": Known("/home/app")},
        user=user,
        alone=alone,
    )
    return started(CommandLine.of(["/app/start.sh"], HERE), CommandLine.of(arguments, HERE), scene)


def shown(found: tuple[Process, ...]) -> list[str]:
    return [" ".join(p.words) for p in found]


@pytest.mark.parametrize(
    ("script", "arguments", "expected"),
    [
        ('exec "$@"', ("uvicorn", "a:b"), ["uvicorn a:b"]),
        ('alembic upgrade head\npython seed.py\nexec "$@"', ("uvicorn", "a:b"), ["uvicorn a:b"]),
        ("python seed.py\npython main.py", (), ["python main.py"]),
        ("python worker.py &\npython main.py", (), ["python worker.py", "python main.py"]),
        ("celery -A a worker -c 1 &\nuvicorn a:b &\nwait", (), ["celery -A a worker -c 1", "uvicorn a:b"]),
        ('if [ "$1" = worker ]; then python w.py; else python m.py; fi', (), ["python m.py"]),
        ('if [ "$1" = worker ]; then python w.py; else python m.py; fi', ("worker",), ["python w.py"]),
        ('if [ "$MODE" = x ]; then exec python w.py; fi\nexec python m.py', (), ["python m.py"]),
        ("if test -f x; then python w.py; else python m.py; fi", (), ["python w.py", "python m.py"]),
        ('case "$1" in api) exec uvicorn a:b;; w*) exec python w.py;; *) exec "$@";; esac', ("api",), ["uvicorn a:b"]),
        ('case "$1" in api) exec uvicorn a:b;; w*) exec python w.py;; *) exec "$@";; esac', ("work",), ["python w.py"]),
        ('case "$1" in api) exec uvicorn a:b;; *) exec "$@";; esac', ("python", "x.py"), ["python x.py"]),
        ('if [ "$(id -u)" = "0" ]; then exec gosu app "$@"; fi\nexec "$@"', ("python", "x.py"), ["python x.py"]),
        ('main() {\n  exec "$@"\n}\nmain "$@"', ("python", "x.py"), ["python x.py"]),
        ('CMD=("$@")\nexec "${CMD[@]}"', ("python", "x.py"), ["python x.py"]),
        ('ARGS="a:b --reload"\nexec uvicorn $ARGS', (), ["uvicorn a:b --reload"]),
        ('if [ "${1#-}" != "$1" ]; then set -- uvicorn "$@"; fi\nexec python x.py', (), ["python x.py"]),
        ("while true; do\n python job.py\n sleep 60\ndone", (), ["python job.py"]),
        ("exec python x.py ${EXTRA:-}", (), ["python x.py"]),
        (". ./env.sh\nexec python x.py", (), ["python x.py"]),
        ("exec ./start.sh", (), ["./start.sh"]),
        ("python a.py || exit 1\nexec python x.py", (), ["python x.py"]),
    ],
)
def test_scripts(tmp_path: Path, script: str, arguments: tuple[str, ...], expected: list[str]) -> None:
    assert shown(run(tmp_path, script, *arguments)) == expected


# What the image does not set, whoever runs it may: a script that asks for it goes either way.
ASKED = [
    ('if [ -n "$TOKEN" ]; then\n python bot.py &\nfi\npython web.py &\nwait -n', ["python bot.py", "python web.py"]),
    ('if [ -z "${API_KEY:-}" ]; then\n echo missing\n exit 1\nfi\nexec uvicorn a:b', ["uvicorn a:b"]),
    ('if [[ ! -n $QUEUE ]]; then exec python web.py; else exec celery -A a worker; fi',
     ["python web.py", "celery -A a worker"]),
]


@pytest.mark.parametrize(("script", "expected"), ASKED)
def test_what_whoever_runs_the_image_may_set(tmp_path: Path, script: str, expected: list[str]) -> None:
    assert shown(run(tmp_path, script, alone=True)) == expected


@pytest.mark.parametrize("script", [script for script, _ in ASKED])
def test_a_deployment_that_names_all_its_variables_decides(tmp_path: Path, script: str) -> None:
    assert len(run(tmp_path, script)) == 1


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('MODE=web\nif [ -n "$MODE" ]; then exec python web.py; else exec python bot.py; fi', ["python web.py"]),
        ('if [ "$MODE" = bot ]; then exec python bot.py; fi\nexec python web.py', ["python web.py"]),
        ('if [ -n "$1" ]; then exec python bot.py; fi\nexec python web.py', ["python web.py"]),
    ],
)
def test_what_the_script_sets_or_has_a_default_for_is_known(tmp_path: Path, script: str, expected: list[str]) -> None:
    assert shown(run(tmp_path, script, alone=True)) == expected


def test_places_and_files(tmp_path: Path) -> None:
    (found,) = run(tmp_path, "set -e\nexec gunicorn -w 4 a:b\n")
    assert found.at == Location("start.sh", 3, 6, 3, 23)
    assert found.workers_at == Location("start.sh", 3, 18, 3, 19)
    assert found.config == ("start.sh",)


def test_variables_of_a_script(tmp_path: Path) -> None:
    (found,) = run(tmp_path, 'WORKERS=${WORKERS:-3}\nexport A=x\nexec gunicorn -w "$WORKERS" a:b')
    assert isinstance(found.workers, Known)
    assert (found.workers.value, found.workers.confidence) == (3, "medium")
    assert [s.name for s in found.environment] == ["A"]
    (found,) = run(tmp_path, "WORKERS=${WORKERS:-3}\nexec gunicorn -w $WORKERS a:b", WORKERS="2")
    assert isinstance(found.workers, Known)
    assert found.workers.value == 2


def test_a_variable_of_one_branch_is_not_known(tmp_path: Path) -> None:
    (found,) = run(tmp_path, "W=1\nif test -f x; then W=4; fi\nexec gunicorn -w $W a:b")
    assert isinstance(found.workers, Unknown)


def test_directories(tmp_path: Path) -> None:
    api, ui = run(tmp_path, "cd backend && python api.py &\n(cd ui && python ui.py) &\nwait")
    assert (api.directory, ui.directory) == ("backend", "ui")


def test_gosu_sets_home(tmp_path: Path) -> None:
    (found,) = run(tmp_path, 'exec gosu app "$@"', "python", "x.py")
    assert [(s.name, s.value) for s in found.environment] == [("HOME", Known("/home/app"))]
    (found,) = run(tmp_path, "if test -w /d; then exec gosu app python x.py; fi\nexec python x.py", user="root")
    assert [(s.name, type(s.value)) for s in found.environment] == [("HOME", Unknown)]


def test_shell_forms(tmp_path: Path) -> None:
    scene = Scene(tree=discover(tmp_path))
    shell, other = CommandLine.shell("python a.py", HERE), CommandLine.of(["b"], HERE)
    assert shown(started(shell, other, scene)) == ["python a.py"]
    assert shown(started(CommandLine.of(["tini", "--"], HERE), shell, scene)) == ["python a.py"]
    assert shown(started(CommandLine.of(["python"], HERE), CommandLine.of(["x.py"], HERE), scene)) == ["python x.py"]
    assert started(None, None, scene) == ()


@pytest.mark.parametrize(
    "line", ["A{}=1\n", "A=1\n", "cd x && y &\n", "if x; then A=1; fi\n", "python {}.py &\n", "f{}() {\n", "cd a\n"]
)
def test_long_scripts_take_no_time(tmp_path: Path, line: str) -> None:
    start = time.process_time()
    run(tmp_path, "".join(line.replace("{}", str(n)) for n in range(4_000)) + "exec python x.py")
    assert time.process_time() - start < 8


def test_console_scripts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project.scripts]\nrun_crew="my.main:run"\nserve="my.web:serve"\n[tool.poetry.scripts]\nold="my.old:main"\n'
    )
    scene = Scene(tree=discover(tmp_path))
    for command, server, target in (
        (["crewai", "run"], "crewai", "my.main:run"),
        (["uv", "run", "serve"], "python", "my.web:serve"),
        (["poetry", "run", "old"], "python", "my.old:main"),
        (["crewai", "flow", "kickoff"], "crewai", ""),
    ):
        (found,) = started(None, CommandLine.of(command, HERE), scene)
        assert (found.server, found.target) == (server, target)


def test_supervisord(tmp_path: Path) -> None:
    (tmp_path / "supervisord.conf").write_text(
        "[supervisord]\nnodaemon=true\n[program:api]\ncommand=gunicorn -w %(ENV_W)s a:b ; note\ndirectory=/srv\n"
        'environment=A="1",B=2\n[program:work]\ncommand = python w.py\nnumprocs=3\n[program:off]\ncommand=python o.py\n'
        "autostart=false\n"
    )
    variables = Environment((Setting("W", Known("4"), HERE),))
    at, name = "/etc/supervisor/conf.d/all.conf", "supervisord.conf"
    for words, target in ((["-n", "-c", "/x.conf"], "/x.conf"), ([], at), ([], "/etc/supervisord.conf")):
        scene = Scene(variables, discover(tmp_path), workdir=Known("/srv"), copies=(Copied(name, target, HERE),))
        api, work = started(None, CommandLine.of(["/usr/bin/supervisord", *words], HERE), scene)
    assert (api.server, api.workers, api.directory) == ("gunicorn", Known(4, HERE), "/srv")
    assert [s.name for s in api.environment] == ["A", "B"]
    assert work.workers == Known(3, Location("supervisord.conf", 9, 10, 9, 11))
    assert work.at == Location("supervisord.conf", 8, 11, 8, 22)


def test_a_python_script_with_a_shebang(tmp_path: Path) -> None:
    (tmp_path / "serve").write_text("#!/usr/bin/env python\nprint()")
    (found,) = started(None, CommandLine.of(["./serve"], HERE), Scene(tree=discover(tmp_path)))
    assert (found.server, found.target) == ("python", "./serve")
