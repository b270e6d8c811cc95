"""Which final releases a PEP 440 specifier admits."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import zip_longest

from crewmem_doctor.model.release import Version

Matcher = Callable[[Version], bool]
_CLAUSE = re.compile(r"(==|!=|<=|>=|<|>|~=)v?(\d+(?:\.\d+)*)(\.\*)?$")


def matcher(specifier: str) -> Matcher | None:
    """A test of a specifier such as ">=0.80,<1"; None where it cannot be read.

    Numbers alone are compared here: importing `packaging` costs a tenth of a small project's scan, so it only comes in
    for what is rare (pre-releases, `===`, local versions).
    """
    clauses = [clause.strip() for clause in specifier.split(",") if clause.strip()]
    tests = [_clause(clause) for clause in clauses]
    if any(test is None for test in tests):
        return _by_packaging(specifier)
    return lambda version: all(test is not None and test(version) for test in tests)


def _clause(text: str) -> Matcher | None:
    match = _CLAUSE.match(text)
    if match is None:
        return None
    operator, number, star = match.groups()
    bound = tuple(int(n) for n in number.split("."))
    if len(bound) > 3 or (star and operator not in ("==", "!=")) or (operator == "~=" and len(bound) < 2):
        return None
    if star:
        return lambda v: (_parts(v)[:len(bound)] == bound) is (operator == "==")
    if operator == "~=":
        return lambda v: _order(v, bound) >= 0 and _parts(v)[:len(bound) - 1] == bound[:-1]
    return lambda v: _HOLDS[operator](_order(v, bound))


_HOLDS: dict[str, Callable[[int], bool]] = {
    "==": lambda order: order == 0, "!=": lambda order: order != 0, "<": lambda order: order < 0,
    "<=": lambda order: order <= 0, ">": lambda order: order > 0, ">=": lambda order: order >= 0,
}


def _parts(version: Version) -> tuple[int, ...]:
    return (version.major, version.minor, version.micro)


def _order(version: Version, bound: tuple[int, ...]) -> int:
    """-1, 0 or 1; missing numbers are zeros."""
    for mine, other in zip_longest(_parts(version), bound, fillvalue=0):
        if mine != other:
            return -1 if mine < other else 1
    return 0


def _by_packaging(specifier: str) -> Matcher | None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier:
        return None
    return lambda version: wanted.contains(str(version), prereleases=True)
