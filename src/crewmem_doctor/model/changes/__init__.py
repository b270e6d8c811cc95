"""What a remedy changes, in words of the model: no file format, no syntax.

Rules offer changes; `fixes/` knows how each dialect writes them. A change names a service, a memory's place or a
`Location`, and never text of the file that it alters.
"""

from __future__ import annotations

from crewmem_doctor.model.record import dataclass


class Change:
    """The base of all changes. Each kind is a frozen value."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Refusal(Change):
    """No edit is made. `reason` is a phrase that tells a person what stands in the way, and what to do instead.

    A rule offers one where no edit of a file is the remedy: a disk that a dashboard gives, a server that must be run.
    All of what holds it is refused. `fixes/` answers with one where a change cannot be written.
    """

    reason: str
