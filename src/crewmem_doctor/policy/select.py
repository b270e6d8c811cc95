"""Which rules run."""

from __future__ import annotations

import re

from crewmem_doctor.errors import ConfigurationError, UsageError
from crewmem_doctor.rules import catalogue, find
from crewmem_doctor.rules.base import GROUPS, Rule
from crewmem_doctor.settings import Settings, did_you_mean


def chosen(settings: Settings) -> tuple[Rule, ...]:
    """The rules that `select` names (all, where it names none) without those that `ignore` names."""
    wanted = set().union(*(named(word, "select") for word in settings.select)) if settings.select else ids()
    unwanted: set[str] = set().union(*(named(word, "ignore") for word in settings.ignore))
    return tuple(rule for rule in catalogue() if rule.id in wanted - unwanted)


def check(settings: Settings) -> None:
    """Raises UsageError or ConfigurationError where a word names no rule; cheap enough to run before the scan."""
    chosen(settings)
    for ignore in settings.ignores:
        if find(ignore.rule) is None:
            raise ConfigurationError(f"{ignore.at}: {unknown(ignore.rule)}")


def ids() -> set[str]:
    return {rule.id for rule in catalogue()}


def named(word: str, option: str) -> set[str]:
    """The rule ids that an id, a name or a hundred-group ("CM3") stands for."""
    group = re.fullmatch(r"(?i)CM(\d)(?:xx)?", word)
    if group and group[1] in GROUPS:
        return {rule.id for rule in catalogue() if rule.id[2] == group[1]}
    rule = find(word)
    if rule is None:
        raise UsageError(f"{option}: {unknown(word)}")
    return {rule.id}


def unknown(word: str) -> str:
    words = tuple(name for rule in catalogue() for name in (rule.id, rule.name))
    near = did_you_mean(word.upper() if word.upper().startswith("CM") else word.lower(), words)
    return f"there is no rule {word!r}{near or '; `crewmem-doctor rules` lists them'}"
