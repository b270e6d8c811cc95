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


def mounting(service: Service, target: str, *, storage_dir: bool = False, home: bool = False, beside: Service | None = None) -> str:
    """The change as it would be written: the disk over `target` and, where asked, CREWAI_STORAGE_DIR and HOME on it.
    `beside` is another service of the same compose file that gets the same."""
    names = [n for n, wanted in (("CREWAI_STORAGE_DIR", storage_dir), ("HOME", home)) if wanted]
    if service.platform == "kubernetes":
        listed = ", ".join(f"{{name: {n}, value: {target}}}" for n in names)
        return _KUBERNETES.format(environment=f"env: [{listed}]\n    " if names else "", target=target)
    if service.platform == "dockerfile":
        variable = "".join(f"-e {n}={target} " for n in names)
        return f"docker run {variable}-v crew-memory:{target} IMAGE"
    if service.platform == "fly":
        variable = "[env]\n" + "".join(f'  {n} = "{target}"\n' for n in names) if names else ""
        return f'{variable}[mounts]\n  source = "crew_memory"\n  destination = "{target}"'
    if service.platform == "render":
        variable = "envVars:\n" + "".join(f"  - {{key: {n}, value: {target}}}\n" for n in names) if names else ""
        return f"{variable}disk:\n  name: crew-memory\n  mountPath: {target}"
    if service.platform != "compose":
        return "\n".join(f"{n}={target}" for n in names)
    variable = "    environment:\n" + "".join(f"      {n}: {target}\n" for n in names) if names else ""
    services = "".join(f"  {one.name}:\n{variable}    volumes:\n      - crew-memory:{target}\n"
                       for one in ((beside, service) if beside is not None else (service,)))
    return f"services:\n{services}volumes:\n  crew-memory:"
