"""A scan opens no socket, starts no process, and neither imports nor runs what it scans."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Runs before the program in its interpreter. An audit hook cannot be taken off again, and sees C code as well.
GUARD = """
import os, sys

def guard(event, args):
    if event.startswith("socket.") or event in PROCESSES:
        os.write(2, f"FORBIDDEN {event} {args!r}\\n".encode())
        os._exit(99)
    if event == "import" and args[0].split(".")[0] in FORBIDDEN:
        os.write(2, f"FORBIDDEN import {args[0]}\\n".encode())
        os._exit(98)

PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty")
FORBIDDEN = set(os.environ.get("GUARD_IMPORTS", "").split())
sys.addaudithook(guard)
"""
HOSTILE = {
    "app.py": "from crewai import Crew\nfrom trap import boom\nraise SystemExit('the scanned code was run')\n"
              "crew = Crew(agents=[], tasks=[], memory=True)\n",
    "trap.py": "open('sprung', 'w').close()\nboom = 1\n",
    "sitecustomize.py": "open('sprung', 'w').close()\n",
    "conftest.py": "open('sprung', 'w').close()\n",
    "setup.py": "open('sprung', 'w').close()\nfrom setuptools import setup\n"
                "setup(install_requires=['crewai==1.15.30'])\n",
    "gunicorn.conf.py": "open('sprung', 'w').close()\nworkers = 4\n",
    "yaml.py": "open('sprung', 'w').close()\n",
    "rich.py": "open('sprung', 'w').close()\n",
    "compose.yaml": "services:\n  api:\n    image: !!python/object/apply:os.system ['touch sprung']\n"
                    "    command: python app.py\n",
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("guard")
    (folder / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    return {"PYTHONPATH": str(folder), "GUARD_IMPORTS": "crewai libcst redis psycopg app trap setup"}


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="audit hooks")
@pytest.mark.parametrize("words", [
    ["scan", "fixtures/deployments/api-and-worker/broken"],
    ["scan", "fixtures/deployments/api-and-worker/broken", "--format", "json"],
    ["scan", "fixtures/claims/scale-out/advised", "--format", "concise"],
    ["explain", "CM201"],
    ["rules"],
    ["--version"],
])
def test_no_socket_no_process(words: list[str], doctor: Callable[..., Any], repository: Path,
                              guarded: dict[str, str]) -> None:
    outcome = doctor(*words, cwd=repository, env=guarded)
    assert "FORBIDDEN" not in outcome.errors
    assert outcome.status in (0, 1)
    assert outcome.out


def test_the_guard_bites(guarded: dict[str, str]) -> None:
    """Without this, a guard that never loaded would make the test above pass."""
    done = subprocess.run([sys.executable, "-c", "import socket; socket.socket()"], env={**os.environ, **guarded},
                          capture_output=True, check=False)
    assert done.returncode == 99


def test_scanned_code_never_runs(doctor: Callable[..., Any], tree: Callable[..., Path],
                                 guarded: dict[str, str]) -> None:
    """Also where the current directory holds modules named as the tool's own dependencies."""
    root = tree(HOSTILE)
    for environment in ({}, guarded):
        outcome = doctor("scan", ".", "--format", "json", cwd=root, env=environment)
        assert outcome.status in (0, 1), outcome.errors
        assert outcome.report["memories"]
    assert not (root / "sprung").exists()
    assert sorted(path.name for path in root.iterdir()) == sorted(HOSTILE)
