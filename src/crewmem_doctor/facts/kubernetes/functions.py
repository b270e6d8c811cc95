"""The functions of Go templates, Sprig and Helm that decide what a chart's manifests say.

A value is a YAML node or rendered text. What is not known stays so through every function that is not listed here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from collections.abc import Sequence as Many

from crewmem_doctor.facts.kubernetes.rendered import Piece, Rendered, as_yaml, quoted
from crewmem_doctor.facts.kubernetes.values import (
    Value,
    is_known,
    is_nothing,
    kind_of,
    missing,
    place,
    plain,
    printed,
    string,
    truth,
    unknown,
)
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

Arguments = Many[Value]


def call(name: str, arguments: Arguments, at: Location) -> Value:
    """The value of a function; unknown for those that are not listed."""
    lazy = _LAZY.get(name)
    if lazy is not None:
        return lazy(arguments, at) if arguments else unknown(at)
    function = _FUNCTIONS.get(name)
    if function is None or not all(map(is_known, arguments)):
        return unknown(at)
    try:
        return function(arguments, at)
    except (IndexError, ValueError, re.error, OverflowError):
        return unknown(at)


def _text(index: int, change: Callable[..., str]) -> Callable[[Arguments, Location], Value]:
    """A function that changes the text of its last argument, given the ones before."""

    def function(arguments: Arguments, at: Location) -> Value:
        last = arguments[index]
        before = [printed(a) for a in arguments[:-1]]
        if is_nothing(last) and isinstance(last, Scalar) and last.tag == "missing":
            return unknown(at)
        return string(change(printed(last), *before), place(last, at))

    return function


def _default(arguments: Arguments, at: Location) -> Value:
    """Helm's `default x .Values.y`: what is not known may be empty, so then nothing is known."""
    if len(arguments) < 2:
        return arguments[0] if arguments else unknown(at)
    given = truth(arguments[-1])
    return unknown(at) if given is None else arguments[-1] if given else arguments[0]


def _coalesce(arguments: Arguments, at: Location) -> Value:
    for argument in arguments:
        given = truth(argument)
        if given is None:
            return unknown(at)
        if given:
            return argument
    return Scalar("", "null", at)


def _and(arguments: Arguments, at: Location) -> Value:
    uncertain = False
    for argument in arguments:
        given = truth(argument)
        if given is False:
            return argument
        uncertain = uncertain or given is None
    return unknown(at) if uncertain else arguments[-1]


def _or(arguments: Arguments, at: Location) -> Value:
    uncertain = False
    for argument in arguments:
        given = truth(argument)
        if given:
            return argument
        uncertain = uncertain or given is None
    return unknown(at) if uncertain else arguments[-1]


def _ternary(arguments: Arguments, at: Location) -> Value:
    given = truth(arguments[-1])
    return unknown(at) if given is None or len(arguments) < 3 else arguments[0] if given else arguments[1]


def _boolean(test: Callable[[Arguments], bool]) -> Callable[[Arguments, Location], Value]:
    return lambda arguments, at: plain("true" if test(arguments) else "false", at)


def _number(change: Callable[..., float]) -> Callable[[Arguments, Location], Value]:
    def function(arguments: Arguments, at: Location) -> Value:
        numbers = [int(float(printed(a) or "0")) for a in arguments]
        return plain(str(int(change(*numbers))), place(arguments[0], at))

    return function


def _to_yaml(arguments: Arguments, at: Location) -> Value:
    value = arguments[-1]
    return (
        value
        if isinstance(value, Rendered)
        else unknown(at)
        if is_nothing(value) and value.tag == "missing"
        else as_yaml(value, at)
    )


def _pad(arguments: Arguments, at: Location, first: str) -> Value:
    """indent and nindent, which keep the place of every line."""
    given, value = printed(arguments[0]), arguments[-1]
    width = min(int(given), 200) if given.isdigit() else 0
    text = value if isinstance(value, Rendered) else Rendered((Piece(printed(value), place(value, at), action=at),))
    return Rendered((Piece(first, at, action=at), *text.indented(" " * width).pieces))


def _trim(arguments: Arguments, at: Location) -> Value:
    value = arguments[-1]
    return value.stripped() if isinstance(value, Rendered) else string(printed(value).strip(), place(value, at))


