"""The exception tree.

CrewmemError
├── UsageError             bad options or a path that does not exist        exit status 2
└── ConfigurationError     a pyproject.toml that cannot be used             exit status 2

Terminated is no error: SIGTERM ends the program as Ctrl-C does, through every `finally`.

Anything wrong with a scanned file is no exception but a `Gap` in the report.
"""

from __future__ import annotations


class CrewmemError(Exception):
    """Something the user can act on; the text says what is wrong, where, and what to do."""


class Terminated(BaseException):
    """SIGTERM: what was begun is undone on the way out."""


class UsageError(CrewmemError):
    """The command line asks for something that cannot be done."""


class ConfigurationError(CrewmemError):
    """`[tool.crewmem-doctor]` cannot be used as written."""
