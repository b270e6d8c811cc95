"""How premises are shown: child programs in the interpreters that have CrewAI, each in a place of its own.

CREWMEM_TEST_PYTHONS names the interpreters, separated like PATH. Without it the tests' own interpreter serves if it has
CrewAI, and else these tests are skipped.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crewmem_doctor.model.release import Version

HERE = Path(__file__).parent
OWN = [sys.executable] if importlib.util.find_spec("crewai") else []
PYTHONS = [p for p in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if p] or OWN
MARKS = [
    pytest.mark.crewai,
    pytest.mark.skipif(not PYTHONS, reason="CrewAI is not installed"),
    pytest.mark.timeout(2000),
]
premise = pytest.mark.premise
KEEP = ("PATH", "LANG", "LD_LIBRARY_PATH")


class Place:
    """A home and a working directory, as one container has them."""

    def __init__(self, python: str, root: Path, folder: str = "app", home: str = "home", **variables: str) -> None:
        self.python = python
        self.cwd = root / "work" / folder
        self.cwd.mkdir(parents=True, exist_ok=True)
        self.home = root / home
        self.home.mkdir(parents=True, exist_ok=True)
        self.env = {**{k: os.environ[k] for k in KEEP if k in os.environ}, "HOME": str(self.home), **variables}

    def start(self, child: str, *words: str) -> subprocess.Popen[str]:
        """A child that talks: what it is asked on its standard input, what it says on its output."""
        return subprocess.Popen(
            [self.python, str(HERE / child), *words], cwd=self.cwd, env=self.env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def finish(self, child: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, str(HERE / child), *words], cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=900, check=False)

    def run(self, child: str, *words: str) -> Mapping[str, Any]:
        """The child's last line of JSON."""
        done = self.finish(child, *words)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        assert lines, done.stderr[-2000:]
        result: Mapping[str, Any] = json.loads(lines[-1])
        return result


def heard(process: subprocess.Popen[str]) -> Mapping[str, Any]:
    """The next line of JSON that a talking child says; CrewAI's own panels in between are passed over."""
    assert process.stdout is not None
    line = next((text for text in process.stdout if text.startswith("{")), None)
    assert line is not None, "the child ended without an answer"
    said: Mapping[str, Any] = json.loads(line)
    return said


def ask(process: subprocess.Popen[str], word: str) -> Mapping[str, Any]:
    assert process.stdin is not None
    process.stdin.write(f"{word}\n")
    process.stdin.flush()
    return heard(process)


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@functools.cache
def version_of(python: str) -> Version:
    """The release that an interpreter has, by its metadata."""
    code = "import importlib.metadata as m; print(m.version('crewai'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    found = Version.parse(done.stdout)
    assert found is not None
    return found
