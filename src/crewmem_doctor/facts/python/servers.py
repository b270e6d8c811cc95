"""Servers that the code starts itself: `uvicorn.run(…)`, `app.run(…)` and their kin."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.facts.python.index import CallSite
from crewmem_doctor.facts.python.survey import Survey, root
from crewmem_doctor.model.code import ServerRun
from crewmem_doctor.model.expression import Choice, EnvVar, Expr, Text, walk
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location

# Canonical name → the server it starts.
_RUNS = {
    "uvicorn.run": "uvicorn",
    "uvicorn.Config": "uvicorn",
    "uvicorn.main.run": "uvicorn",
    "hypercorn.run": "hypercorn",
    "hypercorn.asyncio.serve": "hypercorn",
    "granian.Granian": "granian",
    "waitress.serve": "waitress",
    "flask.Flask.run": "flask",
    "quart.Quart.run": "quart",
    "sanic.Sanic.run": "sanic",
    "bottle.run": "bottle",
    "aiohttp.web.run_app": "aiohttp",
    "tornado.ioloop.IOLoop.start": "tornado",
    "flask_socketio.SocketIO.run": "flask",
    "gevent.pywsgi.WSGIServer": "gevent",
    "werkzeug.serving.run_simple": "flask",
    "cheroot.wsgi.Server": "cheroot",
    "wsgiref.simple_server.make_server": "wsgiref",
    "robyn.Robyn.start": "robyn",
    "litestar.Litestar.run": "litestar",
    "celery.Celery.worker_main": "celery",
    "celery.Celery.Worker": "celery",
    "rq.Worker.work": "rq",
    "rq.worker.Worker.work": "rq",
    "arq.run_worker": "arq",
    "arq.worker.run_worker": "arq",
}
_GRADIO = ("launch",)
_MCP = frozenset({"mcp", "fastmcp"})
_POLLING = ("run_polling", "start_polling", "infinity_polling", "polling", "run_webhook")


def server_runs(survey: Survey) -> tuple[ServerRun, ...]:
    return tuple(sorted(_found(survey), key=lambda r: (r.at, r.server)))


def _found(survey: Survey) -> Iterator[ServerRun]:
    words = sorted({name.rsplit(".", 1)[-1] for name in _RUNS} | {*_GRADIO, *_POLLING})
    for site in survey.calls(*words):
        name = site.callee
        server = _RUNS.get(name, "")
        if not server and root(name) == "gradio" and name.endswith(_GRADIO):
            server = "gradio"
        if not server and root(name) in _MCP and name.endswith((".run", ".run_async")):
            server = "mcp"
        if not server and root(name) in ("telegram", "aiogram", "telebot") and name.endswith(_POLLING):
            server = "telegram"
        if not server and root(name) == "discord" and name.endswith(".run"):
            server = "discord"
        if server:
            yield _run(survey, site, server)


def _run(survey: Survey, site: CallSite, server: str) -> ServerRun:
    workers, variable = _workers(survey, site, server)
    reload = any(_true(survey, site, name) for name in ("reload", "debug", "use_reloader"))
    at: Location = survey.base.location(site.node.func, site.scope.module)
    return ServerRun(server, at, _target(survey, site), workers, variable, reload)


def _true(survey: Survey, site: CallSite, name: str) -> bool:
    keyword = site.keyword(name)
    if keyword is None:
        return False
    answer = survey.base.truth(survey.base.evaluate(keyword.value, site.scope))
    return isinstance(answer, Known) and answer.value


def _target(survey: Survey, site: CallSite) -> str:
    """ "app.main:app" as text, or of the object's own module and name."""
    node = site.argument("app", 0)
    if node is None and isinstance(site.node.func, ast.Attribute) and isinstance(site.node.func.value, ast.Name):
        node = site.node.func.value if root(site.callee) not in ("uvicorn", "hypercorn", "waitress", "bottle") else None
    text = survey.text(node, site.scope) if node is not None else None
    if text is not None:
        return text
    if isinstance(node, ast.Name):
        name = survey.base.canonical(node, site.scope)
        module, _, variable = name.rpartition(".")
        if module and survey.base.definition(name) is not None:
            return f"{module}:{variable}"
        return f"{site.scope.module.name}:{node.id}"
    return ""


def _workers(survey: Survey, site: CallSite, server: str) -> tuple[Answer[int] | None, str]:
    """The number of processes, and the variable that decides it."""
    node = next((k.value for k in site.node.keywords if k.arg in ("workers", "processes")), None)
    if node is None:
        return None, ""
    value = survey.base.evaluate(node, site.scope)
    variable = next((e.name for e in walk(value) if isinstance(e, EnvVar)), "")
    at = survey.base.location(node, site.scope.module)
    number = _number(value)
    if number is not None:
        return Known(number, at, "medium" if variable else "high"), variable
    return Unknown(f"{variable} decides" if variable else "the number of workers is computed", at), variable


def _number(value: Expr | None) -> int | None:
    if isinstance(value, EnvVar):
        return _number(value.default)
    if isinstance(value, Choice) and value.fallback:
        return _number(value.options[-1])
    if isinstance(value, Text) and not isinstance(value.value, bool):
        try:
            return int(value.value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
    return None
