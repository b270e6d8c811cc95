"""The image's part of a remedy: a directory that its user can write to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from proof import prove

from crewmem_doctor.rules import _trees

BEGIN = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
RUN = 'CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0"]\n'
MADE = "RUN mkdir -p /data && chown bot /data\n"


def mended(root: Path, dockerfile: str) -> tuple[str, str]:
    for name, text in _trees.service("services:\n  api:\n    build: .\n", Dockerfile=dockerfile).items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(text.encode())
    plan = prove(root)
    return (root / "Dockerfile").read_bytes().decode(), plan.refused[0].reason if plan.refused else ""


@pytest.mark.parametrize("user", ["USER bot\n", "user bot\n", "  USER bot\n", "# who\nUSER bot\n", "USER bot\r\n"])
def test_the_directory_is_made_while_the_build_is_root(user: str, tmp_path: Path) -> None:
    newline = "\r\n" if "\r" in user else "\n"
    before = f"{BEGIN}RUN useradd -m bot\n"
    text, reason = mended(tmp_path, (before + user.replace("\r", "") + RUN).replace("\n", newline))
    assert not reason
    head, name, tail = user.replace("\r", "").rpartition("  USER") if user.startswith(" ") else user.replace(
        "\r", "").rpartition("user" if user.startswith("u") else "USER")
    assert text == (before + head + MADE + name + tail + RUN).replace("\n", newline)


def test_what_lies_between_belongs_to_the_user_too(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(Path(__file__).resolve().parents[2] / "fixtures/deployments/fastapi-compose/broken", root)
    prove(root)
    line = next(line for line in (root / "Dockerfile").read_text().splitlines() if "chown" in line)
    assert line == "RUN mkdir -p /home/agent/.local/share/assistant && chown -R agent /home/agent/.local"


@pytest.mark.parametrize(("dockerfile", "reason"), [
    (BEGIN + "RUN useradd -m bot && useradd -m other\nUSER other\nRUN id\nUSER bot\n" + RUN, "only root gives"),
    (BEGIN + "RUN useradd -m bot\nARG WHO=bot\nUSER ${WHO:-$OTHER}\n" + RUN, ""),
    (BEGIN.replace("python:3.12-slim", "gcr.io/distroless/python3") + "USER 1000\n" + RUN, "no shell"),
])
def test_what_could_not_be_built_is_refused(dockerfile: str, reason: str, tmp_path: Path) -> None:
    text, why = mended(tmp_path, dockerfile)
    if reason:
        assert text == dockerfile
        assert reason in why
    else:
        assert "chown $" not in text
