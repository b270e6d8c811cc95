"""Renders a chart's templates as far as the chart itself decides, keeping where everything comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Table
from dataclasses import field

from crewmem_doctor.facts.kubernetes.functions import call
from crewmem_doctor.facts.kubernetes.nodes import is_default
from crewmem_doctor.facts.kubernetes.rendered import HOLE, Piece, Rendered
from crewmem_doctor.facts.kubernetes.values import (
    Value,
    is_known,
    is_nothing,
    missing,
    plain,
    printed,
    string,
    truth,
    unknown,
)
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.gotemplate import (
    Action,
    Call,
    Expression,
    Field,
    Literal,
    Part,
    Template,
    Text,
    Variable,
    parse,
)
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.templates import FILLER
from crewmem_doctor.sources.yaml import Mapping, Scalar, Sequence

_MAX_STEPS = 40_000  # for one template: actions that are carried out
_MAX_DEPTH = 24


@dataclass(frozen=True, slots=True)
class Source:
    """A template's file."""

    path: str
    passage: Passage
    template: Template


@dataclass(slots=True)
class Scope:
    """The dot, the variables that are set and the file that is being read."""

    source: Source
    root: Mapping
    dot: Value
    variables: dict[str, Value] = field(default_factory=dict)
    depth: int = 0

    def with_dot(self, dot: Value, **variables: Value) -> Scope:
        return Scope(self.source, self.root, dot, {**self.variables, **variables}, self.depth + 1)


def read_source(text: str, path: str) -> Source:
    return Source(path, Passage.of(text, path), parse(text))


