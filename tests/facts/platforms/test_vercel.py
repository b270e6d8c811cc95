from __future__ import annotations

from typing import Any

import pytest

from crewmem_doctor.model.known import Unknown

from .conftest import known, target, variable

APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"


def test_builds(read: Any) -> None:
    found = read(
        {
            "vercel.json": '{"builds": [{"src": "backend/main.py", "use": "@vercel/python@4"},\n'
            ' {"src": "web/package.json", "use": "@vercel/static-build"}], "env": {"MODE": "prod"}}',
            "backend/main.py": APP,
        }
    )
    assert found.ids == ["vercel:backend/main.py"]
    made = found["vercel:backend/main.py"]
    assert target(made) == [("vercel", "backend/main.py")]
    assert made.read_only_root is not None
    assert made.writable == ("/tmp",)
    assert isinstance(made.replicas, Unknown)
    assert known(made.workdir) == "/var/task"
    assert (variable(made, "MODE"), variable(made, "KEY")) == ("prod", "?")


def test_functions_in_api(read: Any) -> None:
    found = read(
        {
            "vercel.json": '{"rewrites": [{"source": "/(.*)", "destination": "/api/index"}]}',
            "api/index.py": APP,
            "api/_lib.py": APP,
            "api/models.py": "x = 1\n",
            "package.json": "{}",
        }
    )
    assert found.ids == ["vercel:api/index.py"]


def test_preset(read: Any) -> None:
    assert read({"vercel.json": '{"framework": "fastapi"}', "src/app.py": APP}).ids == ["vercel:src/app.py"]


@pytest.mark.parametrize(
    "text",
    [
        '{"builds": [{"src": "server.js", "use": "@vercel/node"}]}',
        '{"framework": "nextjs"}',
        '{"outputDirectory": "dist"}',
        '{"rewrites": [{"source": "/api/(.*)", "destination": "https://api.example.com/$1"}]}',
        "{}",
        "[]",
        "",
    ],
)
def test_a_front_end_beside_a_back_end_is_nothing(read: Any, text: str) -> None:
    files = {"vercel.json": text, "main.py": APP, "package.json": "{}", "requirements.txt": "fastapi\n"}
    assert not read(files).services


def test_a_front_end_in_its_folder(read: Any) -> None:
    assert not read(
        {"frontend/vercel.json": '{"rewrites": []}', "frontend/package.json": "{}", "api/index.py": APP}
    ).services
