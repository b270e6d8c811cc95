"""Functions that answer HTTP requests: routes by decorator and routes by registration."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.entries._common import Found, argument, decorated, entry, imports
from crewmem_doctor.facts.python.entries.routes import VERBS, methods_of, prefixes, route_path
from crewmem_doctor.facts.python.index import CallSite, Scope
from crewmem_doctor.facts.python.survey import Survey, around, root

FRAMEWORKS = frozenset(
    {
        "fastapi",
        "starlette",
        "flask",
        "quart",
        "sanic",
        "aiohttp",
        "litestar",
        "starlite",
        "bottle",
        "falcon",
        "ninja",
        "robyn",
        "blacksheep",
        "flask_openapi3",
        "flask_smorest",
        "flask_restx",
        "apiflask",
        "connexion",
        "microdot",
        "chalice",
        "aws_lambda_powertools",
        "responder",
        "muffin",
        "emmett",
        "pyramid",
        "cherrypy",
        "fastapi_utils",
        "socketify",
    }
)
_DECORATORS = VERBS | {"route", "api_route", "api_operation", "websocket", "websocket_route", "sse"}
_BARE = {
    "rest_framework.decorators.api_view": "django-rest",
    "ninja.Router.api_operation": "ninja",
    "cherrypy.expose": "cherrypy",
    "pyramid.view.view_config": "pyramid",
}
# Django's and DRF's decorators of views whose route stands in urls.py.
_VIEW_DECORATORS = ("django.views.decorators", "django.contrib.auth.decorators")


def find(survey: Survey) -> Found:
    mounts = prefixes(survey)
    for function, target, call, name in decorated(survey):
        if name in _BARE:
            yield entry(survey, function, "http", f"view {function.name}", _BARE[name])
        elif name.startswith(_VIEW_DECORATORS):
            yield entry(survey, function, "http", f"view {function.name}", "django")
        elif call is not None and _is_route(survey, target, call, name, around(function)):
            word = (
                target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
            )
            path = route_path(survey, call, target, around(function), mounts)
            framework = root(name) if root(name) in FRAMEWORKS else _framework(function.module.imports)
            if word.startswith("websocket"):
                yield entry(survey, function, "socket", f"WS {path}", framework)
            else:
                yield entry(survey, function, "http", f"{methods_of(word, call)} {path}", framework)
    yield from _registered(survey)


def _is_route(survey: Survey, target: ast.expr, call: ast.Call, name: str, scope: Scope) -> bool:
    word = name.rsplit(".", 1)[-1] if name else (target.attr if isinstance(target, ast.Attribute) else "")
    if word not in _DECORATORS:
        return False
    if root(name) in FRAMEWORKS:
        return True
    # The application is a parameter or comes from a factory: a verb with a path is a route all the same. What is known
    # to be an installed package's (a mock of HTTP calls, say) is not.
    if name and survey.base.definition(name) is None and survey.base.definition(name.rpartition(".")[0]) is None:
        return False
    if not isinstance(target, ast.Attribute):
        return False
    path = survey.text(argument(call, "path", "rule", "uri", position=0), scope)
    return path is not None and path.startswith("/")


def _framework(imported: object) -> str:
    if isinstance(imported, list):
        for one in imported:
            if root(one.target) in FRAMEWORKS:
                return root(one.target)
    return "http"


def _registered(survey: Survey) -> Found:
    """`app.add_url_rule("/x", view_func=f)`, `router.add_post("/x", f)`, `Route("/x", endpoint=f)`, Django's `path`."""
    for site in survey.calls(
        "add_url_rule",
        "add_api_route",
        "add_route",
        "add_api_websocket_route",
        "add_websocket_route",
        "Route",
        "WebSocketRoute",
        "APIRoute",
        "path",
        "re_path",
        "url",
        *(f"add_{verb}" for verb in VERBS),
        *VERBS,
    ):
        handed = _handed(site)
        if handed is None or not _registers(site):
            continue
        function = survey.function(handed, site.scope)
        if function is None or function.is_body:
            continue
        word = site.callee.rsplit(".", 1)[-1] if site.callee else getattr(site.node.func, "attr", "")
        path = survey.text(argument(site.node, "path", "rule", "uri", "route", position=0), site.scope) or "/"
        path = path if path.startswith(("/", "^")) else f"/{path}"
        framework = root(site.callee) if root(site.callee) in FRAMEWORKS | {"django"} else "http"
        if "ebsocket" in word or word == "WebSocketRoute":
            yield entry(survey, function, "socket", f"WS {path}", framework)
        elif framework == "django" or word in ("path", "re_path", "url"):
            yield entry(survey, function, "http", f"view {path}", "django")
        else:
            yield entry(
                survey, function, "http", f"{methods_of(word.removeprefix('add_'), site.node)} {path}", framework
            )


def _handed(site: CallSite) -> ast.expr | None:
    """The view among the arguments; Sanic's `add_route(f, "/x")` gives it first."""
    named = argument(site.node, "view_func", "endpoint", "handler", "view", "callback")
    if named is not None:
        return named
    candidates = [a for a in site.node.args[:3] if isinstance(a, (ast.Name, ast.Attribute, ast.Lambda))]
    return candidates[-1] if candidates else None


def _registers(site: CallSite) -> bool:
    word = getattr(site.node.func, "attr", "") or getattr(site.node.func, "id", "")
    if word.startswith("add_") and word.removeprefix("add_") not in VERBS:
        return True
    known = root(site.callee)
    if word in ("path", "re_path", "url"):
        return known == "django"
    if word in VERBS or word.startswith("add_"):
        # `client.get(url, handler)` is no registration: the receiver must be a framework's.
        return known in FRAMEWORKS and ".client" not in site.callee.lower()
    return known in FRAMEWORKS or (not known and imports(site.scope.body, *FRAMEWORKS))
