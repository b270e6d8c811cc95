"""Cloud Run's command lines and App Engine."""

from __future__ import annotations

from typing import Any

from crewmem_doctor.model.known import Unknown

from .conftest import DOCKERFILE, known, mount, target, variable


def test_a_script(read: Any) -> None:
    found = read(
        {
            "deploy.sh": """
        #!/bin/sh
        SERVICE=crew
        gcloud run deploy "$SERVICE" \\
          --source . --region x \\
          --max-instances=3 \\
          --set-env-vars "MODE=prod,KEY=$KEY" \\
          --add-volume=name=d,type=nfs,location=10.0.0.2:/x --add-volume-mount=volume=d,mount-path=/data
        """,
            "Dockerfile": DOCKERFILE,
        }
    )
    assert found.ids == ["cloudrun:crew"]
    crew = found["cloudrun:crew"]
    assert (known(crew.replicas), crew.replicas_at.line, crew.replicas_most) == (3, 5, True)
    assert (variable(crew, "MODE"), variable(crew, "KEY"), variable(crew, "OTHER")) == ("prod", "?", "?")
    assert (mount(crew, "/data").network, mount(crew, "/data").shared, crew.durable_disk) == ("nfs", True, True)
    assert crew.dockerfile == "Dockerfile"


def test_cloud_build_steps(read: Any) -> None:
    found = read(
        {
            "cloudbuild.yaml": """
        steps:
          - name: gcr.io/google.com/cloudsdktool/cloud-sdk
            entrypoint: gcloud
            args: [run, deploy, crew, --image, "gcr.io/$PROJECT_ID/crew", --max-instances, "1", --update-env-vars=A=b]
          - name: gcr.io/google.com/cloudsdktool/cloud-sdk
            entrypoint: gcloud
            args: [run, services, replace, service.yaml]
        """,
            "Dockerfile": DOCKERFILE,
        }
    )
    assert found.ids == ["cloudrun:crew"]
    assert known(found["cloudrun:crew"].replicas) == 1
    assert found["cloudrun:crew"].environment.open  # what earlier revisions set stays


def test_workflows(read: Any) -> None:
    found = read(
        {
            ".github/workflows/deploy.yml": """
        jobs:
          deploy:
            steps:
              - run: |
                  gcloud run deploy api --image=$IMAGE --allow-unauthenticated
              - uses: google-github-actions/deploy-cloudrun@v2
                with:
                  service: worker
                  image: gcr.io/p/worker
                  flags: --max-instances=2
                  env_vars: |
                    MODE=prod
        """
        }
    )
    assert found.ids == ["cloudrun:api", "cloudrun:worker"]
    assert isinstance(found["cloudrun:api"].replicas, Unknown)
    assert (known(found["cloudrun:worker"].replicas), variable(found["cloudrun:worker"], "MODE")) == (2, "prod")


def test_buildpack_from_a_makefile(read: Any) -> None:
    found = read({"Makefile": "deploy:\n\tgcloud run deploy crew --source=.\n", "Procfile": "web: uvicorn main:app\n"})
    assert target(found["cloudrun:crew"]) == [("uvicorn", "main:app")]
    assert known(found["cloudrun:crew"].workdir) == "/workspace"


GAE = """
    runtime: python312
    service: crew
    entrypoint: gunicorn -w 2 main:app
    automatic_scaling: {max_instances: 4}
    env_variables: {MODE: prod}
    """


def test_app_engine(read: Any) -> None:
    found = read({"app.yaml": GAE})["gae:crew"]
    assert target(found) == [("gunicorn", "main:app")]
    assert (known(found.replicas), variable(found, "MODE"), found.at.line) == (4, "prod", 2)
    assert found.read_only_root is not None
    assert found.writable == ("/tmp",)
    assert found.environment.lookup("OTHER") is None


def test_app_engine_flexible_and_others(read: Any) -> None:
    found = read(
        {
            "app.yaml": "runtime: custom\nenv: flex\nmanual_scaling:\n  instances: 2\n",
            "Dockerfile": DOCKERFILE,
            "web/app.yaml": "runtime: nodejs20\n",
            "k8s/app.yaml": "apiVersion: v1\nkind: ConfigMap\n",
        }
    )
    assert found.ids == ["gae:default"]
    assert (known(found["gae:default"].replicas), found["gae:default"].read_only_root) == (2, None)
