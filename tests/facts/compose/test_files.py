from __future__ import annotations

import pytest

API = "services: {api: {build: .}}\n"


@pytest.mark.parametrize("name", [
    "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", "docker-compose.prod.yml",
    "compose.gpu.yaml",
    "sandbox-docker-compose.yaml", "app.compose.yml", "docker_compose.yml", "Docker-Compose.YML",
    "infra/docker/compose.yml",
    "my-stack.yml", "docker-stack.yml", "fullstack_template.yaml", "production.yml",
])
def test_names(read, name: str):
    assert [s.deployment for s in read({name: API}).services] == [name]


@pytest.mark.parametrize(("name", "text"), [
    ("composer.yaml", "services: {api: {class: Foo}}"), ("stack.yml", "services: [a, b]"), ("values.yaml", API),
    ("docker-compose.yml", "version: '3'"), ("stack.yml", "a: [\n"), ("docker-compose.txt", API),
    ("production.yml", "a: 1"),
])
def test_other_files(read, name: str, text: str):
    found = read({name: text})
    assert found.services == []
    assert found.gaps == []


@pytest.mark.parametrize(("text", "kind"), [
    ("services:\n\tapi: x\n", "parse"), ("services: {api: {image: {{ x }}, {% if y %}\n", "template"),
    ("a: \0", "parse"),
])
def test_a_compose_file_that_cannot_be_read_is_a_gap(read, text: str, kind: str):
    found = read({"docker-compose.yml": text})
    assert found.services == []
    assert [g.kind for g in found.gaps] == [kind]


def test_the_override_file_belongs_to_the_base(read):
    found = read({
        "compose.yaml": "services: {api: {image: a, environment: {X: 1}}}",
        "compose.override.yaml": "services: {api: {environment: {X: 2}}}",
    })
    assert found["api"].deployment == "compose.yaml"
    assert found["api"].environment.get("X").value.value == "2"
    assert found["api"].environment.get("X").at.path == "compose.override.yaml"
    assert found["api"].at.path == "compose.yaml"
    assert not found["api"].dev


def test_a_production_overlay_is_merged_over_the_base_and_makes_it_a_developers(read):
    found = read({
        "docker-compose.yml": "services:\n  api: {build: .}\n  db: {image: postgres}\n",
        "docker-compose.override.yml": "services: {api: {command: uvicorn app:app --reload}}",
        "docker-compose.prod.yml": "services:\n  api: {deploy: {replicas: 3}}\n",
    })
    base, prod = found.of("docker-compose.yml"), found.of("docker-compose.prod.yml")
    assert base["api"].dev
    assert not prod["api"].dev
    assert prod["api"].replicas.value == 3
    assert prod["api"].replicas_at.path == "docker-compose.prod.yml"
    assert str(prod["api"].at) == "docker-compose.yml:2"
    assert set(prod) == {"api", "db"}
    assert {s.id for s in found.services} == {"compose:api", "compose:db"}


def test_a_variant_that_stands_alone_is_a_deployment_of_its_own(read):
    found = read({"docker-compose.yml": API, "docker-compose.prod.yml": "services: {api: {image: x}, web: {image: y}}"})
    assert not found.of("docker-compose.yml")["api"].dev
    assert set(found.of("docker-compose.prod.yml")) == {"api", "web"}


def test_optional_overlays_are_judged_for_what_they_touch(read):
    found = read({
        "compose.yml": "services: {api: {image: a}, db: {image: postgres}}",
        "compose.gpu.yml": "services: {api: {volumes: ['x:/data']}}",
    })
    assert set(found.of("compose.gpu.yml")) == {"api"}
    assert not found.of("compose.yml")["api"].dev


@pytest.mark.parametrize("name", [
    "docker-compose.dev.yml", "docker-compose-local-nodb.yml", "compose.test.yaml", ".devcontainer/docker-compose.yml",
    "deploy/local/compose.yml",
])
def test_development_files(read, name: str):
    assert read({"docker-compose.yml": API, name: API}).of(name)["api"].dev


def test_an_overlay_in_a_folder_below_starts_from_the_folder_of_the_base(read):
    found = read({
        "docker-compose.yml": "services: {api: {image: a}}",
        "deploy/docker-compose.prod.yml": "services: {api: {volumes: ['./data:/data']}}",
    })
    assert found.of("deploy/docker-compose.prod.yml")["api"].mounts[0].source == "data"


def test_a_base_by_the_name_of_base(read):
    found = read({
        "docker-compose.base.yml": API,
        "docker-compose.prod.yml": "services: {api: {read_only: true}}",
    })
    assert found.of("docker-compose.prod.yml")["api"].read_only_root.value is True


def test_what_is_included_is_no_deployment_of_its_own(read):
    found = read({"compose.yml": "include: [infra.compose.yml]\nservices: {api: {image: a}}",
                  "infra.compose.yml": "services: {redis: {image: redis}}"})
    assert {s.name for s in found.services} == {"api", "redis"}
    assert {s.deployment for s in found.services} == {"compose.yml"}


def test_documents_of_one_file_are_merged(read):
    found = read({"compose.yml": "services: {api: {image: a}}\n---\nservices: {api: {scale: 2}}\n"})
    assert found["api"].replicas.value == 2
