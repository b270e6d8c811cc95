from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from crewmem_doctor.facts.compose import read_compose
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import discover


@dataclass
class Read:
    services: list[Service]
    gaps: list[Gap]
    used: set[str]

    def __getitem__(self, name: str) -> Service:
        """The only service of that name."""
        found = [s for s in self.services if s.name == name]
        assert len(found) == 1, [(s.name, s.deployment) for s in self.services]
        return found[0]

    def of(self, deployment: str) -> dict[str, Service]:
        return {s.name: s for s in self.services if s.deployment == deployment}


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Mapping[str, str]], Read]:
    def run(files: Mapping[str, str]) -> Read:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return Read(*read_compose(discover(tmp_path)))
    return run
