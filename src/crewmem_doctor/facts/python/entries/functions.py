"""Functions that a platform calls: Lambda and Cloud Functions handlers, Modal functions, MCP tools, gRPC methods."""

from __future__ import annotations

import ast
import re

from crewmem_doctor.facts.python.entries._common import Found, decorated, entry, imports
from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.survey import Survey, root

_DECORATORS = {
    "functions_framework": ("http", "cloud_event", "typed"),
    "firebase_functions": ("on_request", "on_call"),
    "modal": ("function", "web_endpoint", "fastapi_endpoint", "asgi_app", "wsgi_app", "method"),
    "azure": (
        "route",
        "function_name",
        "timer_trigger",
        "queue_trigger",
        "service_bus_queue_trigger",
        "event_grid_trigger",
    ),
    "beam": ("endpoint", "task_queue", "function"),
    "bedrock_agentcore": ("entrypoint",),
    "runpod": (),
    "a2a": (),
    "zappa": ("task",),
    "vercel": (),
}
_MCP = frozenset({"mcp", "fastmcp", "fast_agent", "mcp_agent"})
_MCP_WORDS = frozenset({"tool", "call_tool", "resource", "prompt"})
_HANDLER = re.compile(r"^(?:lambda_handler|handler|.*_handler|main)$")


def find(survey: Survey) -> Found:
    for function, target, _call, name in decorated(survey):
        known, word = root(name), name.rsplit(".", 1)[-1]
        if known in _MCP and word in _MCP_WORDS:
            yield entry(survey, function, "function", f"mcp {word} {function.name}", "mcp")
        elif known in _MCP or known == "crewai":
            continue
        elif word in _DECORATORS.get(known, ()):
            yield entry(survey, function, "function", f"{known} {function.name}", known)
        elif not name and isinstance(target, ast.Attribute) and target.attr in _MCP_WORDS and imports(function, *_MCP):
            yield entry(survey, function, "function", f"mcp {target.attr} {function.name}", "mcp")
    for function in survey.base.functions():
        if _is_lambda(function):
            yield entry(survey, function, "function", f"lambda {function.name}", "lambda")
    for site in survey.calls("start"):
        if root(site.callee) == "runpod":
            table = site.node.args[0] if site.node.args else None
            for key, value in zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ():
                handler = survey.function(value, site.scope)
                if isinstance(key, ast.Constant) and key.value == "handler" and handler is not None:
                    yield entry(survey, handler, "function", f"runpod {handler.name}", "runpod")
    yield from _grpc(survey)


def _is_lambda(function: Function) -> bool:
    """`def lambda_handler(event, context)` at module level; other names need exactly those two parameters."""
    if function.owner is not None or function.parent is not None or not _HANDLER.match(function.name):
        return False
    parameters = list(function.parameters)
    if function.name == "lambda_handler":
        return len(parameters) == 2
    return (
        len(parameters) == 2
        and parameters[0].lstrip("_") == "event"
        and parameters[1].lstrip("_") in ("context", "ctx")
    )


def _grpc(survey: Survey) -> Found:
    for cls in survey.base.classes():
        for binding in cls.node.bases:
            word = binding.attr if isinstance(binding, ast.Attribute) else getattr(binding, "id", "")
            if word.endswith("Servicer"):
                for name, method in cls.methods.items():
                    if not name.startswith("_"):
                        yield entry(survey, method, "http", f"rpc {name}", "grpc")
                break
