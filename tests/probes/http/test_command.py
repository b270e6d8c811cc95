"""The HTTP probe as users run it: through the installed command, with its real delay, questions and exit statuses."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .servers import APPS, serving

Doctor = Callable[..., Any]
REQUEST = 'path: /{kind}/chat\njson: {message: "{message}", user_id: "{user}"}\nreply: reply\n'
YES = {"CI": "true"}


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with serving("gthread", "web", 1, APP_TOKEN="t0ken-0f-the-test") as url:
        yield url


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with serving("uvicorn", "api", 1) as url:
        yield url


def request_file(folder: Path, kind: str = "module", more: str = "") -> str:
    path = folder / "request.yaml"
    path.write_text(REQUEST.replace("{kind}", kind) + more)
    return str(path)


def checks(report: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    return {seen["check"]: (seen["outcome"], seen["detail"]) for seen in report["observations"]}


CREW = """
from crewai import Agent, Crew, Task
from fastapi import FastAPI
from pydantic import BaseModel
app = FastAPI()

class Said(BaseModel):
    message: str
    user_id: str
    top_k: int = 3

@app.post("/module/chat")
def chat(said: Said):
    crew = Crew(agents=[Agent(role="a", goal="g", backstory="b")], tasks=[Task(description=said.message, expected_output="x")], memory=True)
    return {"reply": crew.kickoff().raw}
"""
# Runs that wait for the seven seconds, all at the same time: the words behind the target.
WAITING: dict[str, tuple[str, ...]] = {
    "remembers": ("--probe-request", "request.yaml", "--yes"),
    "forgets": ("--probe-request", "request.yaml"),
    "described": ("--probe-requests", "4"),
    "scanned": ("--select", "CM9"),
    "restarted": ("--probe-request", "request.yaml", "--restart-command", "echo no such container >&2; exit 3", "--yes", "--probe-requests", "8")}


PATIENT = pytest.mark.timeout(300)      # with the fixture, on a machine that has much else to do


@pytest.fixture(scope="module")
def waited(web: str, api: str, doctor: Doctor, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each of these runs came to, and how long it took."""

    def one(name: str) -> tuple[Any, float]:
        folder = tmp_path_factory.mktemp(name)
        request_file(folder, "module-forgets" if name == "forgets" else "module")
        if name == "scanned":
            (folder / "main.py").write_text(CREW.replace("/module/", "/module-forgets/"))
            (folder / "requirements.txt").write_text("crewai==1.15.30\n")
        url = api if name == "described" else web
        target = ("scan", ".", "--probe", url) if name == "scanned" else ("probe", url)
        begun = time.monotonic()
        done = doctor(*target, *WAITING[name], "--format", "json", cwd=folder, env={} if "--yes" in WAITING[name] else YES, timeout=250)
        return done, time.monotonic() - begun

    with ThreadPoolExecutor(len(WAITING)) as pool:
        return dict(zip(WAITING, pool.map(one, WAITING), strict=True))


@PATIENT
def test_an_application_that_remembers_has_status_0(waited: dict[str, Any]) -> None:
    done, took = waited["remembers"]
    assert done.status == 0, done.errors
    assert took > 7
    assert done.report["findings"] == []
    seen = checks(done.report)
    assert seen["recall-after-delay"] == ("pass", "3 of 3 replies contain the codeword 7 seconds later")
    assert seen["workers"] == ("pass", "9 of 9; one store")
    assert list(seen) == ["connect", "answer", "first-recall", "recall", "recall-after-delay", "other-user", "new-session", "workers", "cleanup"]


@PATIENT
def test_one_that_forgets_has_one_finding_and_status_1(waited: dict[str, Any], web: str) -> None:
    done, _ = waited["forgets"]
    assert done.status == 1, done.errors
    (finding,) = done.report["findings"]
    assert (finding["rule"], finding["path"]) == ("CM906", web)
    assert finding["message"] == f"{web}: 0 of 7 replies contain the codeword, although it was told 5 times"


@PATIENT
def test_the_applications_own_description_says_what_to_send(waited: dict[str, Any]) -> None:
    done, _ = waited["described"]
    seen = checks(done.report)
    assert done.status == 0, done.errors
    assert seen["answer"] == ("pass", "the replies could be judged (4 requests, as in POST /chat of the application's openapi.json)")
    assert seen["recall-after-delay"][0] == "pass"


@PATIENT
def test_the_code_says_what_to_send_and_the_finding_stands_in_it(waited: dict[str, Any]) -> None:
    done, _ = waited["scanned"]
    seen = checks(done.report)
    assert seen["answer"] == ("pass", "the replies could be judged (12 requests, as in the handler POST /module-forgets/chat at main.py:13)")
    (finding,) = done.report["findings"]
    assert (finding["rule"], finding["path"], finding["line"]) == ("CM906", "main.py", 14)


@PATIENT
def test_a_restart_that_fails_is_said(waited: dict[str, Any]) -> None:
    done, _ = waited["restarted"]
    assert done.status == 2
    assert checks(done.report)["recall-after-restart"] == ("error", "the restart command ended with status 3: no such container")
    assert checks(done.report)["workers"][0] == "pass"


def test_where_nothing_says_what_to_send_the_file_is_asked_for(web: str, doctor: Doctor, tmp_path: Path) -> None:
    done = doctor("probe", web, "--format", "json", cwd=tmp_path, env=YES)
    assert done.status == 2
    outcome, detail = checks(done.report)["answer"]
    assert outcome == "error"
    assert "It has no openapi.json (404). A file can say it that --probe-request names" in detail


