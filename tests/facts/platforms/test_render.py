from __future__ import annotations

from typing import Any

from .conftest import DOCKERFILE, known, mount, target, variable


def test_native_service_with_a_disk(read: Any) -> None:
    render = read(
        {
            "render.yaml": """
        services:
          - type: web
            name: api
            runtime: python
            rootDir: backend
            startCommand: uvicorn main:app --workers 2
            numInstances: 3
            envVars:
              - key: MODE
                value: prod
              - key: KEY
                sync: false
              - fromGroup: shared
            disk:
              name: d
              mountPath: /var/data
        envVarGroups:
          - name: shared
            envVars: [{key: CREWAI_STORAGE_DIR, value: /var/data/crew}]
        """,
            "backend/main.py": "app = None\n",
        }
    )["render:api"]
    assert target(render) == [("uvicorn", "main:app")]
    assert known(render.processes[0].workers) == 2
    assert known(render.workdir) == "/opt/render/project/src/backend"
    assert known(render.user.home) == "/opt/render"
    assert [(c.source, c.target) for c in render.copies] == [("backend", "/opt/render/project/src/backend")]
    assert (known(render.replicas), render.replicas_at.line) == (3, 7)
    assert (variable(render, "MODE"), variable(render, "KEY")) == ("prod", "?")
    assert variable(render, "CREWAI_STORAGE_DIR") == "/var/data/crew"
    assert (mount(render, "/var/data").at.line, mount(render, "/var/data").shared) == (16, False)


def test_docker_workers_and_cron(read: Any) -> None:
    found = read(
        {
            "render.yaml": """
        services:
          - {type: worker, name: jobs, runtime: docker, dockerfilePath: ./docker/Dockerfile,
             dockerCommand: celery -A jobs worker}
          - {type: cron, name: nightly, env: python, startCommand: python night.py}
          - {type: web, name: site, runtime: static, staticPublishPath: dist}
          - {type: web, name: front, runtime: node, startCommand: npm start}
          - {type: pserv, name: db, runtime: image, image: {url: "docker.io/library/redis:7"}}
        """,
            "docker/Dockerfile": DOCKERFILE,
        }
    )
    assert found.ids == ["render:db", "render:jobs", "render:nightly"]
    assert target(found["render:jobs"]) == [("celery", "jobs")]
    assert found["render:jobs"].dockerfile == "docker/Dockerfile"
    assert not found["render:jobs"].durable_disk
    assert found["render:db"].backing == "redis"


def test_scaling_and_projects(read: Any) -> None:
    found = read(
        {
            "render.yaml": """
        projects:
          - name: p
            environments:
              - name: production
                services:
                  - type: web
                    name: api
                    runtime: python
                    startCommand: python main.py
                    scaling: {minInstances: 1, maxInstances: 4}
                    envVars: [{fromGroup: elsewhere}]
        """
        }
    )["render:api"]
    assert known(found.replicas) == 4
    assert any("elsewhere" in why for why in found.environment.open)


def test_a_file_of_that_name_that_is_not_renders(read: Any) -> None:
    found = read({"render.yaml": "build: make\nstart: python main.py\nservices: nothing\n"})
    assert not found.services
    assert not found.gaps
