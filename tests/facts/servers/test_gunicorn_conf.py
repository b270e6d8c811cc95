from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.facts.servers import processes
from crewmem_doctor.facts.servers.gunicorn_conf import read_config
from crewmem_doctor.model.deployment import Copied, Environment, Setting
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.discover import discover

HERE = Location("Dockerfile", 9)
SET: dict[str, Answer[str]] = {"WORKERS": Known("6", HERE), "SECRET": Unknown("SECRET is set elsewhere")}


def workers(text: str) -> object:
    answer = read_config("import os, multiprocessing\n" + text, "gunicorn.conf.py", SET.get).number("workers")
    return answer.value if isinstance(answer, Known) else answer if answer is None else type(answer)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("workers = 4", 4),
        ("workers: int = 2 + 1", 3),
        ("workers = int(os.getenv('WORKERS', 2))", 6),
        ("workers = int(os.environ['WORKERS'])", 6),
        ("workers = int(os.environ.get('NONE', '2'))", 2),
        ("workers = int(os.getenv('NONE') or 3)", 3),
        ("workers = os.getenv('SECRET', 2)", Unknown),
        ("workers = multiprocessing.cpu_count() * 2 + 1", 3),
        ("n = multiprocessing.cpu_count()\nworkers = min(n * 2 + 1, 4)", 3),
        ("workers = max(2, os.cpu_count())", 2),
        ("workers = multiprocessing.cpu_count()", Unknown),
        ("workers = min(multiprocessing.cpu_count(), 4)", Unknown),
        ("workers = compute()", Unknown),
        ("workers = 1\nif os.getenv('X'):\n    workers = 4", Unknown),
        ("bind = ':80'", None),
        ("workers = 9 ** 9 ** 9", Unknown),
        ("try:\n    workers = 2\nexcept ValueError:\n    pass", 2),
    ],
)
def test_workers(text: str, count: object) -> None:
    assert workers(text) == count


def test_places_and_confidence() -> None:
    config = read_config("workers = 4\npreload_app = True\n", "d/gunicorn.conf.py", SET.get)
    assert config.number("workers") == Known(4, Location("d/gunicorn.conf.py", 1, 11, 1, 12))
    assert config.truth("preload_app") == Known(True, Location("d/gunicorn.conf.py", 2, 15, 2, 19))
    guess = read_config("import os\nworkers = int(os.getenv('N', 4))", "g.py", SET.get).number("workers")
    assert isinstance(guess, Known)
    assert guess.confidence == "medium"


def test_found_by_default_and_by_name(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api/gunicorn.conf.py").write_text(
        "workers = 5\nwsgi_app = 'app.main:app'\npreload_app = True\nchdir='src'\n"
    )
    (tmp_path / "api/other.py").write_text("workers = 2\n")
    tree = discover(tmp_path)
    copies = (Copied("api", "/srv", HERE),)
    (found,) = processes("gunicorn", HERE, None, tree, workdir=Known("/srv"), copies=copies)
    assert (found.target, found.workers, found.directory) == (
        "app.main:app",
        Known(5, Location("api/gunicorn.conf.py", 1, 11, 1, 12)),
        "src",
    )
    assert found.workers_at == Location("api/gunicorn.conf.py", 1, 11, 1, 12)
    assert found.preload is not None
    assert found.config == ("api/gunicorn.conf.py",)
    for name in ("other.py", "/srv/other.py", "python:other", "file:other.py"):
        (found,) = processes(f"gunicorn -c {name} a:b", HERE, None, tree, workdir=Known("/srv"), copies=copies)
        assert isinstance(found.workers, Known)
        assert found.workers.value == 2
    (found,) = processes("gunicorn -w 3 a:b", HERE, None, tree, "api")
    assert isinstance(found.workers, Known)
    assert found.workers.value == 3


def test_the_file_beats_web_concurrency(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("workers = 5\n")
    environment = Environment((Setting("WEB_CONCURRENCY", Known("9"), HERE),))
    (found,) = processes("gunicorn a:b", HERE, environment, discover(tmp_path))
    assert isinstance(found.workers, Known)
    assert found.workers.value == 5


@given(st.one_of(st.text(max_size=60), st.text(st.sampled_from("workers=()+*/-1 os.getenv\n'\"[],:if"), max_size=60)))
@settings(max_examples=300, deadline=None)
def test_no_text_raises(text: str) -> None:
    read_config(text, "g.py", SET.get).number("workers")
    read_config("workers = " + text, "g.py", SET.get).number("workers")


def test_deep_nesting_is_no_crash() -> None:
    for text in ("workers = " + "(" * 50_000, "workers = " + "-" * 50_000 + "1", "workers = 1" + "+1" * 20_000):
        read_config(text, "g.py", SET.get)
