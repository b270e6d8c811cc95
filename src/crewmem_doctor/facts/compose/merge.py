"""How Compose lays one file's tree over another's."""

from __future__ import annotations

from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

# The later value stands alone.
_REPLACED = frozenset(("command", "entrypoint", "test"))
# May be a list in one file and a mapping or one string in the other; both then hold.
_JOINED = frozenset((
    "environment", "args", "env_file", "tmpfs", "volumes", "secrets", "configs", "profiles", "volumes_from", "labels",
    "depends_on", "include",
))


def merge(base: Node, over: Node, name: str = "") -> Node:
    """`over` laid over `base`; `name` is the key that both stand under. Every part keeps its own location.

    Lists that Compose merges by a key (environment by name, volumes by target) are only put behind each other: for
    their readers the last one of a name counts.
    """
    if over.tag == "!override" or name in _REPLACED:
        return over
    if isinstance(over, Scalar) and over.null and not isinstance(base, Scalar):
        return base                     # a key without a value takes nothing away
    if name == "build":
        base, over = _build(base), _build(over)
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return _mappings(base, over)
    if isinstance(base, Sequence) and isinstance(over, Sequence):
        return Sequence(base.items + over.items, base.at)
    if name in _JOINED:
        return Sequence(items_of(base) + items_of(over), base.at)
    return over


def items_of(node: Node | None) -> tuple[Node, ...]:
    """A list's items; one item for a single value; one mapping for each entry of a mapping; none for null."""
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Mapping):
        return tuple(Mapping(((key, value),), key.at) for key, value in node.items())
    return () if node is None or node.null else (node,)


def _build(node: Node) -> Node:
    """`build: ./dir` in its long form."""
    if not isinstance(node, Scalar) or node.null:
        return node
    return Mapping(((Scalar("context", "str", node.at), node),), node.at)


def _mappings(base: Mapping, over: Mapping) -> Mapping:
    entries = {key.value: (key, value) for key, value in base.items()}
    for key, value in over.items():
        below = entries.get(key.value)
        if value.tag == "!reset":
            entries.pop(key.value, None)
        elif below is None:
            entries[key.value] = (key, value)
        else:
            # A service stays where it was first defined; a value stands where it was last set.
            merged = merge(below[1], value, key.value)
            entries[key.value] = (key if merged is value else below[0], merged)
    return Mapping(tuple(entries.values()), base.at)