def test_several_operations_are_named_and_the_url_chooses(doctor: Doctor, tmp_path: Path) -> None:
    module = APPS / "api.py"
    (tmp_path / "two.py").write_text(module.read_text() + '\n\n@app.post("/ask")\ndef ask(said: Said) -> dict[str, str]:\n    return {"r": "never"}\n')
    with serving("uvicorn", "two", 1, cwd=tmp_path) as url:
        done = doctor("probe", url, "--format", "json", cwd=tmp_path, env=YES)
        assert "POST /chat, POST /ask could all be meant; name one in the target's URL" in checks(done.report)["answer"][1]
        done = doctor("probe", url + "/ask", "--format", "json", "--probe-requests", "3", cwd=tmp_path, env=YES)
        assert "inconclusive: the application answers the same" in checks(done.report)["answer"][1]


@pytest.mark.parametrize(("more", "told"), [
    ("jsonn: 1\n", "jsonn is none of method, path"), ("headers: {Authorization: 'Bearer ${NO_SUCH_TOKEN}'}\n", "the environment variable NO_SUCH_TOKEN is not set"),
    ("headers: {Authorization: 'Bearer abc'}\n", "holds credentials")])
def test_a_request_that_is_written_wrongly_stops_everything(doctor: Doctor, tmp_path: Path, more: str, told: str) -> None:
    done = doctor("probe", "http://127.0.0.1:9", "--probe-request", request_file(tmp_path, more=more), "--yes", cwd=tmp_path)
    assert done.status == 2
    assert done.text == ""
    assert told in done.errors


def test_the_projects_table_is_read_and_its_errors_told(web: str, doctor: Doctor, tmp_path: Path) -> None:
    table = '[tool.crewmem-doctor.probe.http]\npath = "/module/chat"\njson = {message = "{message}", user_id = "{user}"}\n'
    (tmp_path / "pyproject.toml").write_text(table)
    done = doctor("probe", web, "--format", "json", "--probe-requests", "2", cwd=tmp_path, env=YES)
    assert checks(done.report)["first-recall"][0] == "pass"
    (tmp_path / "pyproject.toml").write_text(table + 'replly = "x"\n')
    done = doctor("probe", web, cwd=tmp_path, env=YES)
    assert (done.status, "did you mean reply?" in done.errors) == (2, True)


def test_nothing_is_said_to_anybody_without_a_yes(web: str, doctor: Doctor, tmp_path: Path) -> None:
    done = doctor("probe", web, "--probe-request", request_file(tmp_path), "--format", "json", cwd=tmp_path)
    assert done.status == 2
    assert "pass --yes" in checks(done.report)["answer"][1]
    production = web.replace("127.0.0.1", "prod.localhost")
    done = doctor("probe", production, "--probe-request", request_file(tmp_path), "--format", "json", cwd=tmp_path, env=YES)
    assert "looks like production" in checks(done.report)["consent"][1]


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 2)])
def test_on_a_terminal_what_is_sent_is_shown_and_asked(web: str, command: list[str], tmp_path: Path, answer: str, status: int) -> None:
    """Whether the terminal that stands for a person gets the question, and what is answered counts."""
    request = request_file(tmp_path, more='headers: {Authorization: "Bearer ${API_TOKEN}"}\n')
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS")}
    primary, secondary = pty.openpty()
    child = subprocess.Popen([*command, "probe", web, "--probe-request", request, "--probe-requests", "2", "--format", "json"], cwd=tmp_path,
                             env={**environment, "API_TOKEN": "s3cr3t-t0ken", "COLUMNS": "200"}, stdin=secondary, stdout=subprocess.PIPE, stderr=secondary)
    os.close(secondary)
    shown = ""
    while "[y/N]" not in shown:
        shown += os.read(primary, 4096).decode()
    os.write(primary, answer.encode())
    drain = threading.Thread(target=drained, args=(primary,), daemon=True)
    drain.start()
    out, _ = child.communicate(timeout=60)
    assert child.returncode == status, out
    assert "At most 2 requests go to" in shown
    assert f"POST {web}/module/chat" in shown
    assert "Authorization: Bearer ${API_TOKEN}" in shown
    assert '{"message": "{message}", "user_id": "{user}"}' in shown
    assert "s3cr3t-t0ken" not in shown + out.decode()
    assert checks(json.loads(out)).get("first-recall", ("error",))[0] == ("pass" if status == 0 else "error")


def drained(primary: int) -> None:
    try:
        while os.read(primary, 4096):
            pass
    except OSError:
        pass


@pytest.mark.parametrize(("path", "status", "line"), [
    ("/chat", 0, "ready"), ("/nowhere", 0, "ready"), ("/broken-by-design", 2, "connect: it answers 500 Internal Server Error")])
def test_ready_says_one_line_and_no_message(web: str, doctor: Doctor, tmp_path: Path, path: str, status: int, line: str) -> None:
    done = doctor("probe", web + path, "--ready", cwd=tmp_path)
    assert (done.status, done.text) == (status, f"{web}{path}: {line}\n")


def test_ready_does_not_wait_for_what_hangs(doctor: Doctor, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        done = doctor("probe", f"http://127.0.0.1:{silent.getsockname()[1]}", "--ready", cwd=tmp_path)
    assert done.status == 2
    assert "no answer within 2 seconds" in done.text
    assert time.monotonic() - begun < 20
