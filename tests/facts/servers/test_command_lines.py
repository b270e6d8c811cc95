"""One command line of each server → what it runs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.facts.servers import process, processes
from crewmem_doctor.model.deployment import Environment, Process, Setting
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location

HERE = Location("compose.yaml", 7, 5, 7, 40)
THERE = Location("compose.yaml", 3, 9)


def environment(**variables: str) -> Environment:
    return Environment(tuple(Setting(name, Known(value), THERE) for name, value in variables.items()))


def one(text: str, **variables: str) -> Process:
    found = processes(text, HERE, environment(**variables))
    assert len(found) == 1, found
    return found[0]


def workers(found: Process) -> int | None:
    return found.workers.value if isinstance(found.workers, Known) else None


@pytest.mark.parametrize(
    ("text", "server", "target", "count"),
    [
        ("gunicorn app:app", "gunicorn", "app:app", 1),
        ("gunicorn -w 4 app:app", "gunicorn", "app:app", 4),
        ("gunicorn -w4 app.main:app -k uvicorn.workers.UvicornWorker", "gunicorn", "app.main:app", 4),
        ("gunicorn --workers=3 --bind 0.0.0.0:80 --access-logfile - app:app", "gunicorn", "app:app", 3),
        ("gunicorn app:app --preload --timeout 120 --error-logfile -", "gunicorn", "app:app", 1),
        ("gunicorn --worker-class gevent --conf x.py --worke 3 app:app", "gunicorn", "app:app", None),
        ("gunicorn 'app:create_app()'", "gunicorn", "app:create_app()", 1),
        ("/app/.venv/bin/gunicorn app.wsgi -w 2", "gunicorn", "app.wsgi", 2),
        ("python -m gunicorn -w 2 app:app", "gunicorn", "app:app", 2),
        ("python3.11 /venv/bin/gunicorn -w 2 app:app", "gunicorn", "app:app", 2),
        ("uvicorn app.main:app --host 0.0.0.0 --port 80 --workers 4", "uvicorn", "app.main:app", 4),
        ("uvicorn --factory app.main:create --workers=2", "uvicorn", "app.main:create", 2),
        ("uvicorn --no-access-log --proxy-headers a:b", "uvicorn", "a:b", 1),
        ("uvicorn a:b --workers 4 --reload", "uvicorn", "a:b", 1),
        ("python -u -m uvicorn a:b --workers 2", "uvicorn", "a:b", 2),
        ("fastapi run app/main.py --workers 3", "uvicorn", "app/main.py", 3),
        ("fastapi dev", "uvicorn", "main.py", 1),
        ("hypercorn -w 3 a:b", "hypercorn", "a:b", 3),
        ("granian --interface asgi a:b --workers 2", "granian", "a:b", 2),
        ("celery -A app.tasks worker --loglevel=info -c 4", "celery", "app.tasks", 4),
        ("celery -A app.tasks worker --concurrency=1", "celery", "app.tasks", 1),
        ("celery --app=app worker -l info --pool=solo -c 8", "celery", "app", 1),
        ("celery -A app worker -P threads", "celery", "app", 1),
        ("celery -A app worker --autoscale=10,3", "celery", "app", 10),
        ("celery worker -A app -c 2 -B", "celery", "app", 2),
        ("celery -A app beat", "celery-beat", "app", 1),
        ("celery -A app flower --port=5555", "flower", "app", 1),
        ("uwsgi --http :80 --module app:app --processes 4 --lazy-apps", "uwsgi", "app:app", 4),
        ("flask run --host=0.0.0.0", "flask", "app.py", 1),
        ("flask --app web run --debug", "flask", "web", 1),
        ("python manage.py runserver 0.0.0.0:8000", "django", "manage.py", 1),
        ("python manage.py run_bot", "django", "manage.py", 1),
        ("daphne -b 0.0.0.0 -p 80 proj.asgi:application", "daphne", "proj.asgi:application", 1),
        ("streamlit run app.py --server.port=8501 --server.headless true", "streamlit", "app.py", 1),
        ("streamlit run --server.port 8501 ui/app.py", "streamlit", "ui/app.py", 1),
        ("chainlit run app.py -h --port 80", "chainlit", "app.py", 1),
        ("gradio app.py", "gradio", "app.py", 1),
        ("crewai run", "crewai", "", 1),
        ("rq worker default --url redis://r", "rq", "", 1),
        ("rq worker-pool -n 3 default", "rq", "", 3),
        ("dramatiq app.tasks --processes 2 --threads 4", "dramatiq", "app.tasks", 2),
        ("arq app.worker.WorkerSettings", "arq", "app.worker.WorkerSettings", 1),
        ("taskiq worker app:broker", "taskiq", "app:broker", 2),
        ("python main.py --port 80", "python", "main.py", 1),
        ("python -u -X dev -m app.main", "python", "app.main", 1),
        ("python3 -m debugpy --listen 0.0.0.0:5678 -m uvicorn a:b", "uvicorn", "a:b", 1),
        ("npm start", "unknown", "npm", 1),
    ],
)
def test_servers(text: str, server: str, target: str, count: int | None) -> None:
    found = one(text)
    assert (found.server, found.target, workers(found)) == (server, target, count)
    assert found.at == HERE


@pytest.mark.parametrize(
    "text",
    [
        "flask db upgrade",
        "python manage.py migrate",
        "celery -A app inspect ping",
        "streamlit --version",
        "python -m pip install x",
        "crewai --version",
        "rq info",
        "exec",
        "python3 - x",
        "",
    ],
)
def test_what_ends_by_itself_is_no_process(text: str) -> None:
    assert processes(text, HERE) == ()


@pytest.mark.parametrize(
    ("words", "server"),
    [
        (["bash"], "idle"),
        (["/bin/sh"], "idle"),
        (["sleep", "infinity"], "idle"),
        (["tail", "-f", "/dev/null"], "idle"),
        (["pytest", "-q"], "idle"),
        (["python", "-m", "pytest"], "idle"),
        (["./bin/tail"], "unknown"),
        (["bash", "run"], "unknown"),
        (["sh", "-c", "pytest && gunicorn app:app"], "gunicorn"),
    ],
)
def test_a_shell_a_wait_and_tests_run_no_application(words: list[str], server: str) -> None:
    assert [p.server for p in processes(words, HERE)] == [server]


@pytest.mark.parametrize(
    "wrapped",
    [
        "exec {}",
        "exec -a name {}",
        "nohup {} &",
        "tini -s -- {}",
        "/usr/bin/tini -g {}",
        "dumb-init -- {}",
        "gosu app {}",
        "su-exec app:app {}",
        "env A=b C=d {}",
        "A=b {}",
        "poetry run {}",
        "uv run --no-dev --frozen {}",
        "uv run --with gunicorn -- {}",
        "pipenv run {}",
        "opentelemetry-instrument --service_name x {}",
        "ddtrace-run {}",
        "newrelic-admin run-program {}",
        "nice -n 5 {}",
        "timeout 60 {}",
        "./wait-for-it.sh -t 30 db:5432 -- {}",
        "wait-for-it db:5432 --strict -- {}",
        "dockerize -wait tcp://db:5432 -timeout 30s {}",
        "conda run --no-capture-output -n env {}",
        "dotenv -f .env run {}",
        "doppler run -- {}",
        "xvfb-run -a {}",
        "sh -c '{}'",
        'bash -lc "exec {}"',
        'bash -euo pipefail -c "{}"',
        "su app -c '{}'",
        "sudo -E -u app {}",
        "alembic upgrade head && {}",
        "python manage.py migrate; {}",
        "mkdir -p x || true; {} 2>&1 | tee log",
        "./docker-entrypoint.sh {}",
        'eval "{}"',
        "until nc -z db 5432; do sleep 1; done; {}",
        "watchmedo auto-restart -d . -p '*.py' -- {}",
    ],
)
def test_wrappers(wrapped: str) -> None:
    found = one(wrapped.format("gunicorn -w 2 a:b"))
    assert (found.server, found.target, workers(found)) == ("gunicorn", "a:b", 2)


def test_a_watcher_reloads() -> None:
    found = one("watchfiles --filter python 'celery -A app worker -c 2' /app")
    assert (found.server, found.reload) == ("celery", True)


def test_uv_runs_files_and_modules() -> None:
    assert one("uv run main.py").target == "main.py"
    assert one("uv run -m app.main").target == "app.main"


@pytest.mark.parametrize(
    ("text", "variables", "count"),
    [
        ("gunicorn a:b", {"WEB_CONCURRENCY": "3"}, 3),
        ("gunicorn -w 2 a:b", {"WEB_CONCURRENCY": "3"}, 2),
        ("gunicorn a:b", {"GUNICORN_CMD_ARGS": "--workers 5 --preload"}, 5),
        ("gunicorn -w 2 a:b", {"GUNICORN_CMD_ARGS": "--workers=5"}, 2),
        ("uvicorn a:b", {"WEB_CONCURRENCY": "3"}, 3),
        ("uvicorn a:b", {"UVICORN_WORKERS": "2", "WEB_CONCURRENCY": "3"}, 2),
        ("uvicorn a:b --workers $W", {"W": "6"}, 6),
        ("granian a:b", {"GRANIAN_WORKERS": "2"}, 2),
    ],
)
def test_variables_that_set_workers(text: str, variables: dict[str, str], count: int) -> None:
    assert workers(one(text, **variables)) == count


def test_the_place_of_workers() -> None:
    assert one("gunicorn -w $W a:b", W="4").workers_at == THERE
    assert one("gunicorn -w ${W:-4} a:b").workers == Known(4, HERE, "medium")
    assert one("gunicorn -w 4 a:b").workers_at == HERE
    assert one("gunicorn a:b").workers_at is None


def test_workers_that_cannot_be_known() -> None:
    for text in (
        "gunicorn -w $(nproc) a:b",
        "celery -A a worker",
        "dramatiq a",
        "gunicorn -c x.py a:b",
        "gunicorn -w x a:b",
    ):
        assert isinstance(one(text).workers, Unknown), text
    closed = Environment(open=("a dashboard",))
    (found,) = processes("gunicorn -w $WORKERS a:b", HERE, closed)
    assert isinstance(found.workers, Unknown)
    (found,) = processes("gunicorn a:b", HERE, closed)
    assert found.workers == Known(1)


def test_preload_forks_reload_and_directory() -> None:
    found = one("cd /srv && gunicorn --preload --chdir app -e A=b --reload x:y")
    assert found.preload is not None
    assert found.preload.value
    assert (found.forks, found.reload, found.directory) == (True, True, "/srv/app")
    assert [(s.name, s.value) for s in found.environment] == [("A", Known("b", HERE))]
    assert one("uvicorn --app-dir src a:b").directory == "src"
    assert one("cd src && python main.py").directory == "src"
    assert one("celery -A a worker -c 2").forks
    assert not one("celery -A a worker -P gevent").forks
    assert one("uwsgi -w a:b -p 2").preload == Known(True)
    assert one("uwsgi -w a:b -p 2 --lazy-apps").preload == Known(False)


def test_variables_before_a_command() -> None:
    found = one("export A=1; B=2 env C=3 python main.py")
    assert [s.name for s in found.environment] == ["A", "B", "C"]


def test_the_exec_form_has_no_shell() -> None:
    words = ["uvicorn", "a:b", "--workers", "2"]
    assert workers(process(words, HERE)) == 2
    assert process(["sh", "-c", "uvicorn a:b --workers 3"], HERE).workers == Known(3, HERE)
    assert process(["/cnb/lifecycle/launcher"], HERE).server == "unknown"
    assert process([], HERE) == Process((), HERE)


WORDS = st.lists(
    st.one_of(
        st.text(max_size=6),
        st.sampled_from(
            [
                "gunicorn",
                "uvicorn",
                "celery",
                "python",
                "-m",
                "-c",
                "-w",
                "--workers",
                "-A",
                "worker",
                "uv",
                "run",
                "sh",
                "-lc",
                "exec",
                "env",
                "--",
                "$X",
                "${",
                "A=b",
                "flask",
                "streamlit",
                "fastapi",
                "rq",
                "uwsgi",
                "supervisord",
                "gosu",
                "su",
                "timeout",
                "cd",
                "&&",
                "eval",
                "$@",
                "manage.py",
                "crewai",
            ]
        ),
    ),
    max_size=8,
)


@given(WORDS)
@settings(max_examples=500, deadline=None)
def test_no_words_raise(words: list[str]) -> None:
    processes(words, HERE)
    processes(" ".join(words), HERE, environment(X="y z"))