class Renderer:
    """The templates of one chart (and those it depends on). `definitions` are by name."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.definitions: dict[str, tuple[Source, Action]] = {}
        self.steps = 0
        for source in sources:
            for action in _definitions(source.template.parts):
                self.definitions[action.names[0]] = (source, action)

    def render(self, source: Source, root: Mapping) -> Rendered:
        self.steps = 0
        return Rendered(tuple(self._parts(source.template.parts, Scope(source, root, root))))

    # --- parts

    def _parts(self, parts: Iterable[Part], scope: Scope) -> Iterator[Piece]:
        for part in parts:
            self.steps += 1
            if self.steps > _MAX_STEPS:
                return
            if isinstance(part, Text):
                yield Piece(part.text, scope.source.passage.at(part.start, part.start + len(part.text)), True)
            else:
                yield from self._action(part, scope)

    def _action(self, action: Action, scope: Scope) -> Iterator[Piece]:
        at = scope.source.passage.at(action.start, action.end)
        if action.keyword == "define" or scope.depth > _MAX_DEPTH:
            return
        value = self.value(action.value, scope, at)
        if action.keyword == "let":
            scope.variables[action.names[-1]] = value
        elif action.keyword == "if":
            yield from self._if(action, value, scope, at)
        elif action.keyword == "with":
            inner = scope.with_dot(value, **dict.fromkeys(action.names, value))
            yield from self._if(action, value, inner, at, scope)
        elif action.keyword == "range":
            yield from self._range(action, value, scope, at)
        elif action.keyword in ("template", "block"):
            yield from self._include(action.names[0], value, scope, at).pieces
        else:
            yield from _pieces(value, at)

    def _if(
        self, action: Action, value: Value, scope: Scope, at: Location, outside: Scope | None = None
    ) -> Iterator[Piece]:
        chosen = truth(value)
        if chosen is None:
            # What may stand here is shown, and a hole says that it may not.
            yield Piece(HOLE, at, action=at)
        if chosen is False:
            yield from self._parts(action.other, outside or scope)
        else:
            yield from self._parts(action.body, scope)

    def _range(self, action: Action, value: Value, scope: Scope, at: Location) -> Iterator[Piece]:
        items: list[tuple[Value, Value]] = []
        if isinstance(value, Sequence):
            items = [(plain(str(number), at), item) for number, item in enumerate(value.items)]
        elif isinstance(value, Mapping):
            items = [(key, item) for key, item in sorted(value.items(), key=lambda pair: pair[0].value)]
        elif not is_known(value):
            yield Piece(HOLE, at, action=at)
            return
        if not items:
            yield from self._parts(action.other, scope)
        for key, item in items:
            given: Table[str, Value] = dict(
                zip(action.names, (key, item) if len(action.names) > 1 else (item,), strict=False)
            )
            yield from self._parts(action.body, scope.with_dot(item, **given))

    def _include(self, name: str, dot: Value, scope: Scope, at: Location) -> Rendered:
        found = self.definitions.get(name)
        if found is None or scope.depth > _MAX_DEPTH:
            return Rendered((Piece(FILLER, at, action=at),))
        source, action = found
        inner = Scope(source, scope.root, dot, {"": dot}, scope.depth + 1)
        return Rendered(tuple(self._parts(action.body, inner)))

    # --- expressions

    def value(self, expression: Expression | None, scope: Scope, at: Location) -> Value:
        if isinstance(expression, Literal):
            if expression.text == "nil" and not expression.quoted:
                return Scalar("", "null", at)
            return string(expression.text, at) if expression.quoted else plain(expression.text, at)
        if isinstance(expression, Variable):
            if not expression.name:
                return scope.variables.get("", scope.root)
            return scope.variables.get(expression.name, unknown(at))
        if isinstance(expression, Field):
            base = scope.dot if expression.base is None else self.value(expression.base, scope, at)
            return _walk(base, expression.names, at)
        if isinstance(expression, Call):
            return self._call(expression, scope, at)
        return unknown(at)

    def _call(self, expression: Call, scope: Scope, at: Location) -> Value:
        self.steps += 1
        if scope.depth > _MAX_DEPTH or self.steps > _MAX_STEPS:
            return unknown(at)
        arguments = [self.value(argument, scope, at) for argument in expression.arguments]
        if expression.name == "include" and arguments and is_known(arguments[0]):
            dot = arguments[1] if len(arguments) > 1 else Scalar("", "null", at)
            return self._include(printed(arguments[0]), dot, scope, at)
        if expression.name == "tpl" and arguments:
            return self._again(arguments[0], scope, at)
        return call(expression.name, arguments, at)

    def _again(self, value: Value, scope: Scope, at: Location) -> Value:
        """`tpl`: a value that is a template itself."""
        if not is_known(value) or is_nothing(value):
            return value if is_nothing(value) else unknown(at)
        text = printed(value)
        if "{{" not in text:
            return value
        source = Source(scope.source.path, Passage(text, at), parse(text))
        return Rendered(
            tuple(self._parts(source.template.parts, Scope(source, scope.root, scope.root, {}, scope.depth + 1)))
        )


def _definitions(parts: Iterable[Part]) -> Iterator[Action]:
    for part in parts:
        if isinstance(part, Action):
            if part.keyword in ("define", "block") and part.names:
                yield part
            yield from _definitions((*part.body, *part.other))


def _walk(value: Value, names: Iterable[str], at: Location) -> Value:
    for name in names:
        if isinstance(value, Mapping):
            value = value.get(name) or missing(at)
        elif not isinstance(value, Rendered) and not is_known(value):
            return unknown(at)
        else:
            return missing(at)
    return value


def _pieces(value: Value, at: Location) -> Iterable[Piece]:
    """What an action writes. Only what the chart's values say keeps its own place: there a person would change it."""
    if isinstance(value, Rendered):
        return [_written(piece, at) for piece in value.pieces]
    text = printed(value)
    where = value.at if is_default(value.at) and FILLER not in text else at
    return [Piece(text, where, False, at)] if text else []


def _written(piece: Piece, at: Location) -> Piece:
    if is_default(piece.at) and not piece.linear:
        return Piece(piece.text, piece.at, False, at)
    return piece if piece.at.path == at.path else Piece(piece.text, at, False, at)
