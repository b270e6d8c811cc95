"""Arguments of a call: taken out, replaced, added. Commas, comments and line breaks of the others stay."""

from __future__ import annotations

from typing import Union

import libcst as cst

from crewmem_doctor.fixes.dialects.python.syntax import Code, expression, with_imports
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import AddArgument, RemoveArgument, ReplaceArgument


def apply(change: Union[RemoveArgument, ReplaceArgument, AddArgument], code: Code) -> str:
    if isinstance(change, RemoveArgument):
        call, argument = _argument(change, code)
        return code.replaced((call, without(call, argument))).code
    if isinstance(change, ReplaceArgument):
        return with_imports(_replaced(change, code), change.imports).code
    call = _call(change, code)
    if any(a.keyword is not None and a.keyword.value == change.name for a in call.args):
        raise Refused(f"the call at line {change.at.line} of {code.path} is given {change.name} already")
    return with_imports(code.replaced((call, added(call, change.name, change.value))), change.imports).code


def _argument(change: Union[RemoveArgument, ReplaceArgument], code: Code) -> tuple[cst.Call, cst.Arg]:
    argument = code.argument(change.at)
    call = code.parents[argument]
    if not isinstance(call, cst.Call):
        raise Refused(f"line {change.at.line} of {code.path} is not written as expected")
    return call, argument


def _call(change: AddArgument, code: Code) -> cst.Call:
    found = code.call(change.at)
    if any(a.star == "**" for a in found.args):
        raise Refused(f"the call at line {change.at.line} of {code.path} takes arguments from a dict")
    return found


def _replaced(change: ReplaceArgument, code: Code) -> cst.Module:
    call, argument = _argument(change, code)
    value = expression(change.value)
    other = next((a for a in call.args if a.keyword is not None and a.keyword.value == change.name), None)
    if other is not None and other is not argument:
        args = [a.with_changes(value=value) if a is other else a for a in call.args]
        return code.replaced((call, without(call.with_changes(args=args), argument)))
    keyword = argument.keyword.with_changes(value=change.name) if argument.keyword else cst.Name(change.name)
    equal = argument.equal if argument.keyword else cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return code.replaced((argument, argument.with_changes(keyword=keyword, value=value, equal=equal)))


def without(call: cst.Call, argument: cst.Arg) -> cst.Call:
    """The call without one of its arguments."""
    index = next((i for i, a in enumerate(call.args) if a is argument), None)
    if index is None:
        raise Refused("the argument is not part of the call any more")
    rest = [*call.args[:index], *call.args[index + 1:]]
    if not rest:
        return call.with_changes(args=[], whitespace_before_args=cst.SimpleWhitespace(""))
    if index == len(rest):
        rest[-1] = _last(rest[-1], argument)
    return call.with_changes(args=rest)


def _last(now: cst.Arg, gone: cst.Arg) -> cst.Arg:
    """The argument that is last now, followed by what followed the one that was, but with its own comment."""
    if isinstance(now.comma, cst.Comma):
        own, comma = now.comma.whitespace_after, isinstance(gone.comma, cst.Comma)
        after = gone.comma.whitespace_after if isinstance(gone.comma, cst.Comma) else gone.whitespace_after_arg
        if isinstance(own, cst.ParenthesizedWhitespace) and isinstance(after, cst.ParenthesizedWhitespace) and (
                comma or own.first_line.comment is not None):
            own = own.with_changes(indent=after.indent, last_line=after.last_line)
            return now.with_changes(comma=now.comma.with_changes(whitespace_after=own))
    return now.with_changes(comma=gone.comma, whitespace_after_arg=gone.whitespace_after_arg)


def added(call: cst.Call, name: str, value: str) -> cst.Call:
    """The call with one more argument behind the others, on a line of its own where they are."""
    new = cst.Arg(expression(value), keyword=cst.Name(name),
                  equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")))
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
    return call.with_changes(args=[*call.args[:-1], last.with_changes(comma=comma),
                                   new.with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg)])
