"""Changes of what deployment files say."""

from __future__ import annotations

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.deployment import Mount, Service
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass

VOLUME = "crew-memory"      # the name of a volume that no file has named yet


@dataclass(frozen=True, slots=True)
class MountVolume(Change):
    """Mount a durable volume over `target` (absolute, in the container), and declare it where it is not declared.

    `shared` asks for a volume that several replicas or services can write to at once. `there` says that the volume is
    one that the deployment has already.
    """

    service: Service
    target: str
    volume: str = VOLUME
    shared: bool = False
    there: bool = False


@dataclass(frozen=True, slots=True)
class ReplaceMount(Change):
    """Put a durable volume where `mount`, which does not last (tmpfs, emptyDir, an anonymous volume), is now."""

    service: Service
    mount: Mount
    volume: str = VOLUME


@dataclass(frozen=True, slots=True)
class AllowWriting(Change):
    """Let the service write to what `mount` mounts read-only."""

    service: Service
    mount: Mount


@dataclass(frozen=True, slots=True)
class SetVariable(Change):
    """Give the service the environment variable `name`.

    Where `required` is not empty the value is not known: the dialect writes a placeholder that fails loudly and says
    `required` (`${NAME:?…}`), never a made-up value.
    """

    service: Service
    name: str
    value: str = ""
    required: str = ""


@dataclass(frozen=True, slots=True)
class ReplaceSetting(Change):
    """Give the variable `name` another value in the place that sets it now (`Setting.at`), whatever file that is."""

    at: Location
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class RemoveSetting(Change):
    """Take the variable `name` out of the place that sets it (`Setting.at`)."""

    at: Location
    name: str


@dataclass(frozen=True, slots=True)
class OwnDirectory(Change):
    """Make `path` in the image of the service, owned by the user that the service runs as."""

    service: Service
    path: str

    @property
    def file(self) -> str:
        return self.service.dockerfile


@dataclass(frozen=True, slots=True)
class GiveHome(Change):
    """Give the user that the service runs as a home directory of its own that it can write to."""

    service: Service

    @property
    def file(self) -> str:
        return self.service.dockerfile


@dataclass(frozen=True, slots=True)
class ConfigureServer(Change):
    """Set options of a backing server (`Service.backing`), as its command line or configuration takes them:
    `(("appendonly", "yes"),)` of Redis. An option that is set already gets the new value."""

    service: Service
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PinRequirement(Change):
    """Ask for exactly `version` of `package` where the requirement stands now."""

    at: Location
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class AddRequirement(Change):
    """Ask for `package` beside the requirement at `beside`."""

    beside: Location
    package: str
