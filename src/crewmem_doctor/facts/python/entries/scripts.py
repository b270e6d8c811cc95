"""Scripts: modules run as `python main.py`, console scripts, command line applications, top-level kickoffs."""

from __future__ import annotations

from crewmem_doctor.facts.python.entries._common import Found, decorated, entry
from crewmem_doctor.facts.python.index import Module
from crewmem_doctor.facts.python.survey import Survey, last_name, root

_KICKOFFS = frozenset({"kickoff", "kickoff_async", "akickoff", "kickoff_for_each", "kickoff_for_each_async"})
_COMMANDS = {
    "click": ("command",),
    "typer": ("command", "callback"),
    "rich_click": ("command",),
    "cyclopts": ("command", "default"),
    "asyncclick": ("command",),
    "flask": ("command",),
}
# The functions that `crewai run`, `crewai train` and their like call; the template registers them as console scripts.
_TEMPLATE = frozenset({"run", "train", "replay", "test", "kickoff", "run_with_trigger"})


def find(survey: Survey) -> Found:
    for function, _target, _call, name in decorated(survey):
        if name.rsplit(".", 1)[-1] in _COMMANDS.get(root(name), ()):
            yield entry(survey, function, "script", f"command {function.name}", root(name))
    for cls in survey.base.classes():
        handle = cls.methods.get("handle")
        if handle is not None and any(b.startswith("django.core.management") for b in survey.base.bases(cls.dotted)):
            yield entry(
                survey, handle, "script", f"command {cls.module.path.rsplit('/', 1)[-1].removesuffix('.py')}", "django"
            )
    for module in survey.base.modules.values():
        if module.is_script or any(last_name(site.node.func) in _KICKOFFS for site in module.body.sites):
            yield entry(survey, module.body, "script", f"script {module.path}", "python")
        if module.path.rsplit("/", 1)[-1] == "main.py":
            for name in sorted(_TEMPLATE & module.functions.keys()):
                if _is_template(module, name):
                    yield entry(survey, module.functions[name], "script", f"script {module.path} {name}", "crewai")


def _is_template(module: Module, name: str) -> bool:
    """`run()` of a `crewai create` project takes nothing it needs and kicks a crew or flow off."""
    function = module.functions[name]
    return set(function.parameters) <= set(function.defaults) and any(
        last_name(site.node.func) in _KICKOFFS | {"train", "replay", "test"} for site in function.sites
    )
