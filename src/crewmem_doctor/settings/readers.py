"""How the value of one option is read: from a flag, a variable or TOML. Each raises the error it is given."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any

from crewmem_doctor.errors import CrewmemError
from crewmem_doctor.model.release import Version

FAIL_ON = ("error", "warning", "note", "never")
Reader = Callable[[Any, str, type[CrewmemError]], Any]


def flag(value: Any, name: str, error: type[CrewmemError]) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if isinstance(value, str) and word in ("1", "true", "yes", "on"):
        return True
    if isinstance(value, str) and word in ("0", "false", "no", "off"):
        return False
    raise error(f"{name} is {value!r}, but takes true or false")


def words(value: Any, name: str, error: type[CrewmemError]) -> tuple[str, ...]:
    """A list of words; text is split at commas, also inside each item."""
    items: Sequence[Any] = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise error(f"{name} takes a list of strings")
    return tuple(word.strip() for item in items for word in item.split(",") if word.strip())


def text(value: Any, name: str, error: type[CrewmemError]) -> str:
    if not isinstance(value, str):
        raise error(f"{name} takes a string")
    return value


def threshold(value: Any, name: str, error: type[CrewmemError]) -> str:
    word = str(value).strip().lower()
    if word not in FAIL_ON:
        raise error(f"{name} is {value!r}, but takes one of {', '.join(FAIL_ON)}{did_you_mean(word, FAIL_ON)}")
    return word


def version(value: Any, name: str, error: type[CrewmemError]) -> Version:
    shaped = isinstance(value, str) and re.fullmatch(r"\s*v?\d+(\.\d+){1,2}\s*", value)
    version = Version.parse(value) if shaped else None
    if version is None:
        raise error(f"{name} is {value!r}, but takes a release such as 1.15.30")
    return version


def count(value: Any, name: str, error: type[CrewmemError]) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not text.isdecimal():
        raise error(f"{name} is {value!r}, but takes a number that is not negative")
    return int(text)


def whole(value: Any, name: str, error: type[CrewmemError]) -> tuple[str, ...]:
    """A list of words that may hold commas and spaces; text is one to a line."""
    items: Sequence[Any] = value.splitlines() if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise error(f"{name} takes a list of strings")
    return tuple(item.strip() for item in items if item.strip())


def seconds(value: Any, name: str, error: type[CrewmemError]) -> float:
    """A number of seconds above 0."""
    try:
        number = float(str(value).strip().removesuffix("s"))
    except ValueError:
        number = 0.0
    if isinstance(value, bool) or not 0 < number < 86_400:
        raise error(f"{name} is {value!r}, but takes a number of seconds above 0 (and below a day)")
    return number


def did_you_mean(word: str, words: Sequence[str]) -> str:
    """A hint to append to an error message, empty where nothing is near."""
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
