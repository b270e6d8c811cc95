"""Strategic merge and JSON 6902 patches on YAML nodes; every part keeps its own place."""

from __future__ import annotations

from crewmem_doctor.facts.kubernetes.nodes import text, with_entry
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

# By what the items of a list are told apart; lists that are not named here are replaced as a whole.
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
_MAX_DEPTH = 60


def merged(base: Node, patch: Node, name: str = "", depth: int = 0) -> Node | None:
    """`patch` laid over `base`, as Kubernetes merges what stands under the key `name`; None where it deletes it."""
    if depth > _MAX_DEPTH:
        return patch
    if isinstance(patch, Mapping):
        directive = text(patch, "$patch")
        if directive == "delete":
            return None
        patch = with_entry(patch, "$patch", None) if directive else patch
        if directive == "replace" or not isinstance(base, Mapping):
            return patch
        return _mappings(base, patch, depth)
    if isinstance(patch, Sequence) and isinstance(base, Sequence) and name in _KEYS:
        return _lists(base, patch, _KEYS[name], depth)
    return patch


def _mappings(base: Mapping, patch: Mapping, depth: int) -> Mapping:
    entries = {key.value: (key, value) for key, value in base.items()}
    for key, value in patch.items():
        name = key.value
        if name.startswith("$"):
            continue
        if isinstance(value, Scalar) and value.null:
            entries.pop(name, None)
            continue
        old = entries.get(name)
        new = merged(old[1], value, name, depth + 1) if old is not None else value
        if new is None:
            entries.pop(name, None)
        elif old is not None and isinstance(new, (Mapping, Sequence)) and new is not value:
            entries[name] = (old[0], new)
        else:
            # What a patch sets comes last: of two sources of a volume the patch's counts.
            entries.pop(name, None)
            entries[name] = (key, new)
    return Mapping(tuple(entries.values()), base.at, base.tag)


def _lists(base: Sequence, patch: Sequence, by: str, depth: int) -> Node:
    items: list[Node] = list(base.items)
    added: list[Node] = []
    for item in patch.items:
        if isinstance(item, Mapping) and text(item, "$patch") == "replace" and len(item.entries) == 1:
            items = []
            continue
        label = text(item, by)
        place = next((i for i, old in enumerate(items) if label and text(old, by) == label), -1)
        new = (
            merged(items[place], item, "", depth + 1)
            if place >= 0
            else merged(Mapping((), item.at), item, "", depth + 1)
        )
        if place >= 0 and new is None:
            del items[place]
        elif place >= 0 and new is not None:
            items[place] = new
        elif new is not None:
            added.append(new)
    return Sequence((*items, *added), base.at, base.tag)


def applied(root: Node, operations: Node) -> Node:
    """The tree after a JSON 6902 patch. An operation that does not fit changes nothing."""
    for operation in operations.items if isinstance(operations, Sequence) else ():
        verb, path, value = text(operation, "op"), text(operation, "path"), None
        steps = _steps(path)
        if isinstance(operation, Mapping):
            value = operation.get("value")
        if verb in ("move", "copy"):
            source = _steps(text(operation, "from"))
            value = _at(root, source)
            if verb == "move":
                root = _changed(root, source, None, "remove") or root
        if verb == "remove":
            root = _changed(root, steps, None, verb) or root
        elif verb in ("add", "replace", "move", "copy") and value is not None:
            root = _changed(root, steps, value, "replace" if verb == "replace" else "add") or root
    return root


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]] if pointer else []


def _at(node: Node | None, steps: list[str]) -> Node | None:
    for step in steps:
        if isinstance(node, Mapping):
            node = node.get(step)
        elif isinstance(node, Sequence) and step.isdigit() and int(step[:9]) < len(node.items):
            node = node.items[int(step[:9])]
        else:
            return None
    return node


def _changed(node: Node, steps: list[str], value: Node | None, verb: str) -> Node | None:
    """The tree with one place changed; None where there is no such place."""
    if not steps:
        return value
    if len(steps) > _MAX_DEPTH:
        return None
    step, rest = steps[0], steps[1:]
    if isinstance(node, Mapping):
        old = node.get(step)
        if rest:
            new = _changed(old, rest, value, verb) if old is not None else None
            return with_entry(node, step, new) if new is not None else None
        if verb == "remove":
            return with_entry(node, step, None) if old is not None else None
        bare = with_entry(node, step, None)  # what a patch sets comes last
        return with_entry(bare, step, value)
    if isinstance(node, Sequence):
        return _changed_list(node, step, rest, value, verb)
    return None


def _changed_list(node: Sequence, step: str, rest: list[str], value: Node | None, verb: str) -> Node | None:
    items = list(node.items)
    if step == "-" and not rest and value is not None and verb == "add":
        return Sequence((*items, value), node.at, node.tag)
    if not step.isdigit():
        return None
    place = int(step[:9])
    if rest:
        new = _changed(items[place], rest, value, verb) if place < len(items) else None
        if new is None:
            return None
        items[place] = new
    elif verb == "remove" and place < len(items):
        del items[place]
    elif verb == "replace" and place < len(items) and value is not None:
        items[place] = value
    elif verb == "add" and place <= len(items) and value is not None:
        items.insert(place, value)
    else:
        return None
    return Sequence(tuple(items), node.at, node.tag)
