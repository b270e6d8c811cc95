from __future__ import annotations

from typing import Any

from .conftest import DOCKERFILE, known, target, variable


def test_services_and_workers(read: Any) -> None:
    found = read(
        {
            ".do/app.yaml": """
        name: crew
        envs: [{key: SHARED, value: "1"}]
        services:
          - name: api
            github: {repo: a/b}
            source_dir: backend
            environment_slug: python
            run_command: uvicorn main:app
            instance_count: 2
            envs:
              - {key: MODE, value: prod}
              - {key: URL, value: "${db.DATABASE_URL}"}
        workers:
          - {name: jobs, dockerfile_path: Dockerfile, run_command: celery -A jobs worker}
          - {name: front, environment_slug: node-js, run_command: npm start}
        """,
            "backend/main.py": "app = None\n",
            "Dockerfile": DOCKERFILE,
        }
    )
    assert found.ids == ["digitalocean:api", "digitalocean:jobs"]
    api = found["digitalocean:api"]
    assert target(api) == [("uvicorn", "main:app")]
    assert (known(api.replicas), api.replicas_at.line, api.context) == (2, 9, "backend")
    assert (variable(api, "SHARED"), variable(api, "MODE"), variable(api, "URL")) == ("1", "prod", "?")
    assert found["digitalocean:jobs"].dockerfile == "Dockerfile"
    assert not api.durable_disk


def test_another_app_yaml(read: Any) -> None:
    assert not read({"app.yaml": "name: crew\nservices: [{name: x, port: 1}]\n"}).services
