"""Which of a name's bindings a use can see."""

from __future__ import annotations

from collections.abc import Sequence

from crewmem_doctor.facts.python.nodes import Arm, Binding, Function

END = (1 << 30, 0)


def branch_at(function: Function, line: int) -> tuple[Arm, ...]:
    """The innermost arm of if or try that a line of the function lies in."""
    found: tuple[Arm, ...] = ()
    for first, last, branch in function.arms:
        if first <= line <= last and len(branch) > len(found):
            found = branch
    return found


def reaching(bindings: Sequence[Binding], pos: tuple[int, int], branch: tuple[Arm, ...]) -> list[Binding]:
    """The bindings whose value a use at `pos` may have, latest first: the last one that surely runs ends the search,
    and so do alternatives that leave no way out. Where nothing stands before the use (a loop, a later call), all of
    them."""
    before = sorted((b for b in bindings if b.pos <= pos), key=lambda b: b.pos, reverse=True)
    found: list[Binding] = []
    arms: dict[int, set[int]] = {}
    for binding in before:
        if excluded(binding.branch, branch):
            continue
        found.append(binding)
        if covers(binding.branch, branch):
            break
        own = binding.branch[: _shared(binding.branch, branch) + 1]
        if len(own) != len(binding.branch) or not own:
            continue
        arm = own[-1]
        arms.setdefault(arm.owner, set()).add(arm.index)
        if arm.total and len(arms[arm.owner]) >= arm.total:
            break
    return found or ([b for b in bindings if not excluded(b.branch, branch)] if not before else before[:1])


def _shared(one: tuple[Arm, ...], other: tuple[Arm, ...]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def covers(inner: tuple[Arm, ...], use: tuple[Arm, ...]) -> bool:
    """What stands in `inner` has run whenever the use runs."""
    return _shared(inner, use) == len(inner)


def excluded(inner: tuple[Arm, ...], use: tuple[Arm, ...]) -> bool:
    """`inner` is an alternative to where the use stands, or an arm that leaves before it."""
    shared = _shared(inner, use)
    if shared == len(inner):
        return False
    if shared < len(use) and inner[shared].owner == use[shared].owner:
        return True
    return any(arm.leaves for arm in inner[shared:])
