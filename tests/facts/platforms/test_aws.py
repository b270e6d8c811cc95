"""SAM and CloudFormation, the Serverless Framework, ECS, App Runner."""

from __future__ import annotations

from typing import Any

from crewmem_doctor.model.known import Unknown

from .conftest import DOCKERFILE, known, mount, target, variable

SAM = """
    Globals:
      Function:
        Runtime: python3.12
        Environment: {Variables: {MODE: prod}}
    Resources:
      Ask:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: src/
          Handler: handlers.ask.main
          ReservedConcurrentExecutions: 1
          Environment: {Variables: {CREWAI_STORAGE_DIR: /mnt/m, KEY: !Ref Key}}
          FileSystemConfigs: [{Arn: x, LocalMountPath: /mnt/m}]
      Front:
        Type: AWS::Serverless::Function
        Properties: {Handler: index.handler, Runtime: nodejs20.x}
      Boxed:
        Type: AWS::Serverless::Function
        Properties: {PackageType: Image}
        Metadata: {Dockerfile: Dockerfile, DockerContext: ./box}
    """
BOX = 'FROM public.ecr.aws/lambda/python:3.12\nCOPY app.py ${LAMBDA_TASK_ROOT}\nCMD ["app.handler"]\n'


def test_sam(read: Any) -> None:
    found = read(
        {
            "template.yaml": SAM,
            "src/handlers/ask.py": "def main(event, context): ...\n",
            "box/Dockerfile": BOX,
            "box/app.py": "def handler(event, context): ...\n",
        }
    )
    assert found.ids == ["lambda:Ask", "lambda:Boxed"]
    ask, boxed = found["lambda:Ask"], found["lambda:Boxed"]
    assert target(ask) == [("lambda", "handlers/ask.py")]
    assert [(c.source, c.target) for c in ask.copies] == [("src", "/var/task")]
    assert (mount(ask, "/mnt/m").network, mount(ask, "/mnt/m").shared, ask.durable_disk) == ("efs", True, True)
    assert (variable(ask, "MODE"), variable(ask, "CREWAI_STORAGE_DIR"), variable(ask, "KEY")) == ("prod", "/mnt/m", "?")
    assert ask.environment.lookup("OTHER") is None
    assert (known(ask.replicas), ask.replicas_at.line) == (1, 11)
    assert ask.at.line == 6
    assert target(boxed) == [("lambda", "app.py")]
    assert boxed.dockerfile == "box/Dockerfile"
    assert isinstance(boxed.replicas, Unknown)
    assert boxed.writable == ("/tmp",)


def test_cloudformation_task(read: Any) -> None:
    found = read(
        {
            "infra/stack.yaml": """
        Resources:
          Task:
            Type: AWS::ECS::TaskDefinition
            Properties:
              Family: crew
              Volumes: [{Name: d, EFSVolumeConfiguration: {FilesystemId: fs-1}}]
              ContainerDefinitions:
                - Name: api
                  Image: !Sub "${Repository}:latest"
                  Environment: [{Name: MODE, Value: prod}]
                  MountPoints: [{SourceVolume: d, ContainerPath: /data}]
          Service:
            Type: AWS::ECS::Service
            Properties: {TaskDefinition: !Ref Task, DesiredCount: 2}
        """,
            "Dockerfile": DOCKERFILE,
        }
    )["ecs:crew/api"]
    assert (known(found.replicas), mount(found, "/data").network, variable(found, "MODE")) == (2, "efs", "prod")
    assert found.dockerfile == "Dockerfile"


def test_serverless(read: Any) -> None:
    found = read(
        {
            "serverless.yml": """
        provider: {name: aws, runtime: python3.12, environment: {MODE: prod, TABLE: "${self:custom.table}"}}
        functions:
          ask:
            handler: src/ask.handler
            reservedConcurrency: 2
            fileSystemConfig: {localMountPath: /mnt/m, arn: x}
          other: {handler: src/other.handler, environment: "${file(env.yml)}"}
        """,
            "src/ask.py": "def handler(event, context): ...\n",
        }
    )
    assert found.ids == ["lambda:ask", "lambda:other"]
    ask = found["lambda:ask"]
    assert target(ask) == [("lambda", "src/ask.py")]
    assert (variable(ask, "MODE"), variable(ask, "TABLE"), known(ask.replicas)) == ("prod", "?", 2)
    assert mount(ask, "/mnt/m").network == "efs"
    assert found["lambda:other"].environment.open
    assert not read({"serverless.yml": "provider: google\nfunctions: {a: {handler: b}}\n"}).services


TASK = """
    {"family": "crew", "requiresCompatibilities": ["FARGATE"],
     "volumes": [{"name": "efs", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}, {"name": "own"},
                 {"name": "host", "host": {"sourcePath": "/srv/x"}}],
     "containerDefinitions": [
       {"name": "api", "image": "acme/crew:1", "command": ["uvicorn", "main:app", "--workers", "3"], "user": "1000",
        "readonlyRootFilesystem": true, "environment": [{"name": "MODE", "value": "prod"}],
        "secrets": [{"name": "KEY", "valueFrom": "arn"}],
        "mountPoints": [{"sourceVolume": "efs", "containerPath": "/data", "readOnly": true},
                        {"sourceVolume": "own", "containerPath": "/own"},
                        {"sourceVolume": "host", "containerPath": "/host"}]},
       {"name": "agent", "image": "public.ecr.aws/aws-observability/aws-otel-collector:latest"}]}
    """


def test_task_definition(read: Any) -> None:
    found = read(
        {
            "ecs/task-definition.json": TASK,
            "Dockerfile": DOCKERFILE,
            "ecs/ecs-service.json": '{"taskDefinition": "crew:7", "desiredCount": 4}',
        }
    )
    api = found["ecs:crew/api"]
    assert (known(api.replicas), api.replicas_at.path) == (4, "ecs/ecs-service.json")
    assert known(api.processes[0].workers) == 3
    assert [(m.target, m.kind, m.durable, m.shared, m.read_only) for m in api.mounts] == [
        ("/data", "nfs", True, True, True),
        ("/own", "anonymous", False, False, False),
        ("/host", "hostpath", True, False, False),
    ]
    assert (variable(api, "MODE"), variable(api, "KEY"), known(api.read_only_root)) == ("prod", "?", True)
    assert (api.dockerfile, api.user.root) == ("Dockerfile", False)


def test_task_without_a_service(read: Any) -> None:
    api = read({"task-definition.json": TASK})["ecs:crew/api"]
    assert isinstance(api.replicas, Unknown)
    assert api.image == "acme/crew:1"
    assert not read({"ecs-params.json": '{"a": 1}'}).gaps


def test_app_runner(read: Any) -> None:
    found = read(
        {
            "apprunner.yaml": """
        version: 1.0
        runtime: python3
        run:
          command: uvicorn main:app
          env: [{name: MODE, value: prod}]
          secrets: [{name: KEY, value-from: arn}]
        """
        }
    )["apprunner:app"]
    assert target(found) == [("uvicorn", "main:app")]
    assert (variable(found, "MODE"), variable(found, "KEY"), found.durable_disk) == ("prod", "?", False)
