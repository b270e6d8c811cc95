"""stub"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .steps import State


def adopt(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    return {}
def forget(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    return {}
