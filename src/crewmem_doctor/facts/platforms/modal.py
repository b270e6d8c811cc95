"""Modal: functions that a Python file itself deploys, and the volumes it gives them."""

from __future__ import annotations

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found, native, service
from crewmem_doctor.facts.platforms.syntax import folder_of
from crewmem_doctor.facts.python.modal_app import ModalFunction, Volume, modal_functions
from crewmem_doctor.model.deployment import Environment, Mount, Process, Service, Setting
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location

_ANY = Unknown("Modal starts as many containers as there are inputs, unless max_containers says otherwise")
_WHERE = "/root"


def read(tree: Tree, path: str, _images: Images) -> Found:
    text = tree.text(path)
    if text is None or "modal" not in text:
        return NOTHING
    return found(_service(tree, path, said) for said in modal_functions(text, path))


def _service(tree: Tree, path: str, said: ModalFunction) -> Service:
    folder = folder_of(path)
    settings = tuple(Setting(name, _value(value, at), at) for name, value, at in said.settings)
    process = Process((path, said.name), said.at, "modal", path[len(folder) :].lstrip("/"))
    bare = service(
        "modal",
        said.name,
        said.at,
        mounts=[_mount(volume) for volume in said.volumes],
        environment=Environment(settings, said.outside),
        replicas=Known(said.most, said.most_at) if said.most is not None else _ANY,
        replicas_at=said.most_at,
        replicas_most=True,
        processes=(process,),
        deployment=path,
        hidden_mounts="" if said.complete else "volumes are mounted at places that the code computes",
    )
    return native(tree, bare, None, folder, _WHERE, workdir=said.workdir)


def _value(text: str | None, at: Location) -> Answer[str]:
    return Known(text, at) if text is not None else Unknown("the code computes it", at)


def _mount(volume: Volume) -> Mount:
    """A volume is one for all containers; each sees what the others have committed by then."""
    if volume.kind == "nfs":
        return Mount(volume.target, "nfs", volume.at, volume.name, shared=True, network="nfs")
    if volume.kind == "bucket":
        return Mount(volume.target, "nfs", volume.at, volume.name, shared=True, network="s3")
    if volume.kind == "volume":
        return Mount(volume.target, "disk", volume.at, volume.name, shared=True)
    return Mount(volume.target, "unknown", volume.at, volume.name, optional="what is mounted there is not known")


PLATFORM = Platform(
    "modal",
    read,
    Dialect(
        "Modal",
        "Python files with a modal.App",
        "functions and classes, max_containers, their own and their App's volumes, image (env, workdir) and "
        "`Secret.from_dict`",
        "request, worker, restart, redeploy, replica, node",
        "other secrets, volumes at computed places, the number of containers without a maximum",
    ),
    needles=(b"modal.App", b"modal.Stub", b"from modal import"),
)
