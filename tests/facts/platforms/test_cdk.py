from __future__ import annotations

from typing import Any

from crewmem_doctor.model.known import Unknown

from .conftest import DOCKERFILE, known, mount, target, variable

LAMBDA = """
    from aws_cdk import Stack, aws_lambda as lambda_, aws_efs as efs

    class Crew(Stack):
        def __init__(self, scope, id):
            super().__init__(scope, id)
            self.share = lambda_.FileSystem.from_efs_access_point(point, "/mnt/m")
            lambda_.Function(self, "Ask", runtime=lambda_.Runtime.PYTHON_3_12, handler="ask.handler",
                code=lambda_.Code.from_asset("src"), environment={"CREWAI_STORAGE_DIR": "/mnt/m/c", "KEY": key},
                filesystem=self.share, reserved_concurrent_executions=2)
            lambda_.Function(self, "Bare", runtime=lambda_.Runtime.PYTHON_3_12, handler="ask.handler",
                code=lambda_.Code.from_asset("src"))
            lambda_.Function(self, "Odd", runtime=lambda_.Runtime.PYTHON_3_12, handler="ask.handler", filesystem=get())
    """
ECS = """
    import aws_cdk.aws_ecs as ecs

    task = ecs.FargateTaskDefinition(stack, "Task")
    task.add_volume(name="m", efs_volume_configuration=ecs.EfsVolumeConfiguration(file_system_id=fs))
    api = task.add_container("api", image=ecs.ContainerImage.from_asset("."), environment={"A": "b"})
    api.add_mount_points(ecs.MountPoint(container_path="/data", source_volume="m", read_only=False))
    ecs.FargateService(stack, "Service", task_definition=task, desired_count=3)
    """


def test_functions(read: Any) -> None:
    found = read({"infra/cdk.json": "{}", "infra/stack.py": LAMBDA, "infra/src/ask.py": "def handler(e, c): ...\n"})
    ask, bare = found["lambda:Ask"], found["lambda:Bare"]
    assert (mount(ask, "/mnt/m").network, known(ask.replicas), ask.durable_disk) == ("efs", 2, True)
    assert (variable(ask, "CREWAI_STORAGE_DIR"), variable(ask, "KEY")) == ("/mnt/m/c", "?")
    assert (target(ask), ask.context) == ([("lambda", "ask.py")], "infra/src")
    assert (bare.mounts, bare.durable_disk, bare.hidden_mounts) == ((), False, "")
    assert isinstance(bare.replicas, Unknown)
    assert found["lambda:Odd"].hidden_mounts


def test_containers(read: Any) -> None:
    api = read({"cdk.json": "{}", "stack.py": ECS, "Dockerfile": DOCKERFILE})["ecs:api"]
    assert (mount(api, "/data").network, known(api.replicas), api.dockerfile) == ("efs", 3, "Dockerfile")
    assert (variable(api, "A"), target(api)) == ("b", [("uvicorn", "main:app")])


def test_any_python_is_read(read: Any) -> None:
    odd = "import aws_cdk\nFunction(*a, handler=1, **b)\nx = x\nx.add_container()\nt.add_container(image=f(), environment=e)\n"
    assert read({"cdk.json": "{}", "a.py": odd, "b.py": "import aws_cdk\ndef (", "c.py": "aws_cdk"}).ids == [
        "lambda:function"
    ]
