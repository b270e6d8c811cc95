from __future__ import annotations

from typing import Any

from .conftest import known, target, variable


def test_process_types_without_release(read: Any) -> None:
    found = read(
        {
            "Procfile": """
        web: gunicorn -w 4 app:app
        worker: celery -A jobs worker -c 2
        # a comment
        release: python manage.py migrate
        """
        }
    )
    assert found.ids == ["procfile:web", "procfile:worker"]
    web = found["procfile:web"]
    assert (web.at.line, web.at.column, web.at.end_column) == (1, 1, 4)
    assert target(web) == [("gunicorn", "app:app")]
    assert known(web.processes[0].workers) == 4
    assert web.processes[0].workers_at.column == 18
    assert known(web.workdir) == "/app"
    assert known(web.user.home) == "/app"
    assert not web.durable_disk
    assert not web.restart_keeps_layer
    assert web.ephemeral_because


def test_quantities_and_variables(read: Any) -> None:
    found = read(
        {
            "Procfile": "web: python main.py\n",
            "app.json": """
        {
          "formation": {"web": {"quantity": 3}},
          "env": {"MODE": {"value": "prod"}, "KEY": {"required": true}, "PLAIN": "x"}
        }
        """,
        }
    )
    web = found["procfile:web"]
    assert known(web.replicas) == 3
    assert (web.replicas_at.path, web.replicas_at.line) == ("app.json", 2)
    assert (variable(web, "MODE"), variable(web, "PLAIN"), variable(web, "KEY")) == ("prod", "x", "?")


def test_dokku_may_mount(read: Any) -> None:
    web = read({"Procfile": "web: python main.py\n", "DOKKU_SCALE": "web=2\n"})["procfile:web"]
    assert known(web.replicas) == 2
    assert web.hidden_mounts


def test_a_container_that_runs_it_owns_its_processes(read: Any) -> None:
    assert read({"Procfile": "web: python main.py\n", "Dockerfile": "FROM python:3.12\nCMD honcho start\n"}).ids == [
        "dockerfile:Dockerfile"
    ]


def test_development_and_front_ends(read: Any) -> None:
    found = read({"Procfile.dev": "web: uvicorn main:app --reload\nvite: npm run dev\n"})
    assert found.ids == ["procfile:web"]
    assert found["procfile:web"].dev


def test_heroku_yml(read: Any) -> None:
    found = read(
        {
            "heroku.yml": """
        build:
          docker:
            web: docker/Dockerfile
        run:
          worker:
            command:
              - celery -A jobs worker
            image: web
        """,
            "docker/Dockerfile": "FROM python:3.12\nCMD uvicorn main:app\n",
        }
    )
    assert found.ids == ["procfile:web", "procfile:worker"]
    assert target(found["procfile:web"]) == [("uvicorn", "main:app")]
    assert target(found["procfile:worker"]) == [("celery", "jobs")]
    assert found["procfile:worker"].dockerfile == "docker/Dockerfile"
