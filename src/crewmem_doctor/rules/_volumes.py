"""How a durable disk is mounted, in the words of each platform."""

from __future__ import annotations

from crewmem_doctor.model.deployment import Service

_KUBERNETES = """containers:
  - {environment}volumeMounts: [{{name: crew-memory, mountPath: {target}}}]
volumes:
  - name: crew-memory
    persistentVolumeClaim: {{claimName: crew-memory}}"""


def disk(platform: str) -> str:
    """What a person mounts there."""
    return {"compose": "a named volume", "kubernetes": "a persistent volume claim", "fly": "a Fly volume",
            "render": "a Render disk"}.get(platform, "a durable disk")


def mounting(service: Service, target: str, *, storage_dir: bool = False) -> str:
    """The change as it would be written: the disk over `target` and, where asked, CREWAI_STORAGE_DIR on it."""
    name = service.name
    if service.platform == "kubernetes":
        variable = f"env: [{{name: CREWAI_STORAGE_DIR, value: {target}}}]\n    " if storage_dir else ""
        return _KUBERNETES.format(environment=variable, target=target)
    if service.platform == "dockerfile":
        variable = f"-e CREWAI_STORAGE_DIR={target} " if storage_dir else ""
        return f"docker run {variable}-v crew-memory:{target} …"
    if service.platform == "fly":
        variable = f'[env]\n  CREWAI_STORAGE_DIR = "{target}"\n' if storage_dir else ""
        return f'{variable}[mounts]\n  source = "crew_memory"\n  destination = "{target}"'
    if service.platform == "render":
        variable = f"envVars:\n  - {{key: CREWAI_STORAGE_DIR, value: {target}}}\n" if storage_dir else ""
        return f"{variable}disk:\n  name: crew-memory\n  mountPath: {target}"
    if service.platform != "compose":
        return f"CREWAI_STORAGE_DIR={target}" if storage_dir else ""
    variable = f"    environment:\n      CREWAI_STORAGE_DIR: {target}\n" if storage_dir else ""
    return f"services:\n  {name}:\n{variable}    volumes:\n      - crew-memory:{target}\nvolumes:\n  crew-memory:"
