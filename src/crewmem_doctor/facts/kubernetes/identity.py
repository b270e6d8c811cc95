"""Who a container runs as, and what that user may write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from crewmem_doctor.facts.dockerfile import Image, user_of
from crewmem_doctor.facts.kubernetes.nodes import answer, child, mapping, mappings, text
from crewmem_doctor.facts.kubernetes.storage import Volume
from crewmem_doctor.model.deployment import Mount, User
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Scalar, Sequence


def user_in(
    pod: Mapping, container: Mapping, image: Image | None, mounts: Iterable[Mount], volumes: dict[str, Volume]
) -> User:
    """The user that runAsUser or the image names. fsGroup, an init container's chown and an emptyDir open mounts."""
    user = _user(pod, container, image)
    if user.root:
        return user
    grouped = child(pod, "securityContext", "fsGroup") is not None
    opened = _opened(pod)
    names = {node.at: text(node, "name") for node in mappings(container, "volumeMounts")}
    writable = []
    for mount in mounts:
        volume = volumes.get(names.get(mount.at, ""))
        if (
            volume is not None
            and not mount.read_only
            and (volume.open_to == "all" or (volume.open_to == "group" and grouped) or names[mount.at] in opened)
        ):
            writable.append(mount.target)
    return replace(user, owns=tuple(dict.fromkeys((*user.owns, *writable))))


def _user(pod: Mapping, container: Mapping, image: Image | None) -> User:
    for holder in (container, pod):
        given = answer(holder, "securityContext", "runAsUser")
        if given is None:
            continue
        if isinstance(given, Unknown):
            return User("", Unknown(f"the user is not known: {given.why}"), given.at)
        return _numbered(given.value.strip(), given.at, image)
    return image.user if image is not None else User("", Unknown("the image decides"))


def _numbered(uid: str, at: Location | None, image: Image | None) -> User:
    if image is not None:
        return user_of(image, uid, at)
    if uid == "0":
        return User("root", Known("/root"), at)
    why = "the image's passwd decides"
    return User(uid, Unknown(why), at, root=False, home_exists=Unknown(why), owns=("/tmp", "/var/tmp", "/dev/shm"))


def _opened(pod: Mapping) -> set[str]:
    """The volumes that an init container gives away with chown or chmod."""
    found: set[str] = set()
    for container in mappings(pod, "initContainers"):
        words: list[str] = []
        for key in ("command", "args"):
            node = mapping(container).get(key)
            items = node.items if isinstance(node, Sequence) else ()
            words.extend(item.value for item in items if isinstance(item, Scalar))
        script = " ".join(words)
        if "chown" in script or "chmod" in script:
            found.update(
                text(m, "name")
                for m in mappings(container, "volumeMounts")
                if text(m, "mountPath").rstrip("/") in script
            )
    return found
