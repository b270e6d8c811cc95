from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from crewmem_doctor.facts.images import Images
from crewmem_doctor.facts.kubernetes import read_kubernetes
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import discover


@dataclass
class Read:
    services: list[Service]
    gaps: list[Gap]
    used: set[str]

    def __getitem__(self, name: str) -> Service:
        """The only service of that id, or of that name."""
        found = [s for s in self.services if name in (s.id, s.name)]
        assert len(found) == 1, [(s.id, s.deployment) for s in self.services]
        return found[0]

    @property
    def only(self) -> Service:
        assert len(self.services) == 1, [s.id for s in self.services]
        return self.services[0]


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Mapping[str, str]], Read]:
    """Reads a tree of these files, or of one manifest."""

    def run(files: Mapping[str, str] | str) -> Read:
        for name, text in ({"k8s/app.yaml": files} if isinstance(files, str) else files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        tree = discover(tmp_path)
        return Read(*read_kubernetes(tree, Images(tree)))

    return run


@pytest.fixture
def pod() -> Callable[..., str]:
    """A Deployment as text. `container`, `spec` (the pod's) and `top` are YAML mappings that are laid into it."""
    return deployment


def deployment(
    container: str = "", spec: str = "", top: str = "", kind: str = "Deployment", name: str = "api", namespace: str = ""
) -> str:
    inner = {
        "containers": [{"name": "api", "image": "acme/api:1", **(yaml.safe_load(dedent(container)) or {})}],
        **(yaml.safe_load(dedent(spec)) or {}),
    }
    labels = {"app": name}
    document = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": inner},
            **({"serviceName": name} if kind == "StatefulSet" else {}),
            **(yaml.safe_load(dedent(top)) or {}),
        },
    }
    validate(document)
    return yaml.safe_dump(document, sort_keys=False)


def validate(document: object) -> None:
    """What the tests read must be what a cluster takes."""
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    assert isinstance(document, dict)
    kubernetes_validate.validate(document, "1.37", strict=True)


def value(answer: object) -> object:
    return answer.value if isinstance(answer, Known) else answer
