from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from crewmem_doctor.facts.deployments import read_deployments
from crewmem_doctor.model.deployment import Mount, Service
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import discover

DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["uvicorn", "main:app"]\n'


@dataclass
class Read:
    services: tuple[Service, ...]
    gaps: list[Gap]

    def __getitem__(self, id: str) -> Service:
        found = [service for service in self.services if service.id == id]
        assert len(found) == 1, self.ids
        return found[0]

    @property
    def ids(self) -> list[str]:
        return sorted(service.id for service in self.services)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Mapping[str, str]], Read]:
    def go(files: Mapping[str, str]) -> Read:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return Read(*read_deployments(discover(tmp_path)))

    return go


def known(answer: object) -> object:
    return answer.value if isinstance(answer, Known) else "?"


def variable(service: Service, name: str) -> object:
    return known(service.environment.lookup(name))


def target(service: Service) -> list[tuple[str, str]]:
    return [(process.server, process.target) for process in service.processes]


def mount(service: Service, path: str) -> Mount:
    return next(m for m in service.mounts if m.target == path)
