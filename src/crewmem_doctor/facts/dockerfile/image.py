"""What a Dockerfile builds, as the readers of services need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from crewmem_doctor.model.deployment import Copied, Environment, Mount, Process, User
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.shell import CommandLine, Word


@dataclass(frozen=True, slots=True)
class Account:
    """A line of the image's passwd. `made` says whether the home directory exists, as far as creating it goes."""

    name: str
    home: Answer[str]
    uid: str = ""
    made: Answer[bool] = field(default_factory=lambda: Known(True))


@dataclass(frozen=True, slots=True)
class Image:
    """The stage of a Dockerfile that ships.

    `at` is its last ENTRYPOINT or CMD, else its FROM. `entrypoint` and `cmd` are as written; `processes` is what Docker
    makes of both. `copies` leads from the scan root into the container. `accounts`, `owners` (directory → the users
    that own it, `*` for everybody) and `base_known` serve `user_of`, for a user that a compose file names.
    `files` are files whose text the Dockerfile itself holds (COPY heredocs), by their path in the container.
    """

    path: str
    at: Location
    from_at: Location
    context: str = ""
    stage: str = ""
    stages: tuple[str, ...] = ()
    base_image: str = ""
    base_known: bool = False
    workdir: Answer[str] = field(default_factory=lambda: Known("/"))
    environment: Environment = field(default_factory=Environment)
    user: User = field(default_factory=lambda: User("root", Known("/root")))
    volumes: tuple[Mount, ...] = ()
    copies: tuple[Copied, ...] = ()
    entrypoint: CommandLine | None = None
    cmd: CommandLine | None = None
    processes: tuple[Process, ...] = ()
    packages: tuple[str, ...] = ()
    package_words: tuple[Word, ...] = ()
    requirement_files: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()
    owners: tuple[tuple[str, str], ...] = ()
    made: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, compare=False)
    dev: bool = False
