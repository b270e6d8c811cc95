"""How a dialect says no."""

from __future__ import annotations


class Refused(Exception):
    """No edit is made; the text is the reason, a phrase for people. Never leaves `fixes/`: it becomes a `Refusal`."""
