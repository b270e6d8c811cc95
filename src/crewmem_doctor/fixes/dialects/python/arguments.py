"""Arguments of a call: taken out, replaced, added. Commas, comments and line breaks of the others stay.

The call's own text is all that libcst sees.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union

from crewmem_doctor.fixes.dialects import python
from crewmem_doctor.fixes.dialects.python.imports import needed
from crewmem_doctor.fixes.dialects.python.syntax import Code, Splice
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import AddArgument, RemoveArgument, RenameArgument, ReplaceArgument

if TYPE_CHECKING:
    import libcst as cst


def apply(change: Union[RemoveArgument, ReplaceArgument, RenameArgument, AddArgument], code: Code) -> Sequence[Splice]:
    if isinstance(change, RemoveArgument):
        call, argument = code.argument(change.at)
        return [removed(code, call, argument)]
    if isinstance(change, ReplaceArgument):
        call, argument = code.argument(change.at)
        value, lines = needed(code, change.imports, change.value, code.top(call))
        other = next((k for k in call.keywords if k.arg == change.name and k is not argument), None)
        if other is not None:
            if any(k.arg is None for k in call.keywords):
                raise Refused(f"the call at line {change.at.line} of {code.path} takes arguments from a dict")
            return [rewrite(code, call, "replace-other", place(call, argument), place(call, other), value), *lines]
        if isinstance(argument, ast.keyword) and argument.arg == change.name:
            return [code.replaced(argument.value, value), *lines]
        return [code.replaced(argument, f"{change.name}={value}"), *lines]
    if isinstance(change, RenameArgument):
        call, argument = code.argument(change.at)
        if any(k.arg in (None, change.name) for k in call.keywords):
            raise Refused(f"the call at line {change.at.line} of {code.path} may be given {change.name} already")
        value = code.source(argument.value if isinstance(argument, ast.keyword) else argument)
        line = code.lines[argument.lineno - 1]
        indent = line[: argument.col_offset]
        gap = f"\n{indent}" if not indent.strip() else " "
        return [code.replaced(argument, f"{change.instead},{gap}{change.name}={value}")]
    call = code.call(change.at)
    value, lines = needed(code, change.imports, change.value, code.top(call))
    return [with_argument(code, call, change.name, value), *lines]


def with_argument(code: Code, call: ast.Call, name: str, value: str) -> Splice:
    """Raises Refused where the call has it already, or may have."""
    if any(k.arg == name for k in call.keywords):
        raise Refused(f"the call at line {call.lineno} of {code.path} is given {name} already")
    if any(k.arg is None for k in call.keywords):
        raise Refused(f"the call at line {call.lineno} of {code.path} takes arguments from a dict")
    if "\n" in value:
        line = code.lines[call.lineno - 1]
        value = value.replace("\n", "\n" + line[: len(line) - len(line.lstrip())] + code.step)
    return rewrite(code, call, "add", name, value)


def removed(code: Code, call: ast.Call, *arguments: ast.expr | ast.keyword) -> Splice:
    return rewrite(code, call, "remove", tuple(place(call, a) for a in arguments))


def place(call: ast.Call, argument: ast.expr | ast.keyword) -> int:
    """Which of its arguments, in the order of the text."""
    given: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    return sorted(given, key=lambda a: (a.lineno, a.col_offset)).index(argument)


def rewrite(code: Code, call: ast.Call, action: str, *given: Any) -> Splice:
    text = code.source(call)
    task = action, text, code.path, *given
    return code.replaced(call, rewritten(*task) if len(text) <= python.LIMIT else python.in_child(task, code.path))


def rewritten(action: str, text: str, path: str, *given: Any) -> str:
    """The text of a call with one thing done to its arguments. Raises Refused."""
    import libcst as cst  # slow to import

    try:
        call = cst.parse_expression(text)
    except (cst.ParserSyntaxError, RecursionError) as error:
        raise Refused(f"{path} cannot be rewritten: {str(error).partition(chr(10))[0]}") from None
    module = cst.Module([])
    if not isinstance(call, cst.Call) or module.code_for_node(call) != text:
        raise Refused(f"{path} would not keep its formatting")
    if action == "add":
        done = added(call, *given)
    elif action == "remove":
        done = call
        for argument in [call.args[index] for index in given[0]]:
            done = without(done, argument)
    else:
        gone, other, value = given
        args = [a.with_changes(value=cst.parse_expression(value)) if i == other else a for i, a in enumerate(call.args)]
        done = without(call.with_changes(args=args), args[gone])
    return module.code_for_node(done)


def without(call: cst.Call, argument: cst.Arg) -> cst.Call:
    """The call without one of its arguments."""
    import libcst as cst  # slow to import

    index = next((i for i, a in enumerate(call.args) if a is argument), None)
    if index is None:
        raise Refused("the argument is not part of the call any more")
    rest = [*call.args[:index], *call.args[index + 1 :]]
    if not rest:
        return call.with_changes(args=[], whitespace_before_args=cst.SimpleWhitespace(""))
    if index == len(rest):
        rest[-1] = _last(rest[-1], argument)
    return call.with_changes(args=rest)


def _last(now: cst.Arg, gone: cst.Arg) -> cst.Arg:
    """The argument that is last now, followed by what followed the one that was, but with its own comment."""
    import libcst as cst  # slow to import

    if isinstance(now.comma, cst.Comma):
        own, comma = now.comma.whitespace_after, isinstance(gone.comma, cst.Comma)
        after = gone.comma.whitespace_after if isinstance(gone.comma, cst.Comma) else gone.whitespace_after_arg
        if (
            isinstance(own, cst.ParenthesizedWhitespace)
            and isinstance(after, cst.ParenthesizedWhitespace)
            and (comma or own.first_line.comment is not None)
        ):
            own = own.with_changes(indent=after.indent, last_line=after.last_line)
            return now.with_changes(comma=now.comma.with_changes(whitespace_after=own))
    return now.with_changes(comma=gone.comma, whitespace_after_arg=gone.whitespace_after_arg)


def added(call: cst.Call, name: str, value: str) -> cst.Call:
    """The call with one more argument behind the others, on a line of its own where they are."""
    import libcst as cst  # slow to import

    new = cst.Arg(
        cst.parse_expression(value),
        keyword=cst.Name(name),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )
    if not call.args:
        return call.with_changes(args=[new])
    last = call.args[-1]
    between: cst.BaseParenthesizableWhitespace = cst.SimpleWhitespace(" ")
    if len(call.args) > 1 and isinstance(call.args[-2].comma, cst.Comma):
        between = call.args[-2].comma.whitespace_after
        if isinstance(between, cst.ParenthesizedWhitespace):
            between = between.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=[])
    elif isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace):
        between = call.whitespace_before_args
    comma = cst.Comma(whitespace_after=between)
    return call.with_changes(
        args=[
            *call.args[:-1],
            last.with_changes(comma=comma),
            new.with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg),
        ]
    )
