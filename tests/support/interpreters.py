"""The interpreters that have the real CrewAI, and replicas: processes of theirs with a home and a directory of their own.

CREWMEM_TEST_PYTHONS names the interpreters, separated like PATH.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SUPPORT = Path(__file__).parent
RECIPES = SUPPORT.parents[1] / "docs" / "recipes"
PYTHONS = [p for p in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if p]
PATIENCE = 180  # seconds for one answer: importing CrewAI alone takes many of them on a busy machine
KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")
needs_crewai = [
    pytest.mark.crewai,
    pytest.mark.skipif(not PYTHONS, reason="CREWMEM_TEST_PYTHONS names no interpreter with CrewAI"),
    pytest.mark.timeout(400),
]


@functools.cache
def version(python: str) -> tuple[int, ...]:
    said = subprocess.run([python, "-c", "import importlib.metadata as m; print(m.version('crewai'))"], check=True,
                          capture_output=True, text=True, timeout=100).stdout
    return tuple(int(part) for part in said.strip().split(".")[:3])


def named(python: str) -> str:
    """How a test's id names the interpreter."""
    return ".".join(map(str, version(python)))


@functools.cache
def lent(*names: str) -> str:
    """A directory that shows these packages of this environment, and nothing else of it, to another interpreter."""
    folder = Path(tempfile.mkdtemp(prefix="lent-"))
    for name in names:
        spec = importlib.util.find_spec(name)
        assert spec is not None, name
        assert spec.origin is not None, name
        package = Path(spec.origin).parent
        for place in (package, package.with_name(f"{name}.libs"), *package.parent.glob(f"{name}-*.dist-info")):
            if place.exists():
                (folder / place.name).symlink_to(place)
    return str(folder)


def drivers() -> str:
    return lent("redis", "psycopg", "psycopg_binary")


class Replica:
    """A process with CrewAI that does one thing after another, as one container of an application would."""

    def __init__(self, python: str, child: Path, root: Path, folder: str = "app", **variables: str) -> None:
        home, work = root / "home", root / "work" / folder
        home.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join((str(SUPPORT), str(RECIPES), drivers()))
        env = {**{name: os.environ[name] for name in KEPT if name in os.environ}, "HOME": str(home), "PYTHONPATH": path,
               "CREWAI_DISABLE_TELEMETRY": "true", "OTEL_SDK_DISABLED": "true", "CREWAI_TRACING_ENABLED": "false",
               "PYTHONWARNINGS": "ignore", **variables}
        self.home, self.work = home, work
        self._log = (root / "stderr").open("ab")
        self._process = subprocess.Popen([python, str(child)], cwd=work, env=env, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=self._log, text=True)

    def do(self, name: str, **given: Any) -> Any:
        """What the child's function returns; its exception as AssertionError."""
        answer = self._ask(name, given)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def fails(self, name: str, **given: Any) -> str:
        """The exception that the child's function raises, as "Type: text"."""
        answer = self._ask(name, given)
        assert "error" in answer, f"{name} returned {answer['value']!r}"
        return str(answer["error"])

    def _ask(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        self.tell(name, **given)
        return self.answer()

    def tell(self, name: str, **given: Any) -> None:
        """Ask without waiting, so that two replicas can work at once; `answer` waits."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": name, "with": given}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        watch = threading.Timer(PATIENCE, self._process.kill)
        watch.start()
        try:
            for line in self._process.stdout:
                found: dict[str, Any] = json.loads(line)
                return found
        finally:
            watch.cancel()
        raise AssertionError(f"the replica ended with {self._process.wait(30)}: see {self._log.name}")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)
        for stream in (self._process.stdin, self._process.stdout, self._log):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]


@contextlib.contextmanager
def replicas(python: str, child: Path, root: Path, count: int = 2, **variables: str) -> Iterator[list[Replica]]:
    """Processes that share nothing but the network: each has another home, and another name of its directory."""
    started = [Replica(python, child, root / f"host{n}", f"app{n}", **variables) for n in range(count)]
    try:
        yield started
    finally:
        for one in started:
            one.kill()
