"""Processes with the real CrewAI, quickly: what takes seconds to import is imported once for each interpreter."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interpreters import KEPT, PATIENCE, lent

# The frameworks of the fixtures, which the interpreters with CrewAI need not have.
FRAMEWORKS = ("flask", "werkzeug", "jinja2", "markupsafe", "itsdangerous", "blinker", "click", "fastapi", "starlette",
              "annotated_doc", "typing_inspection")
QUIET = {"CREWAI_DISABLE_TELEMETRY": "true", "OTEL_SDK_DISABLED": "true", "CREWAI_TRACING_ENABLED": "false",
         "ANONYMIZED_TELEMETRY": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONWARNINGS": "ignore",
         "PYTHONDONTWRITEBYTECODE": "1"}


class Process:
    """One process of a container."""

    def __init__(self, place: str, container: Mapping[str, Any]) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(place)
        self._stream = self._socket.makefile("rw")
        self.started = self.ask(container)

    def ask(self, given: Mapping[str, Any]) -> Mapping[str, str]:
        self._stream.write(json.dumps(given) + "\n")
        self._stream.flush()
        line = self._stream.readline()
        assert line, "the process ended without an answer"
        answer: Mapping[str, str] = json.loads(line)
        return answer

    def end(self) -> None:
        """It has ended when this returns."""
        self._socket.shutdown(socket.SHUT_WR)
        while self._stream.readline():
            pass
        self._stream.close()
        self._socket.close()


class Host:
    """Starts processes of one interpreter."""

    def __init__(self, python: str, release: str, root: Path) -> None:
        self.release = release
        self._trying: Process | None = None
        self._place = str(root / "socket")
        home = root / "home"
        home.mkdir()
        env = {**{name: os.environ[name] for name in KEPT if name in os.environ}, **QUIET, "HOME": str(home), "LENT": lent(*FRAMEWORKS)}
        self._log = (root / "stderr").open("wb")
        self._process = subprocess.Popen([python, str(Path(__file__).with_name("container.py")), self._place], env=env, cwd=root,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", f"see {self._log.name}"

    def start(self, container: Mapping[str, Any]) -> Process:
        return Process(self._place, self._with_variables(container))

    def fails(self, container: Mapping[str, Any]) -> Mapping[str, str]:
        """The same for what is expected not to start: one process tries one such container after another."""
        given = self._with_variables(container)
        if self._trying is None:
            self._trying = Process(self._place, given)
            answer = self._trying.started
        else:
            answer = self._trying.ask(given)
        if "error" not in answer:
            self._trying = None
        return answer

    def _with_variables(self, container: Mapping[str, Any]) -> dict[str, Any]:
        env = {**{name: os.environ[name] for name in KEPT if name in os.environ}, **QUIET, **container["env"]}
        return {**container, "env": env}

    def close(self) -> None:
        self._process.kill()
        self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