def _printf(arguments: Arguments, at: Location) -> Value:
    rest = [printed(a) for a in arguments[1:]]

    def fill(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        text = rest.pop(0)
        return quoted(text) if match[0][-1] == "q" else text

    return string(re.sub(r"%%|%[-+ 0-9.]*[a-zA-Z]", fill, printed(arguments[0])), place(arguments[-1], at))


def _index(arguments: Arguments, at: Location) -> Value:
    value = arguments[0]
    for key in arguments[1:]:
        value = _at(value, printed(key), at)
    return value


def _at(value: Value, key: str, at: Location) -> Value:
    if isinstance(value, Mapping):
        return value.get(key) or missing(at)
    if isinstance(value, Sequence) and key.isdigit() and int(key) < len(value.items):
        return value.items[int(key)]
    return missing(at)


def _dict(arguments: Arguments, at: Location) -> Value:
    pairs = zip(arguments[::2], arguments[1::2], strict=False)
    return Mapping(tuple((string(printed(k), at), _node(v, at)) for k, v in pairs), at)


def _node(value: Value, at: Location) -> Node:
    return string(value.text, at) if isinstance(value, Rendered) else value


def _merge(arguments: Arguments, at: Location) -> Value:
    """The first one wins."""
    entries = {}
    for argument in reversed(arguments):
        if isinstance(argument, Mapping):
            entries.update({k.value: (k, v) for k, v in argument.items()})
    return Mapping(tuple(entries.values()), at)


def _join(arguments: Arguments, at: Location) -> Value:
    value = arguments[-1]
    items = [printed(i) for i in value.items] if isinstance(value, Sequence) else [printed(value)]
    return string(printed(arguments[0]).join(items), place(value, at))


def _size(arguments: Arguments) -> int:
    value = arguments[-1]
    if isinstance(value, Mapping):
        return len(list(value.items()))
    return len(value.items) if isinstance(value, Sequence) else len(printed(value))


def _has(arguments: Arguments) -> bool:
    value = arguments[-1]
    return isinstance(value, Sequence) and printed(arguments[0]) in [printed(i) for i in value.items]


def _same(arguments: Arguments) -> bool:
    first = printed(arguments[0]) if not is_nothing(arguments[0]) else None
    return any(first == (printed(a) if not is_nothing(a) else None) for a in arguments[1:])


def _key(arguments: Arguments) -> bool:
    return isinstance(arguments[0], Mapping) and arguments[0].get(printed(arguments[1])) is not None


def _less(arguments: Arguments) -> bool:
    return float(printed(arguments[0])) < float(printed(arguments[1]))


_LAZY: dict[str, Callable[[Arguments, Location], Value]] = {
    "default": _default,
    "coalesce": _coalesce,
    "and": _and,
    "or": _or,
    "ternary": _ternary,
    "indent": lambda a, at: _pad(a, at, ""),
    "nindent": lambda a, at: _pad(a, at, "\n"),
}
_FUNCTIONS: dict[str, Callable[[Arguments, Location], Value]] = {
    "quote": _text(-1, lambda text: quoted(text)),
    "squote": _text(-1, lambda text: "'" + text.replace("'", "''") + "'"),
    "toString": _text(-1, lambda text: text),
    "print": _text(-1, lambda text, *more: "".join((*more, text))),
    "lower": _text(-1, lambda text: text.lower()),
    "upper": _text(-1, lambda text: text.upper()),
    "title": _text(-1, lambda text: text.title()),
    "nospace": _text(-1, lambda text: re.sub(r"\s", "", text)),
    "trunc": _text(-1, lambda text, n: text[: int(n)] if int(n) >= 0 else text[int(n) :]),
    "trimSuffix": _text(-1, lambda text, end: text.removesuffix(end)),
    "trimPrefix": _text(-1, lambda text, start: text.removeprefix(start)),
    "trimAll": _text(-1, lambda text, chars: text.strip(chars)),
    "replace": _text(-1, lambda text, old, new: text.replace(old, new) if old else text),
    "b64enc": _text(-1, lambda text: base64.b64encode(text.encode()).decode()),
    "cat": _text(-1, lambda text, *more: " ".join((*more, text))),
    "kebabcase": _text(-1, lambda text: text.lower()),
    "trim": _trim,
    "printf": _printf,
    "toYaml": _to_yaml,
    "toJson": _to_yaml,
    "toRawJson": _to_yaml,
    "index": _index,
    "get": _index,
    "dict": _dict,
    "merge": _merge,
    "mustMerge": _merge,
    "mergeOverwrite": lambda a, at: _merge(a[::-1], at),
    "list": lambda a, at: Sequence(tuple(_node(i, at) for i in a), at),
    "tuple": lambda a, at: Sequence(tuple(_node(i, at) for i in a), at),
    "concat": lambda a, at: Sequence(tuple(i for s in a if isinstance(s, Sequence) for i in s.items), at),
    "deepCopy": lambda a, at: a[0],
    "required": lambda a, at: a[-1] if truth(a[-1]) else unknown(at),
    "join": _join,
    "int": lambda a, at: plain(str(int(float(printed(a[0]) or "0"))), place(a[0], at)),
    "add": _number(lambda *n: sum(n)),
    "sub": _number(lambda a, b: a - b),
    "mul": _number(lambda a, b: a * b),
    "div": _number(lambda a, b: a // b if b else 0),
    "max": _number(max),
    "min": _number(min),
    "add1": _number(lambda a: a + 1),
    "len": lambda a, at: plain(str(_size(a)), at),
    "not": _boolean(lambda a: not truth(a[0])),
    "empty": _boolean(lambda a: not truth(a[0])),
    "eq": _boolean(_same),
    "ne": _boolean(lambda a: not _same(a)),
    "lt": _boolean(_less),
    "gt": _boolean(lambda a: _less(a[::-1])),
    "le": _boolean(lambda a: not _less(a[::-1])),
    "ge": _boolean(lambda a: not _less(a)),
    "contains": _boolean(lambda a: printed(a[0]) in printed(a[1])),
    "has": _boolean(_has),
    "hasKey": _boolean(_key),
    "hasPrefix": _boolean(lambda a: printed(a[1]).startswith(printed(a[0]))),
    "hasSuffix": _boolean(lambda a: printed(a[1]).endswith(printed(a[0]))),
    "kindIs": _boolean(lambda a: kind_of(a[1]) == printed(a[0])),
    "typeIs": _boolean(lambda a: kind_of(a[1]) == printed(a[0])),
    "kindOf": lambda a, at: string(kind_of(a[0]), at),
    "typeOf": lambda a, at: string(kind_of(a[0]), at),
}
_FUNCTIONS["int64"] = _FUNCTIONS["float64"] = _FUNCTIONS["int"]
