"""Class-based views: methods that answer requests without a decorator."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.entries._common import Found, argument, entry
from crewmem_doctor.facts.python.entries.routes import VERBS
from crewmem_doctor.facts.python.index import Class
from crewmem_doctor.facts.python.survey import Survey, root

_ACTIONS = frozenset(
    {
        "list",
        "create",
        "retrieve",
        "update",
        "partial_update",
        "destroy",
        "perform_create",
        "perform_update",
        "perform_destroy",
        "form_valid",
        "dispatch",
        "dispatch_request",
    }
)
_FALCON = frozenset(f"on_{verb}" for verb in VERBS)
# Last words of the framework's base classes; the package decides beside them.
_BASES = {
    "flask": ("MethodView", "View"),
    "flask_restful": ("Resource",),
    "flask_restx": ("Resource",),
    "flask_smorest": ("MethodView",),
    "flask_openapi3": ("APIView",),
    "quart": ("MethodView", "View"),
    "django": ("View", "TemplateView", "FormView", "CreateView", "UpdateView", "DetailView", "ListView", "DeleteView"),
    "rest_framework": (
        "APIView",
        "ViewSet",
        "GenericViewSet",
        "ModelViewSet",
        "ReadOnlyModelViewSet",
        "GenericAPIView",
        "CreateAPIView",
        "ListCreateAPIView",
        "ListAPIView",
        "RetrieveAPIView",
    ),
    "starlette": ("HTTPEndpoint",),
    "tornado": ("RequestHandler",),
    "aiohttp": ("View",),
    "sanic": ("HTTPMethodView",),
    "ninja_extra": ("ControllerBase",),
}
_LABELS = {"rest_framework": "django-rest"}


def find(survey: Survey) -> Found:
    routes = _routes(survey)
    for cls in survey.base.classes():
        framework = framework_of(survey, cls)
        names = VERBS | _ACTIONS if framework else _FALCON
        path = routes.get(cls.dotted, "")
        if not framework and not (path and any(name in cls.methods for name in _FALCON)):
            continue
        for name, method in cls.methods.items():
            extra = any(_is_action(survey, method, decorator) for decorator in method.decorators)
            if name in names or extra:
                verb = name.removeprefix("on_").upper() if name.removeprefix("on_") in VERBS else "view"
                where = path or f"{cls.name}.{name}"
                yield entry(survey, method, "http", f"{verb} {where}", _LABELS.get(framework, framework) or "falcon")


def _is_action(survey: Survey, method: object, decorator: ast.expr) -> bool:
    """DRF's `@action(detail=False)` and Django's method decorators."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(target, (ast.Name, ast.Attribute)) and (
        (target.id if isinstance(target, ast.Name) else target.attr) in ("action", "detail_route", "list_route")
    )


def framework_of(survey: Survey, cls: Class) -> str:
    for name in survey.base.bases(cls.dotted):
        if name.rsplit(".", 1)[-1] in _BASES.get(root(name), ()):
            return root(name)
    return ""


def _routes(survey: Survey) -> dict[str, str]:
    """Class → path, from `path("x/", V.as_view())`, `add_resource(R, "/x")`, `(r"/x", Handler)`, `register("x", V)`."""
    found: dict[str, str] = {}
    for site in survey.calls(
        "path", "re_path", "url", "add_resource", "add_url_rule", "add_route", "register", "Route", "add_view"
    ):
        arguments = [*site.node.args[:3], *(k.value for k in site.node.keywords)]
        cls = next(
            (
                c
                for c in (
                    survey.cls(a, site.scope) for a in arguments if isinstance(a, (ast.Name, ast.Attribute, ast.Call))
                )
                if c is not None
            ),
            None,
        )
        text = next(
            (
                t
                for t in (survey.text(a, site.scope) for a in arguments if isinstance(a, ast.Constant))
                if t is not None
            ),
            None,
        )
        if cls is not None and text is not None:
            found.setdefault(cls.dotted, text if text.startswith(("/", "^")) else f"/{text}")
    for site in survey.calls("Application"):
        table = argument(site.node, "handlers", position=0)
        for row in table.elts if isinstance(table, (ast.List, ast.Tuple)) else ():
            if isinstance(row, ast.Tuple) and len(row.elts) >= 2:
                handler, text = survey.cls(row.elts[1], site.scope), survey.text(row.elts[0], site.scope)
                if handler is not None and text is not None:
                    found.setdefault(handler.dotted, text)
    return found
