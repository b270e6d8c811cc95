"""The options: their names in Settings, how each value is read, and whether pyproject.toml may set it."""

from __future__ import annotations

from dataclasses import field

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.settings.readers import Reader, count, flag, seconds, text, threshold, version, whole, words

_KEYS = {"formats": "format", "probes": "probe"}


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line: its name in Settings, how its value is read, and whether pyproject.toml may set
    it. `key` is its word on the command line."""

    name: str
    read: Reader
    project: bool = True
    key: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _KEYS.get(self.name, self.name.replace("_", "-")))


# What a probe does, and to whom, is never decided by a file of the tree that is scanned.
OPTIONS: tuple[Option, ...] = (
    Option("select", words), Option("ignore", words), Option("fail_on", threshold), Option("strict", flag),
    Option("include_tests", flag), Option("crewai_version", version), Option("jobs", count),
    Option("exclude", words), Option("formats", words), Option("output", text, project=False),
    Option("quiet", flag, project=False), Option("verbose", flag, project=False),
    Option("no_color", flag, project=False),
    Option("probes", whole, project=False), Option("timeout", seconds), Option("probe_requests", count),
    Option("probe_request", text), Option("restart_command", text, project=False),
    Option("python", text, project=False), Option("service", text), Option("online", flag, project=False),
    Option("ready", flag, project=False), Option("yes", flag, project=False),
)
