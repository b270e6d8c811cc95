"""Which ways through a script's `if` and `case` a known environment and known arguments leave open."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping

from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.shell import Branch, Command, Word

# With these a script asks whether root runs it.
_USER_ID = ("$(id -u)", "`id -u`", "$EUID", "${EUID}", "$UID", "${UID}")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)(?::?-)?\}?$")
Tests = Mapping[int, Mapping[int, Branch]]


def tests_of(commands: tuple[Command, ...]) -> dict[int, dict[int, Branch]]:
    """Every branch of every construct, by its number."""
    out: dict[int, dict[int, Branch]] = {}
    for command in commands:
        for branch in command.branches:
            out.setdefault(branch.construct, {}).setdefault(branch.number, branch)
    return out


def taken(command: Command, scene: Scene, tests: Tests) -> bool:
    """False where the command certainly does not run."""
    return all(_open(branch, scene, tests) is not False for branch in command.branches)


def certain(command: Command, scene: Scene, tests: Tests) -> bool:
    """Whether the command runs in every run of the script that comes this far."""
    return all(_open(branch, scene, tests) is True for branch in command.branches)


def follows(later: Command, earlier: Command) -> bool:
    """Whether `later` runs after `earlier` in one run of the script: not where they are alternatives."""
    for a, b in zip(earlier.branches, later.branches, strict=False):
        if a.construct != b.construct:
            return True
        if a.number != b.number:
            return False
    return True


def inside(branches: tuple[Branch, ...], command: Command) -> bool:
    """Whether the command stands within all those branches."""
    return len(branches) <= len(command.branches) and all(
        a.construct == b.construct and a.number == b.number for a, b in zip(branches, command.branches, strict=False)
    )


def _open(branch: Branch, scene: Scene, tests: Tests) -> bool | None:
    """Whether that way is taken; None where it cannot be told."""
    if branch.kind not in ("if", "case"):
        return True if branch.kind == "group" else None
    sure = True
    for number, other in sorted(tests.get(branch.construct, {}).items()):
        answer = _matches(other, scene)
        if number >= branch.number:
            return answer if answer is False or sure else None
        if answer is True:
            return False
        sure = sure and answer is False
    return None


def _matches(branch: Branch, scene: Scene) -> bool | None:
    if branch.kind == "case":
        subject = scene.value(branch.test[0]) if branch.test else None
        if not isinstance(subject, Known) or subject.confidence != "high":
            return True if "*" in branch.patterns else None
        return any(fnmatch.fnmatchcase(subject.value, pattern) for pattern in branch.patterns)
    return holds(branch.test, scene) if branch.test else True


def holds(test: tuple[Word, ...], scene: Scene) -> bool | None:
    """Whether `[ … ]` holds; None where that cannot be told."""
    if test and test[0].text in ("[", "[[", "test"):
        test = test[1:-1] if test[-1].text in ("]", "]]") else test[1:]
    if test and test[0].text == "!":
        inner = holds(test[1:], scene)
        return None if inner is None else not inner
    if len(test) == 2 and test[0].text in ("-z", "-n") and _may_be_given(test[1], scene):
        return None
    texts = [_text(word, scene) for word in test]
    if len(test) == 2 and test[0].text in ("-z", "-n") and texts[1] is not None:
        return (texts[1] == "") == (test[0].text == "-z")
    if len(test) != 3 or texts[0] is None or texts[2] is None:
        return None
    left, operator, right = texts[0], test[1].text, texts[2]
    if operator in ("=", "=="):
        return left == right
    if operator == "!=":
        return left != right
    if operator in ("-eq", "-ne", "-gt", "-ge", "-lt", "-le") and left.isdigit() and right.isdigit():
        a, b = int(left[:9]), int(right[:9])
        return {"-eq": a == b, "-ne": a != b, "-gt": a > b, "-ge": a >= b, "-lt": a < b, "-le": a <= b}[operator]
    return None


def _may_be_given(word: Word, scene: Scene) -> bool:
    """A script that asks whether a variable is set expects it from whoever runs the image, a token or a key for one."""
    variable = _VARIABLE.match(word.text)
    return scene.alone and variable is not None and scene.lookup(variable.group(1)) is None


def _text(word: Word, scene: Scene) -> str | None:
    if word.text in _USER_ID:
        return None if not scene.user else "0" if scene.user in ("root", "0") else scene.user
    if word.text == "$#":
        return None if scene.arguments is None else str(len(scene.arguments))
    value = scene.value(word)
    return value.value if isinstance(value, Known) and value.confidence == "high" else None
