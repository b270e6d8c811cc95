"""What the probe writes: a record that shows what a store changes on the way, and where it stands."""

from __future__ import annotations

import re
from typing import Any

from crewmem_doctor.model.record import dataclass

_OWN = re.compile(r"crewmem_probe_[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the probe's own: `memory` in a schema of its own name, or, where the role may create no schema, a
    table of that name in the schema `home`."""

    namespace: str
    home: str = ""

    def __post_init__(self) -> None:
        if not _OWN.fullmatch(self.namespace):
            raise ValueError(f"{self.namespace} is not a probe's own")

    @property
    def schema(self) -> str:
        return self.home or self.namespace

    @property
    def name(self) -> str:
        return self.namespace if self.home else "memory"

    @property
    def quoted(self) -> str:
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    @property
    def drop(self) -> str:
        """The statement with which a person would remove it."""
        return f"DROP TABLE IF EXISTS {self.quoted}" if self.home else f"DROP SCHEMA IF EXISTS {self.namespace} CASCADE"

    @property
    def lock(self) -> int:
        """The advisory lock that whoever writes or removes it holds."""
        return int(self.namespace[-12:], 16)


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def record(namespace: str, unicode: bool) -> dict[str, Any]:
    """The columns. `unicode` says whether the database can hold every character."""
    words = f"the codeword of {namespace} is 'tr\\ue' \"\t\n;--"
    if unicode:
        words += " naïve 東京 🧠 e\u0301 \u2028"
    return {
        "bytes": bytes(range(256)) * 4 + namespace.encode(),
        "words": words,
        "facts": {"codeword": words, "n": 2**53 + 1, "x": -0.1, "nothing": None, "list": [1, [True, {"": ""}]]},
    }


VECTOR = "[1,-0.5,0.25]"
