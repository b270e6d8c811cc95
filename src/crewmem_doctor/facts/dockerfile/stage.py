"""One build stage while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from crewmem_doctor.facts.dockerfile.bases import Base
from crewmem_doctor.facts.dockerfile.image import Account
from crewmem_doctor.model.deployment import Copied, Mount, Setting
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.expand import expand
from crewmem_doctor.sources.shell import CommandLine, Word

# Build arguments that every build has, unset unless given.
_PREDEFINED = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "FTP_PROXY", "ALL_PROXY")
_BUILDX = (
    "TARGETPLATFORM",
    "TARGETARCH",
    "TARGETOS",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDARCH",
    "BUILDOS",
    "BUILDVARIANT",
)


@dataclass(slots=True)
class Stage:
    """What a stage holds so far. `owners` are (directory, user) in the order they came to be, later ones win;
    `made` are directories that certainly exist."""

    name: str
    at: Location
    image: str
    base: Base
    escape: str = "\\"
    settings: list[Setting] = field(default_factory=list)
    args: dict[str, Answer[str] | None] = field(default_factory=dict)
    workdir: Answer[str] = field(default_factory=lambda: Known("/"))
    user: str = "root"
    user_at: Location | None = None
    user_why: str = ""  # why the user is not known, where it is not
    entrypoint: CommandLine | None = None
    cmd: CommandLine | None = None
    volumes: list[Mount] = field(default_factory=list)
    copies: list[Copied] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    owners: list[tuple[str, str]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    packages: list[Word] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def child(self, name: str, at: Location) -> Stage:
        """A stage built FROM this one: all but the build arguments is inherited."""
        return Stage(
            name,
            at,
            self.image,
            self.base,
            self.escape,
            list(self.settings),
            {},
            self.workdir,
            self.user,
            self.user_at,
            self.user_why,
            self.entrypoint,
            self.cmd,
            list(self.volumes),
            list(self.copies),
            list(self.accounts),
            list(self.owners),
            list(self.made),
            list(self.packages),
            list(self.requirements),
            dict(self.files),
        )

    def lookup(self, name: str) -> Answer[str] | None:
        """ENV beats ARG, as in Docker."""
        setting = next((s for s in reversed(self.settings) if s.name == name), None)
        if setting is not None:
            value = setting.value
            return Known(value.value, value.at or setting.at, value.confidence) if isinstance(value, Known) else value
        if name in self.args:
            return self.args[name]
        if name in _BUILDX:
            return Unknown(f"{name} depends on the build")
        if name.upper() not in _PREDEFINED and not self.base.known:
            return Unknown(f"{name} may be set by the base image {self.image}")
        return None

    def value(self, word: Word) -> Answer[str]:
        return Known(word.text, word.at) if word.literal else expand(word.text, self.lookup, word.at, self.escape)

    def text(self, word: Word) -> str:
        """The word's text as far as it is known."""
        value = self.value(word)
        return value.value if isinstance(value, Known) else word.text

    def absolute(self, path: str) -> str:
        """A path of the container; one under a working directory that is not known stays relative."""
        if path.startswith("~"):
            home = next((a.home for a in self.accounts if a.name == self.user), None)
            path = (home.value if isinstance(home, Known) else "/root") + path[1:]
        return join_path(self.workdir.value if isinstance(self.workdir, Known) else "", path)

    def is_made(self, path: str) -> bool:
        """Whether the directory certainly exists already."""
        prefix = path.rstrip("/") + "/"
        return path == "/" or any(m == path or m.startswith(prefix) for m in self.made)

    def make(self, path: str, user: str) -> None:
        """`mkdir -p` by that user: what existed keeps its owner."""
        if not self.is_made(path):
            self.made.append(path)
            self.owners.append((path, user))

    def next_uid(self) -> str:
        taken = [int(a.uid) for a in self.accounts if a.uid.isdigit() and len(a.uid) < 6 and 1000 <= int(a.uid) < 60000]
        return str(max(taken, default=999) + 1)
