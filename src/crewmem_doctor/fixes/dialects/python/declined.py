"""What no text edit can do."""

from __future__ import annotations

from typing import NoReturn

from crewmem_doctor.fixes.dialects.python.syntax import Code
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import Decline


def apply(change: Decline, code: Code) -> NoReturn:
    raise Refused(change.reason)
