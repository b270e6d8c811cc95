"""The probe of CrewAI's memory through the installed command, with a stand-in that can be made to fail."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from standin import StandIn, environment, tree

Doctor = Callable[..., Any]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


def outcomes(report: Mapping[str, Any]) -> dict[str, str]:
    return {one["check"]: one["outcome"] for one in report["observations"]}


def detail(report: Mapping[str, Any], check: str) -> str:
    return str(next(one["detail"] for one in report["observations"] if one["check"] == check))


def probe(doctor: Doctor, tmp_path: Path, app: Path, behaviour: str = "", *words: str, version: str = "1.15.30",
          base: str = sys.executable) -> Any:
    standin = StandIn(tmp_path / "standin", behaviour, version, base)
    return doctor("probe", "crewai", "--python", standin.python, "--format", "json", *words, cwd=app,
                  env=environment(tmp_path), timeout=110)


def left(tmp_path: Path) -> list[str]:
    """What lies in the home and the temporary directory."""
    return [name for folder in ("home", "tmp") if (tmp_path / folder).exists() for name in tree(tmp_path / folder)]


def test_a_memory_that_keeps_everything(doctor: Doctor, tmp_path: Path, app: Path) -> None:
    outcome = probe(doctor, tmp_path, app)
    seen = outcomes(outcome.report)
    passed = ("import", "place", "write", "memory-events", "second-process-reads", "early-reader", "two-writers",
              "forked-child", "cleanup")
    assert {check: seen[check] for check in passed} == dict.fromkeys(passed, "pass"), outcome.report["observations"]
    # What CrewAI does everywhere is no more than a note.
    assert (seen["exit-after-save"], seen["other-directory"], seen["other-home"]) == ("fail", "fail", "fail")
    assert {finding["severity"] for finding in outcome.report["findings"]} == {"note"}
    assert outcome.status in (0, 1)     # where the test's own disk is RAM, that is found too
    assert (seen["embedder"], seen["llm"], seen["dimension"]) == ("skip", "skip", "skip")
    assert left(tmp_path) == []


def test_records_of_the_application_are_not_touched(doctor: Doctor, tmp_path: Path, app: Path) -> None:
    home = tmp_path / "home"
    table = home / ".local/share/app/memory/memories.lance"
    table.mkdir(parents=True)
    (table / "data").write_bytes(b"records")
    (home / ".local/share/crewai/credentials").mkdir(parents=True)
    (home / ".local/share/crewai/credentials/secret.key").write_bytes(b"key")
    before = tree(home)
    probe(doctor, tmp_path, app)
    after = tree(home)
    assert {name: after.get(name) for name in before} == before
    assert set(after) - set(before) == set()


def test_a_memory_in_ram_is_an_error(doctor: Doctor, tmp_path: Path, app: Path) -> None:
    outcome = probe(doctor, tmp_path, app, "ram")
    assert outcome.status == 1
    assert outcomes(outcome.report)["second-process-reads"] == "fail"
    found = [finding for finding in outcome.report["findings"] if finding["evidence"] == "second-process-reads"]
    assert [(finding["rule"], finding["severity"]) for finding in found] == [("CM901", "error")]


def test_a_reader_that_came_first_is_a_note(doctor: Doctor, tmp_path: Path, app: Path) -> None:
    outcome = probe(doctor, tmp_path, app, "stale")
    found = [finding for finding in outcome.report["findings"] if finding["evidence"] == "early-reader"]
    assert [finding["severity"] for finding in found] == ["note"]
    assert outcomes(outcome.report)["second-process-reads"] == "pass"


@pytest.mark.parametrize(("behaviour", "check", "outcome_", "rule", "status", "words"), [
    ("no-home", "import", "fail", "CM902", 1, "writes below HOME"),
    ("broken", "import", "error", "CM902", 2, "is not whole"),
    ("absent", "import", "error", "CM902", 2, "--python"),
    ("unwritable", "write", "fail", "CM904", 1, "Permission denied"),
    ("full", "write", "fail", "CM904", 1, "the disk is full"),
    ("dies", "write", "error", "", 2, "SIGABRT"),
    ("elsewhere", "write", "error", "", 2, "another"),
])
def test_what_goes_wrong_is_named(doctor: Doctor, tmp_path: Path, app: Path, behaviour: str, check: str, outcome_: str,
                                  rule: str, status: int, words: str) -> None:
    outcome = probe(doctor, tmp_path, app, behaviour)
    assert outcomes(outcome.report)[check] == outcome_
    assert words in detail(outcome.report, check)
    assert outcome.status == status
    if rule:
        assert rule in {finding["rule"] for finding in outcome.report["findings"]}
    # A package that goes elsewhere makes its folder there before it can be asked; no record is written.
    assert left(tmp_path) == [] or (behaviour == "elsewhere" and not [p for p in (tmp_path / "home").rglob("*") if p.is_file()])


def test_a_release_that_is_too_old_is_said(doctor: Doctor, tmp_path: Path, app: Path) -> None:
    outcome = probe(doctor, tmp_path, app, version="0.67.1")
    assert outcome.status == 2
    assert "older than 0.74" in detail(outcome.report, "import")


def test_a_save_that_hangs_ends_at_its_time(doctor: Doctor, tmp_path: Path, app: Path) -> None:
    outcome = probe(doctor, tmp_path, app, "hangs", "--timeout", "4")
    assert outcome.status == 2
    assert "no answer within" in detail(outcome.report, "write")
    assert left(tmp_path) == []
    assert processes(tmp_path) == []


def processes(tmp_path: Path) -> list[int]:
    """Those that run the stand-in of this test."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and str(tmp_path / "standin").encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """While files come and go, a look at them may fail."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(FileNotFoundError):
            if condition():
                return
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_probe_that_is_ended(command: list[str], tmp_path: Path, app: Path,
                                                  number: signal.Signals) -> None:
    standin = StandIn(tmp_path / "standin", "hangs")
    child = subprocess.Popen([*command, "probe", "crewai", "--python", standin.python, "--timeout", "100"], cwd=app,
                             env=environment(tmp_path), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    until(lambda: bool(list((tmp_path / "home").rglob("crewmem_probe*.lance/*.json"))) or child.poll() is not None)
    assert child.poll() is None
    child.send_signal(number)
    child.wait(60)
    until(lambda: left(tmp_path) == [] and processes(tmp_path) == [])


COMPOSE = """services:
  api:
    image: python:3.12
    command: uvicorn app.main:app
    working_dir: /srv/desk
    environment: {CREWAI_STORAGE_DIR: /data/crew, HOME: /home/desk}
    volumes: [".:/srv/desk", "crew:/data"]
  worker:
    image: python:3.12
    command: python -m app.main
    working_dir: /srv/desk
    volumes: [".:/srv/desk"]
volumes: {crew: {}}
"""
MAIN = """from crewai.memory import Memory
from fastapi import FastAPI
app = FastAPI()
memory = Memory()
@app.get("/ask")
def ask(text: str):
    return [m.record.content for m in memory.recall(text)]
"""


@pytest.fixture
def desk(app: Path) -> Path:
    (app / "app").mkdir()
    (app / "app/__init__.py").touch()
    (app / "app/main.py").write_text(MAIN)
    (app / "compose.yaml").write_text(COMPOSE)
    (app / "requirements.txt").write_text("crewai==1.15.30\nfastapi\n")
    return app


def test_a_service_is_mirrored_in_a_copy_of_its_directories(doctor: Doctor, tmp_path: Path, desk: Path) -> None:
    before = tree(desk)
    outcome = probe(doctor, tmp_path, desk, "", "--service", "api")
    seen = outcomes(outcome.report)
    assert "/data/crew/memory" in detail(outcome.report, "place")
    assert "copy of compose:api's directories" in detail(outcome.report, "place")
    assert (seen["second-process-reads"], seen["filesystem"], seen["forked-child"]) == ("pass", "skip", "skip")
    # An absolute CREWAI_STORAGE_DIR pins the place.
    assert (seen["other-directory"], seen["other-home"]) == ("pass", "pass")
    assert left(tmp_path) == []
    assert tree(desk) == before


def test_no_service_is_mirrored_where_none_is_wanted(doctor: Doctor, tmp_path: Path, desk: Path) -> None:
    outcome = probe(doctor, tmp_path, desk, "", "--service", "none")
    assert "the place as it stands here" in detail(outcome.report, "place")
    assert "/data/crew" not in detail(outcome.report, "place")
    assert left(tmp_path) == []


SEALED = COMPOSE.replace("    working_dir", "    read_only: true\n    working_dir", 1)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that another user can get to, since root that runs the tests becomes one."""
    with tempfile.TemporaryDirectory(prefix="crewmem-tests-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def everybodys() -> str:
    """A Python that other users can run too, where root runs the tests and there is one."""
    system = "/usr/bin/python3"
    if os.geteuid() != 0 or not Path(system).exists():
        return sys.executable
    enough = subprocess.run([system, "-c", "import sys; sys.exit(sys.version_info < (3, 10))"], check=False).returncode == 0
    return system if enough else sys.executable


@pytest.mark.parametrize(("compose", "check", "rule"), [
    (SEALED, "import", "CM902"),
    (SEALED.replace("HOME: /home/desk", "HOME: /data"), "", ""),
    (SEALED.replace("HOME: /home/desk", "HOME: /data").replace("/data/crew", "/srv/crew"), "write", "CM904"),
    (COMPOSE.replace('"crew:/data"', '"crew:/data:ro"', 1), "write", "CM904"),
    (COMPOSE.replace('"crew:/data"', '"crew:/data:ro", "deep:/data/crew"', 1), "", ""),
    (COMPOSE.replace('"crew:/data"', '"crew:/data", "deep:/data/crew:ro"', 1), "write", "CM904"),
], ids=["home", "mount", "store", "read-only-mount", "open-inside", "closed-inside"])
def test_what_a_service_cannot_write_the_copy_cannot_either(doctor: Doctor, reachable: Path, compose: str, check: str,
                                                            rule: str) -> None:
    desk = reachable / "desk"
    (desk / "app").mkdir(parents=True)
    (desk / "app/__init__.py").touch()
    (desk / "app/main.py").write_text(MAIN)
    (desk / "compose.yaml").write_text(compose)
    (desk / "requirements.txt").write_text("crewai==1.15.30\nfastapi\n")
    outcome = probe(doctor, reachable, desk, "", "--service", "api", base=everybodys())
    seen = outcomes(outcome.report)
    if "Run the probe as a normal user" in detail(outcome.report, "import"):
        assert seen == {"import": "skip", "cleanup": "pass"}
        pytest.skip("root runs the tests, with an interpreter that only root can reach")
    if check:
        assert seen[check] == "fail", outcome.report["observations"]
        assert ("'/home/desk" if check == "import" else "Permission denied") in detail(outcome.report, check)
        assert rule in {finding["rule"] for finding in outcome.report["findings"]}
        assert outcome.status == 1
    else:
        assert (seen["second-process-reads"], outcome.status) == ("pass", 0), outcome.report["observations"]
    assert left(reachable) == []


def test_a_service_that_is_not_there_is_an_error_with_those_that_are(doctor: Doctor, tmp_path: Path, desk: Path) -> None:
    outcome = probe(doctor, tmp_path, desk, "", "--service", "web")
    assert outcome.status == 2
    assert "compose:api" in outcome.errors
    assert left(tmp_path) == []


def test_a_memory_that_the_probe_cannot_stand_in_for(doctor: Doctor, tmp_path: Path, desk: Path) -> None:
    text = MAIN.replace("Memory()", "Memory(storage=os.environ['PLACE'] + uuid.uuid4().hex)").replace("from crew", "import os, uuid\nfrom crew", 1)
    (desk / "app/main.py").write_text(text)
    outcome = probe(doctor, tmp_path, desk, "", "--service", "api")
    assert outcomes(outcome.report) == {"import": "skip", "cleanup": "pass"}
    assert "crew:package.module:factory" in detail(outcome.report, "import")


def test_ready_imports_nothing_and_prints_one_line(doctor: Doctor, tmp_path: Path, app: Path) -> None:
    standin = StandIn(tmp_path / "standin")
    env = environment(tmp_path)
    shared = {**env, "CREWAI_STORAGE_DIR": str(app / "data")}
    outcome = doctor("probe", "crewai", "--ready", "--python", standin.python, cwd=app, env=shared)
    assert not standin.imported.exists()
    assert len(outcome.text.splitlines()) == 1
    assert outcome.status == 0 or "filesystem" in outcome.text      # where the test's own disk is RAM
    assert left(tmp_path) == []
    assert not (app / "data").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_ready_says_what_cannot_be_written(doctor: Doctor, tmp_path: Path, app: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    standin = StandIn(tmp_path / "standin")
    env = {**environment(tmp_path), "CREWAI_STORAGE_DIR": str(closed / "data")}
    outcome = doctor("probe", "crewai", "--ready", "--python", standin.python, cwd=app, env=env)
    assert outcome.status == 1
    assert "nothing can be saved" in outcome.text
