from __future__ import annotations

from typing import Any

from .conftest import DOCKERFILE, known, mount, target, variable


def test_container_app(read: Any) -> None:
    found = read(
        {
            "infra/main.bicep": """
        param name string
        resource app 'Microsoft.App/containerApps@2024-03-01' = {
          name: 'crew'
          properties: {
            template: {
              containers: [
                {
                  name: 'api'
                  image: '${registry}/crew:latest'
                  env: [ { name: 'MODE', value: 'prod' }
                    { name: 'KEY'
                      secretRef: 'key' } ]
                  volumeMounts: [ { volumeName: 'd', mountPath: '/data' } ]
                }
              ]
              scale: { minReplicas: 1, maxReplicas: 3 }
              volumes: [ { name: 'd', storageType: 'AzureFile', storageName: 's' } ]
            }
          }
        }
        """,
            "Dockerfile": DOCKERFILE,
        }
    )["azure:crew"]
    assert (known(found.replicas), found.replicas_at.line) == (3, 16)
    assert (mount(found, "/data").network, mount(found, "/data").shared) == ("smb", True)
    assert (variable(found, "MODE"), variable(found, "KEY")) == ("prod", "?")
    assert (found.at.line, found.dockerfile) == (2, "Dockerfile")


def test_app_service_keeps_home(read: Any) -> None:
    found = read(
        {
            "main.bicep": """
        resource web 'Microsoft.Web/sites@2023-01-01' = {
          name: 'desk'
          kind: 'app,linux,python'
          properties: { siteConfig: {
            linuxFxVersion: 'PYTHON|3.12'
            appCommandLine: 'gunicorn -w 2 main:app'
            appSettings: [ { name: 'MODE', value: 'prod' } ] } }
        }
        """
        }
    )["azure:desk"]
    assert target(found) == [("gunicorn", "main:app")]
    assert (mount(found, "/home").durable, mount(found, "/home").shared) == (True, True)
    assert known(found.workdir) == "/home/site/wwwroot"


def test_functions(read: Any) -> None:
    host = '{"version": "2.0"}'
    found = read({"fn/host.json": host, "fn/function_app.py": "import azure.functions\n"})
    assert found.ids == ["azure:function_app"]
    assert target(found["azure:function_app"]) == [("azure-functions", "function_app.py")]
    old = read(
        {"old/host.json": host, "old/ask/function.json": '{"scriptFile": "main.py"}', "old/ask/main.py": "x = 1\n"}
    )
    assert "azure:ask" in old.ids
