"""What a process that has imported CrewAI is asked to do, step by step."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from . import legacy, unified
from .place import UNIFIED, data_directory, installed, own_temporary, version_of

QUIET = {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_DISABLE_TRACKING": "true", "OTEL_SDK_DISABLED": "true",
         "CREWAI_TRACING_ENABLED": "false", "ANONYMIZED_TELEMETRY": "False", "CREWAI_TESTING": "true"}


class State:
    """What one process of the probe knows. `expected` is where the records must land, `given` the path that the code
    hands over, `store` the memory object that it holds open."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.namespace: str = job["namespace"]
        self.given: str = job.get("path", "")
        self.directory: str = job.get("directory", "")
        self.own: str = job.get("own", "")
        self.before = dict(os.environ)
        self.version = ""
        self.store: Any = None

    @property
    def is_unified(self) -> bool:
        return version_of(self.version) >= UNIFIED

    def make(self, **how: Any) -> Any:
        if self.is_unified:
            return unified.Unified(self.namespace, self.directory, self.given, **how)
        return legacy.Legacy(self.namespace, self.own, **how)


def load(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """Imports CrewAI. The older engine gets a folder of its own by the one setting that both its stores follow."""
    begun = time.monotonic()
    prepare(state)
    module = importlib.import_module("crewai")
    return {"version": getattr(module, "__version__", state.version), "seconds": round(time.monotonic() - begun, 1)}


def prepare(state: State) -> None:
    os.environ.update(QUIET)
    os.environ.pop("REDIS_URL", None)       # CrewAI takes locks there, and the probe's are nobody else's business
    state.version = installed()
    own_temporary(state.namespace)
    if state.version and not state.is_unified and state.own:
        os.environ["CREWAI_STORAGE_DIR"] = state.own


def open_store(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """Opens memory and uses it once, as a worker does that has served a request."""
    state.store = state.make()
    state.store.find("nothing")
    return {}


def write(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """Saves texts, one after the other, and tells what was reported as failed meanwhile."""
    if step.get("fresh") or state.store is None:
        state.store = state.make()
    listener: Any = unified.Listener() if state.is_unified else legacy.Logged()
    with listener:
        for text in step["texts"]:
            state.store.save(text)
    return {"failed": listener.heard, "listened": list(listener.kinds)}


def read(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """Whether a text is found, per kind of store, and after how many seconds it was. A fresh object is opened if asked
    for."""
    if step.get("fresh") or state.store is None:
        state.store = state.make()
    begun = time.monotonic()
    for pause in step.get("after", (0,)):
        time.sleep(max(0.0, begun + pause - time.monotonic()))
        found = state.store.find(step["text"])
        if all(found.values()):
            break
    return {"found": found, "after": pause}


def count(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    state.store = state.make()
    return {"count": state.store.count(step["texts"])}


def save_later(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """Saves as CrewAI does in the background, and does not wait for it."""
    state.store = state.make(embed=unified.slowly)
    state.store.save_later(step["texts"])
    return {}


def fork(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """A child of this process, forked after memory was used, recalls and saves."""
    if not hasattr(os, "fork"):
        return {"how": "nofork"}
    seconds = int(step["seconds"])
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        try:
            found = all(state.store.find(step["text"]).values())
            state.store.save(step["text"] + " of the child")
        except BaseException:
            os._exit(4)
        os._exit(0 if found else 3)
    end = time.monotonic() + seconds + 5
    done, status = os.waitpid(pid, os.WNOHANG)
    while not done and time.monotonic() < end:
        time.sleep(0.05)
        done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return {"how": "hangs"}
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return {"how": "hangs" if number == signal.SIGALRM else f"crashes with {signal.Signals(number).name}"}
    return {"how": {0: "works", 3: "finds nothing"}.get(os.WEXITSTATUS(status), "raises an exception")}


def elsewhere(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """What a process with another working directory or home finds. The older engine fixes its place when it is
    imported, so there CrewAI's own function is asked for the place."""
    here, environ = os.getcwd(), dict(os.environ)
    before = data_directory() if state.is_unified else _asked(state.before)
    try:
        if "cwd" in step:
            os.chdir(step["cwd"])
        if "home" in step:
            os.environ["HOME"] = step["home"]
        if state.is_unified:
            store = unified.Unified(state.namespace, "", state.given)
            return {"found": all(store.find(step["text"]).values()), "directory": str(store.memory._storage._path)}
        changed = {**state.before, "HOME": os.environ["HOME"]} if "home" in step else state.before
        after = _asked(changed)
        return {"found": after == before, "directory": after}
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environ)


def _asked(environ: Mapping[str, str]) -> str:
    """CrewAI's own answer in that environment."""
    kept = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(environ)
        return str(importlib.import_module("crewai.utilities.paths").db_storage_path())
    finally:
        os.environ.clear()
        os.environ.update(kept)


def dimension(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    engine: Any = unified if state.is_unified else legacy
    return {"length": engine.dimension(state.directory)}


def wait(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """Until a file is there. Raises TimeoutError."""
    end = time.monotonic() + step["seconds"]
    while not os.path.exists(step["for"]):
        if time.monotonic() > end:
            raise TimeoutError("nobody said go on")
        time.sleep(0.02)
    return {}


def clean_path() -> None:
    """Takes the folder that the process happens to stand in, which `python -` puts first, out of the import path."""
    sys.path[:] = [path for path in sys.path if path]
