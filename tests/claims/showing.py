"""What happens to a codeword that users tell a fixture's application: told to one process, asked of others.

    start       only where the application does not start: the exception's name
    request     the same process, asked next
    worker      another process of the same container, which has answered a request before
    restart     a process that is started in the same container when the others have ended
    redeploy    the same in a new container: its volumes stay, its layer does not
    replica     a container beside the first one, which was there before; a volume is shared, a layer is not
    other-user  the same process, asked by somebody else: told or not told

Each is kept or lost, as the reply has the codeword or not, or the name of the exception that the request ends with. An
application with several places to ask has one word for each where they differ, as in "kept, lost".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deployment import Stage, lends, routes
from hosts import Host, Process
from interpreters import lent
from model_server import Model

EVENTS = ("request", "other-user", "worker", "replica", "restart", "redeploy")
QUESTION = "What is the codeword of the project?"


class Showing:
    def __init__(self, host: Host, model: Model, stage: Stage) -> None:
        self._host, self._model, self._stage = host, model, stage
        self._lent = [lent(*packages) for packages in lends(stage.folder)]
        self._routes = list(routes(stage.folder))
        self._processes: list[Process] = []

    def outcome(self, events: Mapping[str, str]) -> dict[str, str]:
        """What was seen for each of the events, or why the application does not start."""
        if "start" in events:
            answer = self._host.fails({**self._stage.container("one"), "lent": self._lent})
            return {"start": _name(answer) if "error" in answer else "it starts"}
        try:
            first = self._start("one")
            if "error" in first.started:
                return {"start": _name(first.started)}
            beside = {"worker": self._start("one") if "worker" in events else None,
                      "replica": self._start("two") if "replica" in events else None}
            if beside["worker"] is not None:
                self._recalled(beside["worker"], user="3")
            self._tell(first)
            seen = {"request": self._recalled(first)} if "request" in events else {}
            if "other-user" in events:
                seen["other-user"] = {"kept": "told", "lost": "not told"}[self._recalled(first, user="2")]
            seen |= {event: self._recalled(process) for event, process in beside.items() if process is not None}
            self.end()
            for event, layer in (("restart", "one"), ("redeploy", "three")):
                if event in events:
                    seen[event] = self._recalled(self._start(layer))
                    self.end()
            return seen
        finally:
            self.end()

    def end(self) -> None:
        while self._processes:
            self._processes.pop().end()

    def _start(self, layer: str) -> Process:
        process = self._host.start({**self._stage.container(layer), "lent": self._lent})
        self._processes.append(process)
        return process

    def _tell(self, process: Process) -> None:
        # What the model knows here it answers with; from now on only memory can tell it.
        self._model.knows = "hazel"
        try:
            for route in self._routes:
                _request(process, route, "1")
        finally:
            self._model.knows = ""

    def _recalled(self, process: Process, user: str = "1") -> str:
        words = []
        for route in self._routes:
            answer = _request(process, route, user)
            words.append(_name(answer) if "error" in answer else "kept" if "hazel" in answer["value"] else "lost")
        return words[0] if len(set(words)) == 1 else ", ".join(words)


def _request(process: Process, route: tuple[str, str], user: str) -> Mapping[str, str]:
    sent = {"message": QUESTION, "text": QUESTION, "question": QUESTION, "session_id": f"session-{user}"}
    return process.ask({"method": route[0], "path": route[1], "json": sent,
                        "headers": {"X-User-Id": user, "X-Session-Id": f"session-{user}"}})


def _name(answer: Mapping[str, str]) -> str:
    return answer["error"].partition(":")[0]


def stage(folder: Path, root: Path, model: Model, urls: Mapping[str, str], **operator: str) -> Stage:
    """The deployment with the network of these tests: its services' names lead to the servers that run here."""
    keys = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "DB_PASSWORD"), "test")
    one = Stage(folder, root, {**keys, **operator}, {"http://ollama:11434": model.url, **urls})
    one.given["environment"].update({  # where the providers listen; they ask for a key as ever
        "OPENAI_API_BASE": f"{model.url}/v1", "OPENAI_BASE_URL": f"{model.url}/v1", "EMBEDDINGS_OPENAI_API_BASE": f"{model.url}/v1",
        "ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_BASE": model.url})
    return one
