"""agents.yaml: the entry that an `Agent(config=self.agents_config["writer"])` really reads."""

from __future__ import annotations

import ast
import posixpath

from crewmem_doctor.facts.python.index import Scope
from crewmem_doctor.facts.python.survey import Survey
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.yaml import Mapping, Scalar, load


class YamlAgents:
    """The agent tables of a tree, or its task tables, each file read once."""

    def __init__(self, survey: Survey, tree: Tree, what: str = "agents") -> None:
        self.survey = survey
        self.tree = tree
        self.what = what
        self._files: dict[str, Mapping | None] = {}

    def beside(self, what: str) -> YamlAgents:
        """The tables of the same tree that `what` names: "tasks"."""
        return YamlAgents(self.survey, self.tree, what)

    def entry(self, config: ast.expr | None, scope: Scope) -> Mapping | None:
        """The mapping of that agent; None where it cannot be told which."""
        key, table = _key(config)
        if key is None or table is None:
            return None
        for path in self._candidates(table, scope):
            document = self._document(path)
            for holder in (document, document.get(self.what) if document is not None else None):
                found = holder.get(key) if isinstance(holder, Mapping) else None
                if isinstance(found, Mapping):
                    return found
        return None

    def setting(self, config: ast.expr | None, scope: Scope, name: str) -> tuple[Scalar, Scalar] | None:
        """A plain `name: value` of that agent: the key and the value."""
        found = self.entry(config, scope)
        key, value = (found.key(name), found.get(name)) if found is not None else (None, None)
        return (key, value) if isinstance(key, Scalar) and isinstance(value, Scalar) else None

    def _candidates(self, table: ast.expr, scope: Scope) -> list[str]:
        """Beside the module of the class, as CrewAI looks; else any file of that name when there is just one."""
        folder = posixpath.dirname(scope.module.path)
        named = f"config/{self.what}.yaml"
        owner = scope.cls or (scope.function.owner if scope.function is not None else None)
        if isinstance(table, ast.Attribute) and owner is not None:
            for binding in owner.attributes.get(table.attr, ()):
                named = self.survey.text(binding.value, owner.scope) or named
        elif isinstance(table, ast.Name):
            mentioned = [
                n.value
                for n in ast.walk(scope.module.tree)
                if isinstance(n, ast.Constant)
                and isinstance(n.value, str)
                and n.value.endswith((".yaml", ".yml"))
                and self.what.rstrip("s") in n.value
            ]
            named = mentioned[0] if mentioned else named
        near = posixpath.normpath(posixpath.join(folder, named))
        found = [p for p in (near, posixpath.normpath(named)) if self.tree.exists(p)]
        if not found:
            tail = "/" + posixpath.basename(named)
            elsewhere = [p for p in self.tree.files if ("/" + p).endswith(tail)]
            found = elsewhere if len(elsewhere) == 1 else []
        return found

    def _document(self, path: str) -> Mapping | None:
        if path not in self._files:
            text = self.tree.text(path)
            documents = load(text, path)[0] if text is not None else []
            self._files[path] = documents[0] if documents and isinstance(documents[0], Mapping) else None
        return self._files[path]


def _key(config: ast.expr | None) -> tuple[str | None, ast.expr | None]:
    """`self.agents_config["writer"]`, `agents_config.get("writer")` → the key and the table."""
    if (
        isinstance(config, ast.Subscript)
        and isinstance(config.slice, ast.Constant)
        and isinstance(config.slice.value, str)
    ):
        return config.slice.value, config.value
    if (
        isinstance(config, ast.Call)
        and isinstance(config.func, ast.Attribute)
        and config.func.attr == "get"
        and config.args
        and isinstance(config.args[0], ast.Constant)
        and isinstance(config.args[0].value, str)
    ):
        return config.args[0].value, config.func.value
    return None, None
