"""What must follow when a manifest is changed: through the whole pipeline, on the fixtures' own deployments."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crewmem_doctor.doctor import examine

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "deployments"
EMPTY = "emptyDir: {sizeLimit: 1Gi}"
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shared, namespace: support}
spec:
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
"""
VALUES = "chart/values.yaml"
Rules = set[tuple[str, str]]


def rules(root: Path) -> Rules:
    """What is found of the deployment, by rule and service."""
    return {(f.rule, f.subject) for f in examine(root).findings if f.rule.startswith(("CM2", "CM3"))}


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        shutil.copytree(FIXTURES / name / "broken", tmp_path / name)
        return tmp_path / name

    return make


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_durable_shared_claim_and_back(copy):
    root = copy("kubernetes")
    before = rules(root)
    assert {rule for rule, _ in before} == {"CM203", "CM302"}
    (root / "k8s/claim.yaml").write_text(CLAIM, encoding="utf-8")
    change(root / "k8s/desk.yaml", EMPTY, "persistentVolumeClaim: {claimName: shared}")
    assert not {rule for rule, _ in rules(root)} & {"CM201", "CM202", "CM203", "CM302"}
    change(root / "k8s/desk.yaml", "persistentVolumeClaim: {claimName: shared}", EMPTY)
    assert rules(root) == before


def test_without_any_mount(copy):
    root = copy("kubernetes")
    change(root / "k8s/desk.yaml", "mountPath: /var/lib/desk", "mountPath: /elsewhere")
    found = {rule for rule, _ in rules(root)}
    assert found & {"CM201", "CM202", "CM204"}
    assert "CM203" not in found


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("kubernetes", "k8s/autoscaler.yaml", "maxReplicas: 6", "maxReplicas: 60"),
        ("kubernetes", "k8s/desk.yaml", "replicas: 1", "replicas: 9"),
        ("helm", VALUES, "replicaCount: 3", "replicaCount: 30"),
        ("helm", VALUES, "enabled: false\n  minReplicas", "enabled: true\n  minReplicas"),
        ("kustomize", "deploy/overlays/prod/kustomization.yaml", "count: 3", "count: 5"),
    ],
)
def test_more_replicas_never_help(copy, name, file, old, new):
    root = copy(name)
    before = rules(root)
    change(root / file, old, new)
    assert rules(root) >= before


def test_a_chart_s_persistence_and_back(copy):
    root = copy("helm")
    before = rules(root)
    change(
        root / VALUES,
        "enabled: false\n  mountPath: /data\n  accessMode: ReadWriteOnce",
        "enabled: true\n  mountPath: /root/.local\n  accessMode: ReadWriteMany",
    )
    assert not {rule for rule, _ in rules(root)} & {"CM201", "CM202", "CM203", "CM302"}
    change(root / VALUES, "enabled: true\n  mountPath", "enabled: false\n  mountPath")
    assert rules(root) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("kubernetes", "k8s/desk.yaml", "k8s/a.yml"),
        ("kubernetes", "k8s", "infra/cluster"),
        ("helm", "chart", "deploy/research"),
        ("helm", "chart/templates/claim.yaml", "chart/templates/pvc.yml"),
        ("kustomize", "deploy", "ops/cluster"),
    ],
)
def test_names_of_files_do_not_matter(copy, name, old, new):
    root = copy(name)
    before = rules(root)
    (root / new).parent.mkdir(parents=True, exist_ok=True)
    (root / old).rename(root / new)
    assert rules(root) == before
