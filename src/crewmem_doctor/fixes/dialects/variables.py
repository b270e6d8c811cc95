"""Variables that YAML and JSON set: `NAME: value`, `- NAME=value`, `{name: NAME, value: …}`, whatever reads it."""

from __future__ import annotations

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.fixes.yaml import Yaml
from crewmem_doctor.fixes.yaml_settings import found, valued
from crewmem_doctor.model.changes.deployment import RemoveSetting, ReplaceSetting
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence


def replace(change: ReplaceSetting, sources: Sources) -> list[Edit]:
    yaml = sources.parsed(change.at.path, Yaml)
    setting = found(yaml, change.at, change.name)
    if setting.key is not None:
        return [valued(yaml, setting.key, setting.value, change.value)]
    if isinstance(setting.value, Scalar):
        return [yaml.replace(setting.value, f"{change.name}={change.value}")]
    raise Refused(f"{change.name} at line {change.at.line} of {change.at.path} takes its value from elsewhere")


def remove(change: RemoveSetting, sources: Sources) -> list[Edit]:
    """The entry or the item; where it is the only one, what holds it goes too."""
    yaml = sources.parsed(change.at.path, Yaml)
    setting = found(yaml, change.at, change.name)
    for _, section, inside in yaml.walk():
        beside = _within(inside) if section is not None else []
        if section is None or not any(node is setting.entry for node in beside):
            continue
        if len(beside) == 1:
            return [yaml.remove_entry(section, inside)]
        if isinstance(inside, Mapping) and setting.key is not None:
            return [yaml.remove_entry(setting.key, setting.value)]
        return [yaml.remove_item(section, inside, setting.entry)]
    raise Refused(f"{change.name} is not set in plain words at line {change.at.line} of {change.at.path}")


def _within(node: Node) -> list[Node]:
    if isinstance(node, Mapping):
        return [value for _, value in node.entries]
    return list(node.items) if isinstance(node, Sequence) else []


DIALECT = Dialect("variables", owns=lambda path: path.lower().endswith((".yaml", ".yml", ".json")),
                  editors={ReplaceSetting: replace, RemoveSetting: remove})
