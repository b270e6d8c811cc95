"""What runs when an application starts, before its first request."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.facts.python.environment import under_main
from crewmem_doctor.facts.python.index import CodeBase, Function, Module
from crewmem_doctor.facts.python.survey import last_name

# Decorators and hooks by their last word; those with a word of the event as first argument.
_HOOKS = frozenset(
    {
        "lifespan",
        "before_serving",
        "before_first_request",
        "on_app_startup",
        "worker_init",
        "worker_process_init",
        "worker_ready",
        "celeryd_init",
        "celeryd_after_setup",
        "beat_init",
        "on_startup",
        "startup",
        "before_server_start",
        "main_process_start",
        "on_ready",
        "setup_worker",
        "postfork",
        "cache_resource",
    }
)
_EVENTS = ("on_event", "add_event_handler", "listener", "register_listener", "on_startup")
# Functions that a server or framework calls by name.
_NAMED = frozenset(
    {
        "post_fork",
        "post_worker_init",
        "when_ready",
        "on_starting",
        "ready",
        "lifespan",
        "startup",
        "on_startup",
        "startup_event",
        "app_lifespan",
        "create_app",
    }
)
_SERVERS = frozenset(
    {"run", "run_app", "serve", "launch", "run_polling", "start_polling", "infinity_polling", "worker_main", "work"}
)
_DEPTH = 4


def starters(base: CodeBase) -> Iterator[Function]:
    """The functions that run at start-up, the bodies of modules included."""
    for module in base.modules.values():
        yield module.body
        handed = _handed_on(module)
        for function in module.all_functions:
            if not function.is_body and is_hook(function, handed):
                yield function


def is_hook(function: Function, handed: frozenset[str]) -> bool:
    """Whether a server or framework runs it at start-up. `handed` are the names its module gives them as hooks."""
    if function.name in _NAMED and (function.owner is None or function.name == "ready"):
        return True
    if any(_is_hook_decorator(d) for d in function.decorators):
        return True
    return function.name in handed or _serves(function)


def _is_hook_decorator(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    words = set(ast.unparse(called).split("."))
    if words & _HOOKS:
        return True
    return (
        isinstance(node, ast.Call)
        and last_name(called) in _EVENTS
        and any(isinstance(a, ast.Constant) and str(a.value) in ("startup", "before_server_start") for a in node.args)
    )


def _handed_on(module: Module) -> frozenset[str]:
    """The names handed on as hooks: `FastAPI(lifespan=…)`, `add_event_handler("startup", …)`."""
    found: set[str] = set()
    if "lifespan" not in module.text and "startup" not in module.text:
        return frozenset()
    for site in (s for f in module.all_functions for s in f.sites):
        call = site.node
        given = [k.value for k in call.keywords if k.arg in ("lifespan", "on_startup")]
        if last_name(call.func) in _EVENTS and any(
            isinstance(a, ast.Constant) and a.value == "startup" for a in call.args
        ):
            given += call.args
        found |= {n.id for g in given for n in ast.walk(g) if isinstance(n, ast.Name)}
    return frozenset(found)


def _serves(function: Function) -> bool:
    """A function that starts the server: what it calls before runs at start-up."""
    return any(
        last_name(s.node.func) in _SERVERS
        and s.callee.split(".")[0] in ("uvicorn", "hypercorn", "flask", "gradio", "waitress", "aiohttp")
        for s in function.sites
    )


def runs_at_start(base: CodeBase, function: Function, depth: int = _DEPTH) -> bool:
    """Whether a function is a start-up hook, or is called by one or by a module's body."""
    seen: set[Function] = set()
    ring = [function]
    for _ in range(depth):
        following = []
        for one in ring:
            if one in seen:
                continue
            seen.add(one)
            if not one.is_body and is_hook(one, _handed_on(one.module)):
                return True
            for caller in base.callers(one):
                if caller.scope.body.is_body:
                    if not under_main(caller.scope.module, caller.node):
                        return True
                else:
                    following.append(caller.scope.body)
        ring = following
    return False
