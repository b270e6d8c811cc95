from __future__ import annotations

from typing import Any

from .conftest import DOCKERFILE, known, mount, target


def test_volumes_are_hidden(read: Any) -> None:
    found = read(
        {
            "railway.json": '{"build": {"builder": "RAILPACK"},\n "deploy": {"startCommand": "gunicorn app:app -w 2",\n'
            '  "numReplicas": 2}}\n',
            "requirements.txt": "x\n",
        }
    )["railway:app"]
    assert target(found) == [("gunicorn", "app:app")]
    assert (known(found.replicas), found.replicas_at.line) == (2, 3)
    assert found.hidden_mounts
    assert not found.durable_disk
    assert known(found.workdir) == "/app"


def test_a_required_mount_is_one(read: Any) -> None:
    found = read({"railway.toml": '[deploy]\nstartCommand = "python main.py"\nrequiredMountPath = "/data"\n'})[
        "railway:app"
    ]
    assert (mount(found, "/data").kind, mount(found, "/data").at.line) == ("disk", 3)
    assert found.durable_disk
    assert not found.hidden_mounts


def test_a_dockerfile_wins_and_its_entrypoint_does_not(read: Any) -> None:
    found = read(
        {"api/railway.json": '{"deploy": {"startCommand": "uvicorn other:app"}}', "api/Dockerfile": DOCKERFILE}
    )
    assert found.ids == ["railway:api"]
    assert target(found["railway:api"]) == [("uvicorn", "other:app")]
    assert found["railway:api"].dockerfile == "api/Dockerfile"


def test_regions_and_guessed_start(read: Any) -> None:
    found = read(
        {
            "railway.json": '{"deploy": {"multiRegionConfig": {"a": {"numReplicas": 2}, "b": {"numReplicas": 1}}}}',
            "main.py": "print()\n",
        }
    )["railway:app"]
    assert known(found.replicas) == 3
    assert target(found) == [("python", "main.py")]


def test_a_node_project_is_nothing(read: Any) -> None:
    assert not read({"railway.json": '{"deploy": {"startCommand": "npm start"}}'}).services


def test_tabs_and_other_json(read: Any) -> None:
    assert (
        read({"railway.json": '{\n\t"deploy": {\n\t\t"startCommand": "python a.py"\n\t}\n}\n'})["railway:app"].at.line
        == 3
    )
    assert not read({"railway.json": '{"name": "x"}'}).services
