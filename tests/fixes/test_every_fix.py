"""Every remedy that can be written, proved: on each rule's bad examples and on each broken deployment of fixtures/.

A rule or dialect that learns an edit is covered here by itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from proof import prove

from crewmem_doctor import examine
from crewmem_doctor.rules import catalogue
from crewmem_doctor.rules.base import HERE, Example

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
EXAMPLES = [pytest.param(example, id=f"{rule.id}-{example.title}") for rule in catalogue() for example in rule.bad]
BROKEN = [pytest.param(folder, id=folder.relative_to(FIXTURES).as_posix())
          for file in sorted(FIXTURES.rglob("expect.yaml")) for folder in sorted(file.parent.iterdir())
          if folder.is_dir() and folder.name.startswith("broken")]
# Broken deployments that edits alone make clean, with the rules whose findings they answer.
MENDED = {
    "claims/debug-1/broken": {"CM101", "CM103"},
    "claims/per-request/advised": {"CM602"},
    "claims/per-request/advised-1.9": {"CM202", "CM601"},
    "claims/random-key/advised": {"CM601"},
    "claims/ephemeral-disk/broken": {"CM201"},
    "claims/ephemeral-disk/broken-tmp": {"CM103"},
    "claims/ephemeral-disk/broken-tmpfs": {"CM203"},
    "claims/pods/broken": {"CM201", "CM302", "CM304"},
    "claims/prevent-1/broken": {"CM201", "CM302", "CM304"},
    "claims/silent-store/broken": {"CM503"},
    "claims/silent-store/broken-embedder": {"CM504"},
    "deployments/committed-store/broken": {"CM209"},
    "deployments/crontab/broken": {"CM103"},
    "deployments/hostpath/broken": {"CM208"},
    "deployments/redis-store/broken": {"CM206"},
    "deployments/render/broken": {"CM205"},
    "deployments/systemd/broken": {"CM204"},
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(example: Example, tmp_path: Path) -> None:
    for name, text in example.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [line.replace(HERE, "").rstrip() for line in text.splitlines()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    prove(tmp_path)


@pytest.mark.parametrize("folder", BROKEN)
def test_broken_deployment(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(folder, root)
    prove(root)


@pytest.mark.parametrize("name", sorted(MENDED))
def test_mended(name: str, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(FIXTURES / name, root)
    plan = prove(root)
    assert {finding.rule for step in plan.steps for finding in step.findings} == MENDED[name]
    assert [f for f in examine(root).findings if f.severity != "note"] == []


def test_every_mended_deployment_is_described() -> None:
    for name in MENDED:
        expected = yaml.safe_load((FIXTURES / name).parent.joinpath("expect.yaml").read_text(encoding="utf-8"))
        assert Path(name).name in expected
