"""The secret that the application is told: easy to repeat, hard to guess, recognised however it is written."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable

_FIRST = ("amber", "bronze", "cedar", "copper", "coral", "crimson", "golden", "indigo", "ivory", "maple", "marble",
          "olive", "scarlet", "silver", "velvet", "walnut")
_SECOND = ("anchor", "badger", "candle", "falcon", "garden", "harbor", "island", "lantern", "meadow", "otter", "pebble",
           "rabbit", "saddle", "thunder", "violin", "window")


def make() -> str:
    """Two words and a number, e.g. "amber-falcon-48271": one of twenty-three million."""
    return f"{secrets.choice(_FIRST)}-{secrets.choice(_SECOND)}-{secrets.randbelow(90_000) + 10_000}"


def contains(texts: Iterable[str], codeword: str) -> bool:
    """Whether one of the texts holds the codeword, whatever its case, its hyphens, spaces or markup."""
    wanted = _bare(codeword)
    return any(wanted in _bare(text) for text in texts)


def _bare(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())
