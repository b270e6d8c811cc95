"""The variables of a compose service, each with the place that sets it."""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.facts.compose.interpolate import Variables, answer_of, fill
from crewmem_doctor.facts.compose.merge import items_of
from crewmem_doctor.facts.compose.project import Project
from crewmem_doctor.model.deployment import Environment, Setting
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.dotenv import parse
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar

_SECRETS = "/run/secrets/"


def environment_of(service: Mapping, project: Project, tree: Tree, image: Environment) -> Environment:
    """In the order of precedence: the image, env_file, environment. The last setting of a name counts."""
    files: list[Setting] = []
    missing: list[str] = []
    for item in items_of(service.get("env_file")):
        settings, why = _env_file(item, project, tree)
        files.extend(settings)
        missing.extend([why] if why else [])
    own = list(_own(service.get("environment"), project))
    secrets = list(_secrets(service, project, own))
    nameless = [f"the secret {s.name.lower()}" for s in secrets if "_" not in s.name]
    return Environment((*secrets, *image.settings, *files, *own), (*image.open, *dict.fromkeys(missing), *nameless))


def _own(node: Node | None, project: Project) -> Iterator[Setting]:
    for item in items_of(node):
        variables = project.scope(item.at).variables
        if isinstance(item, Mapping):           # the mapping form, or `- NAME: value` in a list
            for key, value in item.items():
                at = _over(key.at, value)
                yield Setting(key.value, answer_of(value, variables) or _passed(key.value, at, variables), at)
        elif isinstance(item, Scalar):
            name, sign, text = item.value.partition("=")
            name = name.strip()
            if not name or any(c.isspace() for c in name):
                continue
            if item.templated:
                yield Setting(name, Unknown("a template fills it in", item.at), item.at)
            elif sign:
                yield Setting(name, fill(text, variables).answer(item.at), item.at)
            else:
                yield Setting(name, _passed(name, item.at, variables), item.at)


def _passed(name: str, at: Location, variables: Variables) -> Answer[str]:
    """A name without a value comes from the shell that calls compose, or from the project's .env."""
    answer = variables.get(name)
    return answer or Unknown(f"{name} is passed through from the shell", at)


def _env_file(item: Node, project: Project, tree: Tree) -> tuple[list[Setting], str]:
    """The settings of one env_file, or why they cannot be known."""
    node = item.get("path") if isinstance(item, Mapping) else item
    scope = project.scope(item.at)
    named = answer_of(node, scope.variables)
    if not isinstance(named, Known) or not named.value.strip():
        return [], "an env_file that is not known" if node is not None else ""
    path = join_path(scope.folder, named.value.strip())
    text = tree.text(path) if tree.exists(path) and not tree.is_dir(path) else None
    if text is None:
        return [], f"env_file {path}, which is not in this tree"
    raw = isinstance(item, Mapping) and project.text(item.get("format")) == "raw"
    settings: list[Setting] = []
    known: dict[str, Answer[str]] = dict(scope.variables)
    for variable in parse(text, path):
        value: Answer[str]
        if variable.value is None:
            value = _passed(variable.name, variable.at, known)
        elif raw or not variable.expands:
            value = Known(variable.value, variable.at)
        else:
            value = fill(variable.value, known).answer(variable.at)
        known[variable.name] = value
        settings.append(Setting(variable.name, value, variable.at))
    return settings, ""


def _secrets(service: Mapping, project: Project, own: list[Setting]) -> Iterator[Setting]:
    """A secret is a file; what reads it (an entrypoint, `NAME_FILE`) usually makes the variable of that name of it. One
    with a name of a single word may become any variable."""
    for item in items_of(service.get("secrets")):
        name = project.text(item.get("source") if isinstance(item, Mapping) else item)
        if name:
            variable = name.upper().replace("-", "_").replace(".", "_")
            yield Setting(variable, Unknown(f"the secret {name} may set it", item.at), item.at, secret=True)
    for setting in own:
        value = setting.value.value if isinstance(setting.value, Known) else ""
        if setting.name.endswith("_FILE") and value.startswith(_SECRETS):
            yield Setting(setting.name[:-5], Unknown("it comes from a secret", setting.at), setting.at, secret=True)


def _over(key: Location, value: Node) -> Location:
    """From the key to the end of its value, where both stand together."""
    end = value.at
    if end.path != key.path or (end.line, end.column) < (key.line, key.column):
        return key
    return Location(key.path, key.line, key.column, end.end_line, end.end_column)
