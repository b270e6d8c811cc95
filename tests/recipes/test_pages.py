"""The code and the deployments that stand on the pages of the recipes: a scan finds nothing to say, and says it when they break."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"
CALLER, PLACE = (RECIPES.joinpath(name).read_text(encoding="utf-8") for name in ("caller_identity.md", "storage_dir.md"))
COMPOSE = """\
services:
  api:
    build: .
    environment:
      CREWAI_STORAGE_DIR: /data
      OPENAI_API_KEY: ${OPENAI_API_KEY:?}
    volumes: ["crew-memory:/data"]
volumes:
  crew-memory:
"""
DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [SERVER, "app:app"]\n'
Tree = Callable[[Mapping[str, str]], Path]
Run = Callable[..., Any]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


SCOPED, FLOW = blocks(CALLER, "python")
(ONE_CREW,) = blocks(PLACE, "python")


def project(app: str, release: str, compose: str = COMPOSE) -> dict[str, str]:
    server = '"uvicorn"' if "fastapi" in app else '"gunicorn", "--workers", "1"'
    return {"app.py": app, "caller_identity.py": (RECIPES / "caller_identity.py").read_text(encoding="utf-8"), "compose.yaml": compose,
            "Dockerfile": DOCKERFILE.replace("SERVER", server), "requirements.txt": f"crewai=={release}\nfastapi\nuvicorn\nflask\ngunicorn\n"}


def loud(doctor: Run, root: Path) -> dict[str, str]:
    report = doctor("scan", root, "--format", "json").report
    assert report["memories"], "there must be a memory to judge"
    return {f["rule"]: f["message"] for f in report["findings"] if f["severity"] != "note"}


@pytest.mark.parametrize(("app", "release"), [(SCOPED, "1.12.2"), (SCOPED, "1.14.7"), (SCOPED, "1.15.30"), (FLOW, "0.203.2"),
                                              (FLOW, "1.9.3"), (FLOW, "1.15.30")])
def test_a_caller_has_a_memory(app: str, release: str, tree: Tree, doctor: Run) -> None:
    assert loud(doctor, tree(project(app, release))) == {}


@pytest.mark.parametrize(("app", "old", "new", "rule"), [
    (SCOPED, "user_scope(x_user_id)", "user_scope(uuid4().hex)", "CM402"),
    (SCOPED, "memory.scope(user_scope(x_user_id))", "memory", "CM405"),
    (SCOPED, "user_scope(x_user_id)", 'f"/user/{x_user_id}"', "CM408"),
    (FLOW, '"id": chat_id, ', "", "CM404"),
    (FLOW, 'flow_id(request.headers["X-User-Id"], conversation_id)', "str(uuid4())", "CM402"),
])
def test_what_the_page_warns_of_is_found(app: str, old: str, new: str, rule: str, tree: Tree, doctor: Run) -> None:
    assert old in app
    assert rule in loud(doctor, tree(project("from uuid import uuid4\n\n" + app.replace(old, new), "1.15.30")))


def placed() -> dict[str, dict[str, str]]:
    """Each deployment on the page, around the application of the other page."""
    compose, kubernetes = blocks(PLACE, "yaml")
    (unit,) = blocks(PLACE, "ini")
    base = project(SCOPED, "1.15.30")
    files = {name: text for name, text in base.items() if name != "compose.yaml"}
    key = ("CREWAI_STORAGE_DIR: /data", "CREWAI_STORAGE_DIR: /data\n      OPENAI_API_KEY: x")
    return {
        "compose": {**files, "compose.yaml": compose.replace(*key)},
        "kubernetes": {**files, "k8s/api.yaml": kubernetes},
        "systemd": {**{name: text for name, text in files.items() if name != "Dockerfile"}, "deploy/api.service": unit},
    }


@pytest.mark.parametrize("where", ["compose", "kubernetes", "systemd"])
def test_a_directory_that_stays(where: str, tree: Tree, doctor: Run) -> None:
    report = doctor("scan", tree(placed()[where]), "--format", "json").report
    rows = [row for row in report["survival"] if row["service"].startswith({"kubernetes": "k8s"}.get(where, where))]
    assert rows
    assert {row[event] for row in rows for event in ("request", "restart", "redeploy")} == {"kept"}
    # What keeps it is asked here; the credentials of a model are another matter.
    assert {f["rule"]: f["message"] for f in report["findings"] if f["severity"] != "note" and f["rule"] != "CM504"} == {}


@pytest.mark.parametrize("where", ["compose", "kubernetes", "systemd"])
def test_without_the_variable_it_does_not_stay(where: str, tree: Tree, doctor: Run) -> None:
    """The unit's HOME is a directory that stays too, so there both go; with HOME alone a note says what it hangs on."""
    files = {name: "\n".join(line for line in text.splitlines() if "CREWAI_STORAGE_DIR" not in line and "=HOME=" not in line) + "\n"
             for name, text in placed()[where].items()}
    assert set(loud(doctor, tree(files))) & {"CM104", "CM201", "CM202"}


def test_a_home_that_stays_is_enough_and_a_note(tree: Tree, doctor: Run) -> None:
    unit = placed()["systemd"]
    files = {**unit, "deploy/api.service": unit["deploy/api.service"].replace("Environment=CREWAI_STORAGE_DIR=/var/lib/crew-memory\n", "")}
    report = doctor("scan", tree(files), "--format", "json").report
    assert [f["severity"] for f in report["findings"] if f["rule"] == "CM104"] == ["note"]
    assert {row["redeploy"] for row in report["survival"]} == {"kept"}


def test_one_crew_for_all_requests_where_building_one_empties_memory(tree: Tree, doctor: Run) -> None:
    held = loud(doctor, tree(project(ONE_CREW, "0.67.1")))
    assert "CM401" not in held, held
    inside = ONE_CREW.replace("str(crew.kickoff", "str(Crew(agents=[helper], tasks=[task], memory=True).kickoff")
    assert "CM401" in loud(doctor, tree(project(inside, "0.67.1")))
