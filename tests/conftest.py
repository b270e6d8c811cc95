"""What every test may use: the installed command, run as a user would."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SCRUBBED = re.compile(r"(GITHUB_|CREWMEM_|CREWAI_|OPENAI_|CI$|NO_COLOR$|FORCE_COLOR$|COLUMNS$|TERM$|PYTHONWARNINGS$)")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:       # a shell starts its background jobs so, and children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Outcome:
    """What one run of the command left behind. Output is kept as bytes, since bytes are what must not change."""

    status: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode("utf-8")

    @property
    def errors(self) -> str:
        return self.err.decode("utf-8", "replace")

    @property
    def report(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def executable() -> list[str]:
    """The console script of this interpreter's environment, which is what users type."""
    script = Path(sys.executable).with_name("crewmem-doctor")
    return [str(script)] if script.exists() else [sys.executable, "-m", "crewmem_doctor"]


def run_doctor(*words: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None,
               timeout: float = 60) -> Outcome:
    clean = {name: value for name, value in os.environ.items() if not SCRUBBED.match(name)}
    done = subprocess.run([*executable(), *map(str, words)], cwd=cwd, env={**clean, **(env or {})}, timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def doctor() -> Callable[..., Outcome]:
    """Runs `crewmem-doctor` in a process of its own: `doctor("scan", path, "--format", "json")`."""
    return run_doctor


@pytest.fixture(scope="session")
def command() -> list[str]:
    """The command's own words, for tests that start it themselves."""
    return executable()


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
    """Writes a small tree and returns its root."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        root = tmp_path / "tree"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return root

    return write
