"""What must follow when a platform's file is changed: through the whole pipeline, on the fixtures' own deployments.

Machines of one's own (supervisord, cron) mount nothing, and some platforms have nothing to mount; there the fixed
fixtures show what helps. A share of the network brings a caveat of its own (CM207), since it is no good disk for a
database of files.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crewmem_doctor.doctor import examine

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "deployments"
TF_VOLUME = """
  volume {
    name = "m"
    efs_volume_configuration {
      file_system_id = "fs-0123456789abcdef0"
    }
  }
}

resource "aws_ecs_service"
"""
EFS = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0"
# A fixture, its file, and what to put in the place of a text there; PATH is where memory is written.
DISKS = [
    ("fly", "fly.toml", [("[http_service]", '[mounts]\nsource = "m"\ndestination = "PATH"\n\n[http_service]')]),
    ("render", "render.yaml", [("    envVars:", "    disk: {name: m, mountPath: PATH, sizeGB: 1}\n    envVars:")]),
    ("railway", "railway.json", [('"deploy": {', '"deploy": {"requiredMountPath": "PATH",')]),
    ("modal", "serve.py", [("secrets=[", 'volumes={"PATH": modal.Volume.from_name("m")}, secrets=[')]),
    (
        "sam",
        "template.yaml",
        [
            (
                "      Events:",
                f"      FileSystemConfigs:\n        - {{Arn: '{EFS}', LocalMountPath: PATH}}\n      Events:",
            )
        ],
    ),
    (
        "serverless",
        "serverless.yml",
        [("    events:", f"    fileSystemConfig: {{localMountPath: PATH, arn: '{EFS}'}}\n    events:")],
    ),
    (
        "terraform-lambda",
        "infra/lambda.tf",
        [
            (
                "  timeout ",
                f'  file_system_config {{\n    arn = "{EFS}"\n    local_mount_path = "PATH"\n  }}\n  timeout ',
            )
        ],
    ),
    (
        "ecs",
        "deploy/task-definition.json",
        [
            (
                '"essential": true,',
                '"essential": true, "mountPoints": [{"sourceVolume": "m", "containerPath": "PATH"}],',
            ),
            (
                '"cpu": "1024",',
                '"cpu": "1024", "volumes": [{"name": "m", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],',
            ),
        ],
    ),
    (
        "terraform-ecs",
        "infra/ecs.tf",
        [
            (
                "essential = true",
                'essential = true\n      mountPoints = [{ sourceVolume = "m", containerPath = "PATH" }]',
            ),
            ('}\n\nresource "aws_ecs_service"', TF_VOLUME.strip("\n")),
        ],
    ),
    (
        "cloudrun",
        "service.yaml",
        [
            ("          ports:", "          volumeMounts: [{name: m, mountPath: PATH}]\n          ports:"),
            ("      containers:", "      volumes: [{name: m, nfs: {server: 10.0.0.2, path: /m}}]\n      containers:"),
        ],
    ),
    (
        "gcloud",
        "cloudbuild.yaml",
        [
            (
                "      - --region=",
                "      - --add-volume=name=m,type=nfs,location=10.0.0.2:/m\n"
                "      - --add-volume-mount=volume=m,mount-path=PATH\n      - --region=",
            )
        ],
    ),
    (
        "azure-container-apps",
        "infra/main.bicep",
        [
            (
                "          env: [",
                "          volumeMounts: [\n            { volumeName: 'm', mountPath: 'PATH' }\n          ]\n"
                "          env: [",
            ),
            (
                "      scale: {",
                "      volumes: [\n        { name: 'm', storageType: 'AzureFile', storageName: 'm' }\n      ]\n"
                "      scale: {",
            ),
        ],
    ),
    ("systemd", "deploy/radio.service", [("PrivateTmp=true", "PrivateTmp=true\nReadWritePaths=PATH")]),
]
MORE = [
    ("fly", "fly.toml", "min_machines_running = 2", "min_machines_running = 5"),
    ("render", "render.yaml", "    envVars:", "    numInstances: 3\n    envVars:"),
    ("railway", "railway.json", '"deploy": {', '"deploy": {"numReplicas": 3,'),
    ("modal", "serve.py", "max_containers=1", "max_containers=9"),
    ("sam", "template.yaml", "      Events:", "      ReservedConcurrentExecutions: 9\n      Events:"),
    ("serverless", "serverless.yml", "    events:", "    reservedConcurrency: 9\n    events:"),
    ("terraform-lambda", "infra/lambda.tf", "  timeout ", "  reserved_concurrent_executions = 9\n  timeout "),
    ("ecs", "deploy/ecs-service.json", '"desiredCount": 2', '"desiredCount": 9'),
    ("terraform-ecs", "infra/ecs.tf", "desired_count   = 3", "desired_count   = 9"),
    ("cloudrun", "service.yaml", 'maxScale: "4"', 'maxScale: "40"'),
    ("gcloud", "cloudbuild.yaml", "--max-instances=5", "--max-instances=50"),
    ("azure-container-apps", "infra/main.bicep", "maxReplicas: 3", "maxReplicas: 30"),
    ("digitalocean", ".do/app.yaml", "instance_count: 2", "instance_count: 9"),
    ("procfile", "app.json", '"quantity": 2', '"quantity": 9'),
    ("appengine", "app.yaml", "max_instances: 1", "max_instances: 9"),
    ("supervisord", "deploy/forge.conf", "numprocs = 3", "numprocs = 9"),
]
NAMES = [
    ("fly", "fly.toml", "fly.production.toml"),
    ("sam", "template.yaml", "template.yml"),
    ("serverless", "serverless.yml", "serverless.yaml"),
    ("terraform-lambda", "infra/lambda.tf", "infra/main.tf"),
    ("terraform-ecs", "infra", "deploy/cloud"),
    ("ecs", "deploy/task-definition.json", "deploy/claims-task-def.json"),
    ("cloudrun", "service.yaml", "gardener.yml"),
    ("gcloud", "cloudbuild.yaml", "cloudbuild.release.yaml"),
    ("azure-container-apps", "infra/main.bicep", "infra/referee.bicep"),
    ("digitalocean", ".do/app.yaml", ".do/archive.yml"),
    ("supervisord", "deploy/forge.conf", "deploy/programs.ini"),
    ("crontab", "deploy/crontab", "deploy/news.crontab"),
    ("systemd", "deploy/radio.service", "ops/desk.service"),
    ("appengine", "crew.py", "tutors.py"),
]
Rules = set[tuple[str, str]]


def rules(root: Path) -> Rules:
    """What is found of the deployment, by rule and service."""
    return {(f.rule, f.subject) for f in examine(root).findings if f.rule.startswith(("CM2", "CM3"))}


def places(root: Path) -> Iterator[str]:
    """Where memory is written that does not stay, as the findings show it."""
    return (f.evidence for f in examine(root).findings if f.rule in ("CM204", "CM205"))


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        shutil.copytree(FIXTURES / name / "broken", tmp_path / name)
        return tmp_path / name

    return make


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(("name", "file", "edits"), DISKS, ids=[case[0] for case in DISKS])
def test_a_disk_over_the_store_and_back(copy, name, file, edits):
    root = copy(name)
    before, text = rules(root), (root / file).read_text(encoding="utf-8")
    where = next(places(root))
    for old, new in edits:
        change(root / file, old, new.replace("PATH", where))
    after = {rule for rule, _ in rules(root)}
    assert {rule for rule in after if rule.startswith("CM2")} <= {"CM207"}
    assert after <= {rule for rule, _ in before} | {"CM207", "CM304", "CM306"}
    (root / file).write_text(text, encoding="utf-8")
    assert rules(root) == before


@pytest.mark.parametrize(("name", "file", "old", "new"), MORE, ids=[case[0] for case in MORE])
def test_more_replicas_never_help(copy, name, file, old, new):
    root = copy(name)
    before = rules(root)
    change(root / file, old, new)
    assert rules(root) >= before


@pytest.mark.parametrize(("name", "old", "new"), NAMES, ids=[case[0] for case in NAMES])
def test_names_of_files_do_not_matter(copy, name, old, new):
    root = copy(name)
    before = {rule for rule, _ in rules(root)}
    (root / new).parent.mkdir(parents=True, exist_ok=True)
    (root / old).rename(root / new)
    if new.endswith(".py"):
        change(root / "main.py", f"from {old[:-3]} import", f"from {new[:-3]} import")
    assert {rule for rule, _ in rules(root)} == before
