"""Variables, parameters and what later statements add to a dict."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.flow import END, branch_at, covers, excluded, reaching
from crewmem_doctor.facts.python.nodes import Arm, Assignment, Binding, Class, Function, Module, Scope
from crewmem_doctor.facts.python.passing import argument, is_static
from crewmem_doctor.facts.python.refs import Ref
from crewmem_doctor.facts.python.values_paths import file_of
from crewmem_doctor.facts.python.values_request import handler_parameter, is_handler, is_sent, is_task
from crewmem_doctor.model.expression import Choice, Expr, FromCaller, Items, Opaque, Table, Text
from crewmem_doctor.model.location import Location

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.values import Evaluator

Pos = tuple[int, int]


def name(ev: Evaluator, node: ast.Name, scope: Scope) -> Expr:
    at = ev.at(node, scope)
    if node.id == "__file__":
        return file_of(scope.module.path, at)
    bindings = ev.base.names.find(node.id, scope, (node.lineno, node.col_offset))
    if not bindings:
        return of_ref(ev, ev.base.names.resolve(node, scope), at)
    own = bindings[0].scope.function if bindings[0].scope.function is not None else None
    here = scope.function is own or (bindings[0].kind == "parameter" and scope.function is own)
    pos: Pos = (node.lineno, node.col_offset) if here else END
    branch = branch_at(scope.body, node.lineno) if here else ()
    return of_bindings(ev, bindings, pos, branch, at)


def of_bindings(ev: Evaluator, bindings: Sequence[Binding], pos: Pos, branch: tuple[Arm, ...], at: Location) -> Expr:
    """The value that a use at `pos` sees."""
    from crewmem_doctor.facts.python.values import choice

    home = bindings[0].scope.function
    direct = [b for b in bindings if b.scope.function is home]
    elsewhere = [b for b in bindings if b.scope.function is not home and b.kind in ("assign", "enter")]
    seen = reaching(direct, pos, branch)
    values = [mutated(ev, of_binding(ev, b, at), b, pos, branch) for b in reversed(seen)]
    values += [of_binding(ev, b, at) for b in elsewhere[:4]]
    real = [v for v in values if not (isinstance(v, Text) and v.value is None)] if len(values) > 1 else values
    return choice(real or values[:1] or [Opaque("a variable without a value", at)], at)


def of_binding(ev: Evaluator, binding: Binding, at: Location) -> Expr:
    if binding.imported is not None:
        return of_ref(ev, ev.base.names.imported(binding.imported, binding.scope.module), at)
    if binding.defined is not None:
        return Opaque(f"{'the class' if isinstance(binding.defined, Class) else 'the function'} {binding.name}", at)
    if binding.kind == "parameter":
        function = binding.scope.function
        return parameter(ev, function, binding.name, at) if function is not None else Opaque("a parameter", at)
    if binding.kind == "iterate":
        return _each(ev, binding, at)
    if binding.value is None:
        return Opaque(f"{binding.name} is given no value that can be read", at)
    if binding.kind == "augment":
        return _augmented(ev, binding, at)
    value = ev.evaluate(binding.value, binding.scope)
    if binding.index is not None:
        if isinstance(value, Items) and binding.index < len(value.items):
            return value.items[binding.index]
        return value if isinstance(value, FromCaller) else Opaque("a part of a tuple", at)
    return value


def _each(ev: Evaluator, binding: Binding, at: Location) -> Expr:
    from crewmem_doctor.facts.python.values import choice

    source = getattr(binding.node, "iter", None)
    value = ev.evaluate(source, binding.scope) if isinstance(source, ast.expr) else None
    if isinstance(value, Items) and 0 < len(value.items) <= 8:
        return choice(list(value.items), at)
    return value if isinstance(value, FromCaller) else Opaque("a loop variable", at)


def _augmented(ev: Evaluator, binding: Binding, at: Location) -> Expr:
    from crewmem_doctor.facts.python.values import concat

    home = binding.scope.function or binding.scope.module.body
    others = [b for b in home.bindings.get(binding.name, ()) if b.pos < binding.pos]
    added = ev.evaluate(binding.value, binding.scope)
    if not others:
        return added
    before = of_bindings(ev, others, binding.pos, binding.branch, at)
    if isinstance(before, Items):
        return Items((*before.items, *(added.items if isinstance(added, Items) else (added,))), at)
    if isinstance(before, Table) and isinstance(added, Table):
        return Table((*before.items, *added.items), before.open or added.open, at)
    return concat([before, added], at)


def of_ref(ev: Evaluator, ref: Ref, at: Location) -> Expr:
    """The value of a module-level variable, wherever it is defined."""
    if isinstance(ref, Assignment) and ref.bindings:
        return of_bindings(ev, ref.bindings, END, (), at)
    if isinstance(ref, (Class, Function, Module)):
        return Opaque(f"{getattr(ref, 'name', 'a definition')} itself", at)
    found = ev.base.names.canonical(ref)
    return Opaque(f"{found} of an installed package" if found else "a name that is not defined here", at)


def parameter(ev: Evaluator, function: Function, wanted: str, at: Location) -> Expr:
    """What the followed call passes, else what any caller passes, else the default."""
    from crewmem_doctor.facts.python.values import choice

    node = function.node
    if isinstance(node, ast.Module):
        return Opaque("a parameter", at)
    if node.args.kwarg is not None and node.args.kwarg.arg == wanted:
        return _rest(ev, function, at)
    if wanted not in function.parameters:
        return Opaque(f"*{wanted}", at)
    for index in range(len(ev.frames) - 1, -1, -1):
        if ev.frames[index][0] is function:
            _, call, scope = ev.frames[index]
            bound = function.owner is not None and not is_static(function)
            return _given(ev, index, argument(call, function, wanted, bound), call, scope, function, wanted, at)
    if is_handler(ev, function):
        return handler_parameter(ev, function, wanted, at)
    options: list[Expr] = []
    for given, scope in ev.base.graph.arguments(function, wanted):
        options.append(ev.evaluate(given, scope) if given is not None else default(ev, function, wanted, at))
    if options:
        return choice(options, at)
    if is_task(ev, function):
        return FromCaller(f"{wanted} of the task", at)
    return default(ev, function, wanted, at)


def _given(
    ev: Evaluator,
    index: int,
    given: ast.expr | None,
    call: ast.Call,
    scope: Scope,
    function: Function,
    wanted: str,
    at: Location,
) -> Expr:
    """An argument of a followed call, read in the caller's own frame."""
    frames, ev.frames = ev.frames, ev.frames[:index]
    try:
        if given is not None:
            return ev.evaluate(given, scope)
        for keyword in call.keywords:
            if keyword.arg is None:
                spread = ev.evaluate(keyword.value, scope)
                found = spread.get(wanted) if isinstance(spread, Table) else None
                if found is not None:
                    return found
                if not isinstance(spread, Table) or spread.open:
                    return Opaque("keyword arguments that were not followed", at)
        return default(ev, function, wanted, at)
    finally:
        ev.frames = frames


