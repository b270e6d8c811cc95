"""Images that a deployment only names: which Dockerfile of the tree makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crewmem_doctor.facts.deployments import read_deployments
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.sources.discover import discover

DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nCMD ["uvicorn", "main:app"]\n'
OURS = "services:\n  api:\n    image: ghcr.io/acme/chat:${TAG}\n"


def services(root: Path, compose: str) -> dict[str, Service]:
    (root / "Dockerfile").write_text(DOCKERFILE)
    (root / "compose.yaml").write_text(compose)
    return {service.id: service for service in read_deployments(discover(root))[0]}


DATABASE = "  db:\n    image: postgres:16\n"
WORKER = "  worker:\n    image: ghcr.io/acme/chat:${TAG}\n"


@pytest.mark.parametrize("more", ["", DATABASE, WORKER])
def test_the_only_image_that_nobody_knows_is_likely_the_only_dockerfiles(tmp_path: Path, more: str) -> None:
    found = services(tmp_path, OURS + more)
    assert found["compose:api"].processes[0].server == "uvicorn"
    assert found["compose:api"].guessed
    assert "dockerfile:Dockerfile" not in found


@pytest.mark.parametrize("more", ["  tool:\n    image: acme/tool\n", "  own:\n    build: .\n"])
def test_one_of_several_strangers_is_nobodys(tmp_path: Path, more: str) -> None:
    assert services(tmp_path, OURS + more)["compose:api"].processes == ()


@pytest.mark.parametrize("image", ["flowiseai/flowise", "ghcr.io/strnad/crewai-studio:latest", "atendai/evolution-api:v2"])
def test_what_others_make_is_not_built_here(tmp_path: Path, image: str) -> None:
    found = services(tmp_path, f"services:\n  flows:\n    image: {image}\n")
    assert found["compose:flows"].processes == ()
    assert "dockerfile:Dockerfile" in found


def test_a_build_elsewhere_is_certain(tmp_path: Path) -> None:
    workflow = tmp_path / ".github/workflows/image.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("on: push\njobs:\n  image:\n    runs-on: ubuntu-latest\n    steps:\n"
                        "      - run: docker build -t ghcr.io/acme/chat:1 .\n")
    assert not services(tmp_path, OURS)["compose:api"].guessed
