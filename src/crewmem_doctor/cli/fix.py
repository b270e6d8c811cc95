"""`crewmem-doctor fix`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crewmem_doctor.cli import output
from crewmem_doctor.cli.progress import waiting
from crewmem_doctor.cli.scan import audited
from crewmem_doctor.errors import UsageError
from crewmem_doctor.model.plan import Plan
from crewmem_doctor.settings import Settings, load_settings

NOTHING_LEFT, REMAIN, COULD_NOT = 0, 1, 2
QUESTION = "Make this edit? [y]es, [n]o, [a]ll of {rule}, [q]uit: "


@dataclass(frozen=True)
class Choice:
    """What the command line says beside the settings."""

    apply: bool = False
    unsafe: bool = False
    interactive: bool = False
    force: bool = False


def fix(paths: Sequence[str], choice: Choice, flags: Mapping[str, Any]) -> int:
    """Shows or writes the edits, and returns the exit status."""
    root, only = audited(paths)
    folder = root if root.is_dir() else root.parent
    settings = load_settings(folder, flags, os.environ)
    settings = replace(settings, exclude=(*only, *settings.exclude))
    if choice.interactive and not (output.terminal(sys.stdin) and output.terminal(sys.stdout)):
        raise UsageError("--interactive asks questions, which needs a terminal; use --apply")

    from crewmem_doctor import repair

    # What is only shown may be unsafe; what is written without a question is not, unless that is asked for.
    unsafe = choice.unsafe or choice.interactive or not choice.apply
    with waiting("Auditing", quiet=settings.quiet):
        plan = repair.remedies(root, settings, unsafe=unsafe)
    whole = plan
    if choice.interactive:
        wanted = _asked(plan, settings)
        with waiting("Auditing", quiet=settings.quiet):
            plan = repair.remedies(root, settings, only=lambda f: f.fingerprint in wanted) if wanted else Plan()
    elif not settings.quiet or not choice.apply:
        output.put(_rendered(plan, settings))
    return _finished(folder, plan, whole, choice, settings)


def _finished(folder: Path, plan: Plan, whole: Plan, choice: Choice, settings: Settings) -> int:
    """Writes what is to be written and says what remains."""
    if choice.apply or choice.interactive:
        _write(folder, plan, choice.force)
        answered = {finding.fingerprint for step in plan.steps for finding in step.findings}
        remain = sum(f.fingerprint not in answered for step in whole.steps for f in step.findings)
    else:
        remain = sum(len(step.findings) for step in plan.steps)
    remain += len(whole.refused) + len(whole.withheld)
    if not settings.quiet:
        output.say(_summary(plan, whole, choice))
    if whole.crashed:
        output.say(f"crewmem-doctor: {whole.crashed[0]}")
        return COULD_NOT
    return REMAIN if remain else NOTHING_LEFT


def _write(folder: Path, plan: Plan, force: bool) -> None:
    if not plan.files:
        return
    from crewmem_doctor.fixes import writing

    dirty = () if force else writing.uncommitted(folder, plan.files)
    if dirty:
        shown = ", ".join(dirty[:3]) + (f" and {len(dirty) - 3} more" if len(dirty) > 3 else "")
        raise UsageError(f"{shown}: not committed as it is now, so nothing is written; commit first, or use --force")
    writing.save(folder, plan.files)


def _summary(plan: Plan, whole: Plan, choice: Choice) -> str:
    from crewmem_doctor.reports.words import count

    made = f"{count(len(plan.steps), 'edit')} in {count(len(plan.files), 'file')}" if plan.steps else "no edits"
    parts = [f"{made} written" if choice.apply or choice.interactive else f"{made} to make"]
    if whole.refused:
        parts.append(f"{len(whole.refused)} that cannot be made here")
    if whole.withheld:
        parts.append(f"{count(len(whole.withheld), 'unsafe one')} left out; --unsafe writes those too")
    unsafe = sum(not step.fix.safe for step in plan.steps)
    if plan.steps and not (choice.apply or choice.interactive):
        parts.append("--apply --unsafe writes them" if unsafe else "--apply writes them")
    return ", ".join(parts)


def _rendered(plan: Plan, settings: Settings) -> str:
    from crewmem_doctor.reports import diff

    return diff.render(plan, color=output.colored(sys.stdout, os.environ, settings.no_color))


def _asked(plan: Plan, settings: Settings) -> set[str]:
    """The findings whose edits a person wants."""
    from crewmem_doctor.reports import diff

    color = output.colored(sys.stdout, os.environ, settings.no_color)
    wanted: set[str] = set()
    rules: set[str] = set()
    for step in plan.steps:
        if step.follows:
            continue        # comes along with the one that needs it
        output.put(diff.show(step, color=color))
        rule = step.findings[0].rule
        answer = "y" if rule in rules else _answer(rule)
        if answer == "q":
            break
        if answer == "a":
            rules.add(rule)
        if answer in ("y", "a"):
            wanted.update(finding.fingerprint for finding in step.findings)
    return wanted


def _answer(rule: str) -> str:
    """One of y, n, a, q. The end of the input quits."""
    while True:
        output.put(QUESTION.format(rule=rule))
        line = sys.stdin.readline()
        word = line.strip().lower()[:1]
        if not line or word in ("y", "n", "a", "q"):
            return word or "q"
