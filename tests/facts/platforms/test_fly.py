from __future__ import annotations

from typing import Any

from crewmem_doctor.model.known import Unknown

from .conftest import DOCKERFILE, known, mount, target, variable

HEAD = 'app = "desk"\n'


def test_a_volume_belongs_to_one_machine(read: Any) -> None:
    fly = read(
        {
            "Dockerfile": DOCKERFILE,
            "fly.toml": HEAD + '[env]\nMODE = "prod"\nDEBUG = true\n[[mounts]]\nsource = "d"\ndestination = "/data"\n',
        }
    )["fly:desk"]
    disk = mount(fly, "/data")
    assert (disk.kind, disk.durable, disk.shared, disk.local, disk.source) == ("disk", True, False, True, "d")
    assert disk.at.line == 7
    assert fly.durable_disk
    assert (fly.at.line, fly.dockerfile) == (1, "Dockerfile")
    assert (variable(fly, "MODE"), variable(fly, "DEBUG"), variable(fly, "SECRET")) == ("prod", "true", "?")
    assert known(fly.replicas) == 1
    assert target(fly) == [("uvicorn", "main:app")]


def test_machines(read: Any) -> None:
    fly = read({"Dockerfile": DOCKERFILE, "fly.toml": HEAD + "[http_service]\nmin_machines_running = 2\n"})["fly:desk"]
    assert known(fly.replicas) == 2
    assert fly.replicas_at.line == 3
    assert not fly.durable_disk
    plain = read({"fly.toml": HEAD + "[http_service]\nmin_machines_running = 0\n"})["fly:desk"]
    assert isinstance(plain.replicas, Unknown)


def test_process_groups(read: Any) -> None:
    found = read(
        {
            "Dockerfile": DOCKERFILE,
            "fly.toml": HEAD
            + """
[processes]
web = "uvicorn main:app --workers 2"
worker = "celery -A jobs worker"
[mounts]
source = "d"
destination = "/data"
processes = ["worker"]
""",
        }
    )
    assert found.ids == ["fly:desk/web", "fly:desk/worker"]
    assert not found["fly:desk/web"].mounts
    assert mount(found["fly:desk/worker"], "/data")
    assert found["fly:desk/web"].at.line == 4
    assert known(found["fly:desk/web"].processes[0].workers) == 2
    assert target(found["fly:desk/worker"]) == [("celery", "jobs")]


def test_other_files(read: Any) -> None:
    found = read(
        {
            "ops/fly.staging.toml": HEAD + '[build]\nimage = "ghcr.io/acme/desk:1"\n',
            "fly.toml": "x = 1\n",
            "web/fly.dev.toml": HEAD + "[vm]\n",
        }
    )
    assert found.ids == ["fly:desk", "fly:desk"]
    assert [s.image for s in found.services if s.image] == ["ghcr.io/acme/desk:1"]
    assert [s.dev for s in found.services if not s.image] == [True]


def test_not_toml(read: Any) -> None:
    assert [gap.path for gap in read({"fly.toml": "app = [\n"}).gaps] == ["fly.toml"]