def default(ev: Evaluator, function: Function, wanted: str, at: Location) -> Expr:
    given = function.defaults.get(wanted)
    if given is None:
        return Opaque(f"the parameter {wanted} of {function.name}()", at)
    if is_sent(given):
        return handler_parameter(ev, function, wanted, at)
    return ev.evaluate(given, ev.base.around(function))


def _rest(ev: Evaluator, function: Function, at: Location) -> Expr:
    """`**kwargs`: the keywords of the followed call, or of the only caller, that no parameter takes."""
    call, scope = next(((c, s) for f, c, s in reversed(ev.frames) if f is function), (None, None))
    if call is None or scope is None:
        sites = ev.base.callers(function)
        if len(sites) != 1:
            return Table((), not sites or any(_extra(s.node, function) for s in sites), at)
        call, scope = sites[0].node, sites[0].scope
    items: list[tuple[str, Expr]] = []
    is_open = False
    for keyword in _extra(call, function):
        value = ev.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            items.append((keyword.arg, value))
        elif isinstance(value, Table):
            items.extend((k, v) for k, v in value.items if k not in function.parameters)
            is_open = is_open or value.open
        else:
            is_open = True
    return Table(tuple(items), is_open, at)


def _extra(call: ast.Call, function: Function) -> list[ast.keyword]:
    return [k for k in call.keywords if k.arg is None or k.arg not in function.parameters]


