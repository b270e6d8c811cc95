"""Runs inside an interpreter that has CrewAI, like `child.py`: what its classes really take. Its last line is JSON.

signatures_child.py CLASSES      CLASSES is JSON: {"Crew": [["crewai.crew"], ["kickoff", …]], …}
"""

import importlib
import importlib.util
import inspect
import json
import os
import sys
import types

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", OTEL_SDK_DISABLED="true", CREWAI_TRACING_ENABLED="false")

import crewai
from crewai.llms.base_llm import BaseLLM

NAME = "crewmem_unheard_of"


class Absent(types.ModuleType):
    """A package that storages of CrewAI import and that is not installed here; only their signatures are asked for."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


for package in ("mem0", "qdrant_edge"):
    if importlib.util.find_spec(package) is None:
        sys.modules[package] = Absent(package)


class NoLLM(BaseLLM):
    def call(self, *args, **kwargs):
        return "done"


def found(modules, name):
    for module in modules:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    return None


def names(callable_):
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p.name for p in inspect.signature(callable_).parameters.values() if p.kind not in kinds and p.name != "self"]


def needed(cls):
    """What the class does not build without."""
    one = {"role": "r", "goal": "g", "backstory": "b", "llm": NoLLM(model="none")}
    if cls.__name__ == "Crew":
        member = crewai.Agent(**one)
        return {"agents": [member], "tasks": [crewai.Task(description="d", expected_output="e", agent=member)]}
    return one if cls.__name__ == "Agent" else {}


def fate(cls):
    """What becomes of an argument that nobody has heard of."""
    try:
        cls(**needed(cls), **{NAME: 1})
    except TypeError as error:
        return "TypeError" if NAME in str(error) else "ignored"
    except Exception as error:
        return type(error).__name__ if "extra_forbidden" in str(error) else "ignored"
    return "ignored"


def beside(cls):
    """An argument that the signature does not show, taken by a validator."""
    if cls.__name__ not in ("MemoryScope", "MemorySlice"):
        return []
    memory = crewai.Memory(llm=NoLLM(model="none"), embedder=lambda texts: [[0.0]] * len(texts))
    made = cls(memory=memory, **({"root_path": "/a"} if cls.__name__ == "MemoryScope" else {"scopes": ["/a"]}))
    return ["memory"] if made._memory is memory else []


said = {}
for name, (modules, methods) in json.loads(sys.argv[1]).items():
    cls = found(modules, name)
    if cls is None:
        continue
    said[name] = {"names": sorted({*names(cls), *beside(cls)}), "rest": fate(cls)}
    for method in methods:
        if hasattr(cls, method):
            said[f"{name}.{method}"] = {"names": sorted(names(getattr(cls, method))), "rest": ""}
place = os.path.dirname(os.path.dirname(crewai.__file__))
os.write(1, ("\n" + json.dumps({"version": crewai.__version__, "place": place, "said": said}) + "\n").encode())
os._exit(0)
