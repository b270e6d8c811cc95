"""The variables of a container: env, envFrom, ConfigMaps and Secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.facts.kubernetes.nodes import answer, child, mapping, mappings, over, scalar, text, truth
from crewmem_doctor.facts.kubernetes.things import Bundle, Thing
from crewmem_doctor.model.deployment import Environment, Setting
from crewmem_doctor.model.known import Answer, Confidence, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Scalar

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.-][\w.-]*)\)")
STORAGE_DIR = "CREWAI_STORAGE_DIR"
_SECRETS = (
    "Secret",
    "ExternalSecret",
    "SealedSecret",
    "DopplerSecret",
    "InfisicalSecret",
    "OnePasswordItem",
    "VaultStaticSecret",
)


def environment_of(container: Mapping, thing: Thing, bundle: Bundle, image: Environment) -> Environment:
    """In the order of precedence: the image, envFrom, env. The last setting of a name counts."""
    settings: list[Setting] = list(image.settings)
    missing: list[str] = list(image.open)
    for source in mappings(container, "envFrom"):
        found, why = _all_of(source, thing, bundle)
        settings.extend(found)
        missing.extend([why] if why else [])
    for node in mappings(container, "env"):
        setting = _one(node, thing, bundle, settings)
        if setting is not None:
            settings.append(setting)
    return Environment(tuple(settings), tuple(dict.fromkeys(missing)))


def _all_of(source: Mapping, thing: Thing, bundle: Bundle) -> tuple[list[Setting], str]:
    """The settings of one envFrom, and what may bring more."""
    prefix = text(source, "prefix")
    for key, kind, kinds in (("configMapRef", "ConfigMap", ("ConfigMap",)), ("secretRef", "secret", _SECRETS)):
        if child(source, key) is None:
            continue
        name, at = text(source, key, "name"), source.at
        held = bundle.find(kinds, name, thing)
        label = f"the {kind} {name or 'that a template names'}"
        if held is None:
            return _elsewhere(kind, label, at), f"{label}, which is not in this tree"
        if kind == "ConfigMap":
            data = mapping(held.node, "data")
            return [
                Setting(prefix + k.value, value, over(k.at, v.at))
                for k, v in data.items()
                if (value := answer(v) or Known("", k.at)) is not None
            ], _held_open(held)
        keys = _secret_keys(held)
        return (
            [Setting(prefix + k, Unknown(f"it comes from {label}", at), at, secret=True) for k in keys or ()],
            _held_open(held) or ("" if keys is not None else f"{label}, whose keys are kept elsewhere"),
        )
    return [], "a source of envFrom that is not known"


def _elsewhere(kind: str, label: str, at: Location) -> list[Setting]:
    """A ConfigMap that is kept elsewhere may well say where memory lies; nobody keeps that in a secret."""
    if kind != "ConfigMap":
        return []
    return [Setting(STORAGE_DIR, Unknown(f"{label}, which is not in this tree, may set it", at), at)]


def _held_open(held: Thing) -> str:
    """A ConfigMap whose data a template makes."""
    data = child(held.node, "data")
    return f"the {held.kind} {held.name}, which a template fills" if isinstance(data, Scalar) and data.templated else ""


def _secret_keys(held: Thing) -> list[str] | None:
    """The names in a secret; None where the tree does not say them all."""
    if held.kind == "Secret":
        return [k.value for part in ("data", "stringData") for k, _ in mapping(held.node, part).items()]
    if held.kind == "SealedSecret":
        return [k.value for k, _ in mapping(held.node, "spec", "encryptedData").items()] or None
    if held.kind == "ExternalSecret" and child(held.node, "spec", "dataFrom") is None:
        return [text(item, "secretKey") for item in mappings(held.node, "spec", "data")] or None
    return None


def _one(node: Mapping, thing: Thing, bundle: Bundle, before: list[Setting]) -> Setting | None:
    name = scalar(node, "name")
    if name is None or name.templated:
        return None
    value = node.get("value")
    source = node.get("valueFrom")
    if (
        isinstance(source, Mapping)
        and source.entries
        and (value is None or (isinstance(value, Scalar) and not value.value))
    ):
        found, secret = _from(source, name.value, thing, bundle)
        return Setting(name.value, found, node.at, secret)
    given = answer(value)
    if given is None:
        if value is not None and not isinstance(value, Scalar):
            return Setting(name.value, Unknown("its value is no text", value.at), node.at)
        return Setting(name.value, Known("", node.at), node.at)  # `value:` with nothing is the empty text
    return Setting(name.value, interpolated(given, before), node.at)


def _from(source: Mapping, name: str, thing: Thing, bundle: Bundle) -> tuple[Answer[str], bool]:
    """The answer of a valueFrom, and whether it is a secret."""
    at = source.at
    if child(source, "secretKeyRef") is not None:
        held = text(source, "secretKeyRef", "name") or "that a template names"
        optional = truth(source, "secretKeyRef", "optional")
        may = "may come" if optional and optional.value else "comes"
        return Unknown(f"it {may} from the secret {held}", at), True
    if child(source, "configMapKeyRef") is not None:
        where, key = text(source, "configMapKeyRef", "name"), text(source, "configMapKeyRef", "key")
        config = bundle.find(("ConfigMap",), where, thing)
        found = answer(config.node, "data", key) if config is not None and key else None
        why = f"the ConfigMap {where or 'that a template names'}"
        return found or Unknown(f"{key} of {why} is not in this tree" if key else why, at), False
    field = text(source, "fieldRef", "fieldPath")
    if field == "metadata.namespace" and thing.namespace:
        return Known(thing.namespace, at), False
    if field in ("metadata.name", "metadata.uid", "status.podIP", "status.podIPs"):
        return Unknown(f"the {field.rpartition('.')[2]} of each pod differs", at), False
    return Unknown(f"{name} is filled in when the pod starts", at), False


def interpolated(given: Answer[str], before: list[Setting]) -> Answer[str]:
    """`$(NAME)` of variables that were set before; others stay as they are, as Kubernetes has it."""
    if isinstance(given, Unknown) or "$" not in given.value:
        return given
    out: list[str] = []
    done = 0
    confidence: Confidence = given.confidence
    for match in _REFERENCE.finditer(given.value):
        out.append(given.value[done : match.start()])
        done = match.end()
        if match[0] == "$$":
            out.append("$")
            continue
        setting = next((s for s in reversed(before) if s.name == match[1]), None)
        if setting is None:
            out.append(match[0])
        elif isinstance(setting.value, Unknown):
            return Unknown(setting.value.why, given.at)
        else:
            out.append(setting.value.value)
            confidence = "medium" if setting.value.confidence != "high" else confidence
    out.append(given.value[done:])
    return Known("".join(out), given.at, confidence)


def references(text_: str) -> Iterator[str]:
    """The names that `$(NAME)` in a text refers to."""
    for match in _REFERENCE.finditer(text_):
        if match[1]:
            yield match[1]
