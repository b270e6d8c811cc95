"""render.yaml: a service's disk and its variables."""

from __future__ import annotations

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.fixes.yaml import Yaml
from crewmem_doctor.fixes.yaml_settings import in_list, places, starts, valued
from crewmem_doctor.fixes.yaml_text import Value
from crewmem_doctor.model.changes.deployment import MountVolume, SetVariable
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.yaml import Mapping, Scalar, Sequence

GIGABYTES = 1


def mount(change: MountVolume, sources: Sources) -> list[Edit]:
    """A disk, where Render gives one: one for a service of one instance, on a paid plan, and not for a cron job."""
    yaml, node = _service(change.service, sources)
    replicas = change.service.replicas
    if node.get("disk") is not None:
        raise Refused(f"{change.service.name} has a disk already, and Render gives one; put the store below it")
    if _said(node, "type") in ("cron", "job"):
        raise Refused("Render gives no disk to jobs; keep the records in a server, as docs/recipes shows")
    if _said(node, "plan") == "free":
        raise Refused("Render gives disks to paid plans only; take plan: starter, or keep the records in a server")
    if not isinstance(replicas, Known) or replicas.value > 1:
        raise Refused("a service with a disk cannot run several instances on Render; keep the records in a server")
    disk: dict[str, Value] = {"name": change.volume, "mountPath": change.target, "sizeGB": GIGABYTES}
    return [yaml.put(node.entries[0][0], node, "disk", disk)]


def set_variable(change: SetVariable, sources: Sources) -> list[Edit]:
    """An entry of `envVars`. What is not known is asked for in Render's dashboard (`sync: false`)."""
    yaml, node = _service(change.service, sources)
    item: dict[str, Value] = {"key": change.name, "value": change.value}
    if change.required:
        item = {"key": change.name, "sync": False}
    part = yaml.child(node.entries[0][0], node, "envVars")
    if part is None:
        return [yaml.put(node.entries[0][0], node, "envVars", [item])]
    key, variables = part
    if not isinstance(variables, Sequence) or not variables.items:
        raise Refused(f"envVars at line {key.at.line} of {key.at.path} is no list with entries")
    said = in_list(variables, change.name)
    if said is None:
        return [yaml.append(variables, item)]
    if said.key is None or change.required:
        raise Refused(f"{change.name} is given elsewhere than in {key.at.path}")
    return [valued(yaml, said.key, said.value, change.value)]


def _service(service: Service, sources: Sources) -> tuple[Yaml, Mapping]:
    yaml = sources.parsed(service.at.path, Yaml)
    for _, _, node in yaml.walk():
        if isinstance(node, Mapping) and any(starts(at, service.at) for at in places(node)):
            return yaml, node
    raise Refused(f"{service.name} is not written out in {service.at.path}")


def _said(node: Mapping, name: str) -> str:
    value = node.get(name)
    return value.value.strip() if isinstance(value, Scalar) else ""


DIALECT = Dialect("render", platforms=("render",), editors={MountVolume: mount, SetVariable: set_variable})
