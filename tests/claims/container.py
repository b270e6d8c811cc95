"""Runs in an interpreter with CrewAI: one process for each container that the tests start, forked from this one.

    container.py SOCKET     each connection to the socket is a process; see hosts.py

What costs seconds is imported once, before the fork. CrewAI itself is not where a release fixes places at import (before
1.10), and nothing of a store is: every process opens its own, as in a container of its own.
"""

import gc
import importlib.metadata
import json
import os
import pathlib
import signal
import socket
import sys
import traceback

PATH = [*sys.path[1:], *os.environ.pop("LENT").split(os.pathsep)]
sys.path[:] = PATH
SLOW = (
    "flask", "fastapi.testclient", "anyio._backends._asyncio", "httpcore", "h11", "openai.resources.chat.completions",
    "opentelemetry.sdk.trace", "chromadb", "chromadb_rust_bindings", "aiosqlite", "bcrypt", "posthog", "backoff", "portalocker",
    "dateutil.rrule", "pdfplumber", "rich.console", "json_repair", "json5", "jwt", "cryptography.hazmat.primitives.serialization",
    "litellm", "instructor", "mcp", "tqdm.auto", "lance_namespace",
)
UNIFIED = (
    "crewai", "crewai.memory.encoding_flow", "crewai.memory.recall_flow", "crewai.tools.memory_tools", "crewai.skills.tool",
    "crewai.llms.providers.openai.completion", "crewai.rag.embeddings.factory",
)


def preload():
    unified = tuple(map(int, importlib.metadata.version("crewai").split(".")[:2])) >= (1, 10)
    for name in SLOW + (UNIFIED if unified else ()):
        try:
            __import__(name)
        except ImportError:
            pass  # this release has no use for it


def load(given):
    """Become the container: its variables, its directory, its mounts. Its application."""
    os.environ.clear()
    os.environ.update(given["env"])
    os.chdir(given["cwd"])
    sys.path[:] = [given["cwd"], *PATH, *given["lent"]]
    for name in ("app", "store"):
        sys.modules.pop(name, None)  # of another application, which did not start
    mounts = {pathlib.Path(place) for place in given["mounts"]}
    pathlib.Path.is_mount = lambda self: self in mounts
    gc.disable()  # an import makes little garbage, and a collection takes its time
    import app

    gc.enable()
    return app.app


def ask(app, given):
    """One request through the framework's own client, with what users of these applications send."""
    sent = {"headers": given["headers"]}
    sent |= {"json": given["json"]} if given["method"] == "POST" else {"params" if _is_fastapi(app) else "query_string": given["json"]}
    if _is_fastapi(app):
        from fastapi.testclient import TestClient

        return TestClient(app).request(given["method"], given["path"], **sent).text
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app.test_client().open(given["path"], method=given["method"], **sent).get_data(as_text=True)


def _is_fastapi(app):
    return type(app).__name__ == "FastAPI"


def serve(connection):
    app, stream = None, connection.makefile("rw")
    for line in stream:
        given = json.loads(line)
        if app is None:
            log = os.open(given["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
        try:
            app, said = (load(given), "started") if app is None else (app, ask(app, given))
            answer = {"value": said}
        except BaseException as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        stream.write(json.dumps(answer) + "\n")
        stream.flush()


def main(place):
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    gc.disable()
    preload()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(place)
    listening.listen()
    os.write(1, b"ready\n")
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            serve(connection)
            return  # ends as every process does: what waits for the end is done, and the log is whole
        connection.close()


main(sys.argv[1])
