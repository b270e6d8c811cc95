"""What makes a value: the displays, wrappers and calls of packages whose result has a known class."""

from __future__ import annotations

import ast

# Annotations that are about the class they are given.
WRAPPERS = {
    "Optional",
    "Annotated",
    "Union",
    "Final",
    "ClassVar",
    "Awaitable",
    "Coroutine",
    "AsyncIterator",
    "Iterator",
    "Generator",
    "AsyncGenerator",
    "SkipValidation",
    "InstanceOf",
    "FromDishka",
    "Injected",
    "Inject",
}
_MADE_BY = {  # methods that give an object of the class they are called on
    "create",
    "build",
    "load",
    "copy",
    "model_copy",
    "get_instance",
    "instance",
    "getInstance",
    "new",
    "connect",
    "model_validate",
    "parse_obj",
}
DISPLAYS = {
    ast.Dict: "builtins.dict",
    ast.DictComp: "builtins.dict",
    ast.List: "builtins.list",
    ast.ListComp: "builtins.list",
    ast.Set: "builtins.set",
    ast.Tuple: "builtins.tuple",
    ast.JoinedStr: "builtins.str",
}
_RESULTS = {
    "redis.from_url": "redis.Redis",
    "redis.asyncio.from_url": "redis.asyncio.Redis",
    "builtins.open": "io.TextIOWrapper",
    "sqlite3.connect": "sqlite3.Connection",
}
CREW_PARTS = {
    "crewai.project.crew": "crewai.Crew",
    "crewai.project.agent": "crewai.Agent",
    "crewai.project.task": "crewai.Task",
    "crewai.project.llm": "crewai.LLM",
}
# Functions that give what they are given, or what it gives when it is run.
RUNNERS = (
    "asyncio.run",
    "asyncio.wait_for",
    "anyio.run",
    "typing.cast",
    "copy.copy",
    "copy.deepcopy",
    "asyncio.shield",
)


def made_by(name: str) -> str:
    """The class of what a package's constructor or function gives, by its canonical name; "" where nothing tells."""
    if name in _RESULTS:
        return _RESULTS[name]
    owner, _, last = name.rpartition(".")
    if last[:1].isupper():
        return name
    if owner.rsplit(".", 1)[-1][:1].isupper() and (last.startswith("from_") or last in _MADE_BY):
        return owner
    return ""
