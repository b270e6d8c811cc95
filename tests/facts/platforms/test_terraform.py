from __future__ import annotations

from typing import Any

from crewmem_doctor.model.known import Unknown

from .conftest import DOCKERFILE, known, mount, target, variable


def test_ecs(read: Any) -> None:
    found = read(
        {
            "infra/main.tf": """
        resource "aws_ecs_task_definition" "api" {
          family = "crew"   # a comment
          container_definitions = jsonencode([{
            name  = "api"
            image = "${aws_ecr_repository.x.repository_url}:latest"
            environment = [{ name = "MODE", value = "prod" }, { name = "KEY", value = var.key }]
            mountPoints = [{ sourceVolume = "d", containerPath = "/data" }]
          }])
          volume {
            name = "d"
            efs_volume_configuration { file_system_id = aws_efs_file_system.x.id }
          }
          volume { name = "e" }
        }
        """,
            "infra/service.tf": """
        resource "aws_ecs_service" "api" {
          desired_count   = 3
          task_definition = aws_ecs_task_definition.api.arn
        }
        """,
            "Dockerfile": DOCKERFILE,
        }
    )["ecs:crew/api"]
    assert (known(found.replicas), found.replicas_at.path, found.replicas_at.line) == (3, "infra/service.tf", 2)
    assert (mount(found, "/data").network, mount(found, "/data").at.line) == ("efs", 7)
    assert (variable(found, "MODE"), variable(found, "KEY")) == ("prod", "?")
    assert found.dockerfile == "Dockerfile"


def test_containers_in_a_heredoc_or_a_file(read: Any) -> None:
    found = read(
        {
            "main.tf": """
        resource "aws_ecs_task_definition" "a" {
          container_definitions = <<EOF
        [{"name": "one", "image": "x"}]
        EOF
        }
        resource "aws_ecs_task_definition" "b" {
          container_definitions = file("${path.module}/tasks/two.json")
        }
        """,
            "tasks/two.json": '[{"name": "two", "image": "y"}]',
        }
    )
    assert found.ids == ["ecs:a/one", "ecs:b/two"]
    assert found["ecs:b/two"].at.path == "tasks/two.json"
    assert found["ecs:a/one"].image == "x"


def test_lambda(read: Any) -> None:
    found = read(
        {
            "infra/main.tf": """
        resource "aws_lambda_function" "ask" {
          function_name = "ask"
          handler       = "ask.handler"
          runtime       = "python3.12"
          filename      = data.archive_file.zip.output_path
          reserved_concurrent_executions = var.limit
          environment {
            variables = { CREWAI_STORAGE_DIR = "/mnt/m" }
          }
          file_system_config {
            arn              = aws_efs_access_point.x.arn
            local_mount_path = "/mnt/m"
          }
        }
        """,
            "src/ask.py": "def handler(event, context): ...\n",
        }
    )["lambda:ask"]
    assert target(found) == [("lambda", "ask.py")]
    assert found.context == "src"
    assert (variable(found, "CREWAI_STORAGE_DIR"), mount(found, "/mnt/m").shared) == ("/mnt/m", True)
    assert isinstance(found.replicas, Unknown)


def test_cloud_run(read: Any) -> None:
    found = read(
        {
            "run.tf": """
        resource "google_cloud_run_v2_service" "crew" {
          name = "crew"
          template {
            scaling { max_instance_count = 5 }
            volumes {
              name = "d"
              nfs { server = "10.0.0.2" }
            }
            containers {
              image = "gcr.io/p/crew"
              env {
                name  = "MODE"
                value = "prod"
              }
              volume_mounts {
                name       = "d"
                mount_path = "/data"
              }
            }
          }
        }
        """
        }
    )["cloudrun:crew"]
    assert (known(found.replicas), variable(found, "MODE")) == (5, "prod")
    assert (mount(found, "/data").network, mount(found, "/data").shared) == ("nfs", True)


def test_azure(read: Any) -> None:
    found = read(
        {
            "app.tf": """
        resource "azurerm_container_app" "crew" {
          name = "crew"
          template {
            max_replicas = 2
            container {
              name  = "api"
              image = "acme/crew"
              volume_mounts {
                name = "d"
                path = "/data"
              }
            }
            volume {
              name         = "d"
              storage_type = "AzureFile"
            }
          }
        }
        """
        }
    )["azure:crew"]
    assert (known(found.replicas), mount(found, "/data").network) == (2, "smb")
