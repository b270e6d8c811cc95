"""What the user asked for: one frozen value, put together from flags, the environment and `pyproject.toml`.

Precedence: flag, `CREWMEM_DOCTOR_<OPTION>`, `[tool.crewmem-doctor]`, default. Which rules exist is not known here; the
words of `select`, `ignore` and `ignores` are checked by `policy.check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from crewmem_doctor.errors import UsageError
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Version
from crewmem_doctor.settings.options import OPTIONS
from crewmem_doctor.settings.project import Ignore, from_pyproject
from crewmem_doctor.settings.readers import FAIL_ON, did_you_mean

__all__ = ["FAIL_ON", "PREFIX", "Ignore", "Settings", "did_you_mean", "load_settings"]
PREFIX = "CREWMEM_DOCTOR_"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides what is looked at and what counts.

    `exclude` holds patterns as in a .gitignore of the root. `jobs` 0 means as many as help. The fields from `formats`
    on concern only the command line. Those from `probes` on say what is probed and how: `timeout` is in seconds, for
    each check; `probe_request` names a file; `probe_http` is `[tool.crewmem-doctor.probe.http]`.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str = "warning"
    strict: bool = False
    include_tests: bool = False
    crewai_version: Version | None = None
    jobs: int = 0
    exclude: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    formats: tuple[str, ...] = ()
    output: str = ""
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    probes: tuple[str, ...] = ()
    timeout: float = 30.0
    probe_requests: int = 12
    probe_request: str = ""
    probe_http: Mapping[str, Any] = field(default_factory=dict)
    restart_command: str = ""
    python: str = ""
    service: str = ""
    online: bool = False
    ready: bool = False
    yes: bool = False


def load_settings(root: Path, flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The settings for a scan of `root`. A flag that was not given is None or absent in `flags`.

    Raises ConfigurationError for a `pyproject.toml` that cannot be used, UsageError for a flag or variable.
    """
    values = from_pyproject(root)
    for option in OPTIONS:
        text = environ.get(PREFIX + option.name.upper(), "")
        if text.strip():
            values[option.name] = option.read(text, f"{PREFIX}{option.name.upper()}", UsageError)
    for option in OPTIONS:
        given = flags.get(option.name)
        if given is not None and given != () and given != []:
            values[option.name] = option.read(given, "--" + option.key, UsageError)
    return Settings(**values)
