"""The processes of the probe, in the order in which they must act.

The writer saves; at the end it saves in the background and ends. The early reader has opened memory before that, the
late one opens it afterwards. The auditor counts at the end what is there: with LanceDB the late reader does that with a
new memory object, with Chroma, which keeps an index for each process, it takes a new process. There are no more than
these, and the last come late: each import of CrewAI costs seconds and a quarter of a gigabyte.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from crewmem_doctor.probes.crewai.child import Child
from crewmem_doctor.probes.crewai.scene import Scene
from crewmem_doctor.probes.session import Session

IMPORTING = 120.0       # seconds that importing CrewAI may take at least, whatever the time of one check is
DELAYS = (0, 2, 7)      # when an early reader looks again; a table that is open is looked at anew after about 5 seconds
CROWD = 10              # what each of two writers saves
FORK_SECONDS = 10
WAITING = 600


@dataclass(frozen=True)
class Cast:
    """The processes at work from the beginning on."""

    scene: Scene
    play: Play
    writer: Child
    early: Child


class Play:
    """The stage with its actors. Use as a context: leaving it ends them all."""

    def __init__(self, session: Session, scene: Scene) -> None:
        self.session, self.stage, self.look = session, scene.stage, scene.look
        self._command = scene.python.path
        self._exit = ExitStack()
        word = session.namespace.rpartition("_")[2]
        self.text = f"codeword {word}"
        self.later = [f"later {n} {word}" for n in range(2)]
        self.crowds = [[f"crowd {which}{n} {word}" for n in range(CROWD)] for which in "ab"]

    def __enter__(self) -> Play:
        return self

    def __exit__(self, *error: Any) -> None:
        self._exit.close()

    def child(self, *steps: Mapping[str, Any], end: str = "", real: bool = False) -> Child:
        """Starts an actor that carries out `steps`; `real`: with this environment's own variables, credentials too."""
        job = {**self.stage.job(self.session), "directory": self.look["directory"], "own": self.look["own"],
               "steps": list(steps), "end": end}
        environ = {**self.session.environ, **self.stage.environ} if real else self.stage.environ
        return self._exit.enter_context(Child([self._command, "-"], job, cwd=self.stage.cwd, environ=environ))

    def writer(self, *, forks: bool) -> Child:
        fork = {"do": "fork", "text": self.text, "seconds": FORK_SECONDS}
        return self.child({"do": "import"}, self.wait("write"), {"do": "write", "texts": [self.text]},
                          *([fork] if forks else []), self.wait("leave"), {"do": "save-later", "texts": self.later},
                          end="return")

    def early(self) -> Child:
        return self.child({"do": "import"}, {"do": "open"}, self.wait("early"),
                          {"do": "read", "text": self.text, "after": DELAYS}, self.wait("crowd"),
                          {"do": "write", "fresh": True, "texts": self.crowds[0]})

    def late(self, *, audits: bool) -> Child:
        return self.child(
            {"do": "import"}, {"do": "read", "fresh": True, "text": self.text}, self.wait("crowd"),
            {"do": "write", "fresh": True, "texts": self.crowds[1]}, *(self._audit() if audits else []))

    def auditor(self) -> Child:
        return self.child({"do": "import"}, *self._audit())

    def _audit(self) -> list[Mapping[str, Any]]:
        texts = [text for crowd in self.crowds for text in crowd]
        return [self.wait("count"), {"do": "count", "texts": texts}, {"do": "count", "texts": self.later},
                {"do": "elsewhere", "text": self.text, "cwd": self.stage.folder(self.session.namespace)},
                {"do": "elsewhere", "text": self.text, "home": self.stage.folder("other")}, {"do": "dimension"}]

    def go(self, name: str) -> None:
        """Tells those who wait for it to go on."""
        self.stage.signal(name).touch()

    def wait(self, name: str) -> Mapping[str, Any]:
        """The step that does."""
        return {"do": "wait", "for": str(self.stage.signal(name)), "seconds": WAITING}

    @property
    def importing(self) -> float:
        """Seconds that an import may take."""
        return self.session.at_least(IMPORTING)