def mutated(ev: Evaluator, value: Expr, binding: Binding, pos: Pos, branch: tuple[Arm, ...]) -> Expr:
    """A dict with what `d[key] = v`, `d.update(…)` and `d.setdefault(…)` add between its display and its use."""
    if not isinstance(value, Table) or binding.kind not in ("assign", "parameter"):
        return value
    function = binding.scope.body
    items, is_open = list(value.items), value.open
    changes: list[tuple[Pos, tuple[Arm, ...], str | None, Expr]] = []
    for store in function.stores:
        target = store.target
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == binding.name:
            key = ev.evaluate(target.slice, store.scope)
            text = key.value if isinstance(key, Text) and isinstance(key.value, str) else None
            given = ev.evaluate(store.value, store.scope)
            changes.append(((store.statement.lineno, store.statement.col_offset), store.branch, text, given))
    for site in function.sites:
        func = site.node.func
        if (
            isinstance(func, ast.Attribute)
            and isinstance(func.value, ast.Name)
            and func.value.id == binding.name
            and func.attr in ("update", "setdefault")
        ):
            where = (site.node.lineno, site.node.col_offset)
            changes.extend((where, branch_at(function, where[0]), k, v) for k, v in _added(ev, site.node, site.scope))
    for where, arm, text, given in sorted(changes, key=lambda c: c[0]):
        if not binding.pos <= where < pos or excluded(arm, branch):
            continue
        if text is None:
            is_open = True
            continue
        before = next((v for k, v in reversed(items) if k == text), None)
        if not covers(arm, branch) and not covers(arm, binding.branch):
            given = _conditional(ev, binding.scope, before, given, arm, text)
        items.append((text, given))
    return Table(tuple(items), is_open, value.at)


def _conditional(
    ev: Evaluator, scope: Scope, before: Expr | None, given: Expr, arm: tuple[Arm, ...], what: str
) -> Expr:
    """What an `if` sets: `if FLAG: x = True` is FLAG, a test that is constant decides, all else is a choice."""
    test = ev.evaluate(arm[-1].test, scope) if len(arm) == 1 and arm[-1].test is not None else None
    if isinstance(test, Text):
        return given if test.value else before or Opaque(f"{what} is not set", given.at)
    off = before is None or (isinstance(before, Text) and not before.value)
    if (
        test is not None
        and off
        and isinstance(given, Text)
        and given.value is True
        and not isinstance(test, (Opaque, FromCaller))
    ):
        return test
    return Choice((before or Opaque(f"{what} is only set on a condition", given.at), given), False, given.at)


def _added(ev: Evaluator, call: ast.Call, scope: Scope) -> list[tuple[str | None, Expr]]:
    """The keys that `update` or `setdefault` sets; None for those that cannot be read."""
    found: list[tuple[str | None, Expr]] = []
    if isinstance(call.func, ast.Attribute) and call.func.attr == "setdefault":
        key = ev.evaluate(call.args[0], scope) if call.args else None
        text = key.value if isinstance(key, Text) and isinstance(key.value, str) else None
        return [(text, ev.evaluate(call.args[1], scope))] if len(call.args) > 1 else []
    for arg in (*call.args[:1], *(k.value for k in call.keywords if k.arg is None)):
        table = ev.evaluate(arg, scope)
        if isinstance(table, Table):
            found.extend(table.items)
        if not isinstance(table, Table) or table.open:
            found.append((None, table))
    found.extend((k.arg, ev.evaluate(k.value, scope)) for k in call.keywords if k.arg is not None)
    return found
