"""What a command line finds around it while it is read: variables, files, the working directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from crewmem_doctor.model.deployment import Copied, Environment, Process, Setting
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.expand import expand
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import Word


@dataclass(frozen=True, slots=True)
class Scene:
    """The surroundings of a command.

    `directory` is the folder of the tree that relative files are looked up in where `copies` do not say. `files` are
    texts by their path in the container, `homes` the home directories of its users. The rest changes while a script
    runs: `variables` set in it, those `exported`, the `cwd` it changed to, the `arguments` it was called with (None
    where they are not known) and the `scripts` that were read on the way. `user` is empty where it is not known.
    `alone` says that nothing in the tree runs the image: who does may set more than the image itself.
    """

    environment: Environment = field(default_factory=Environment)
    tree: Tree | None = None
    directory: str = ""
    workdir: Answer[str] = field(default_factory=lambda: Known("/"))
    copies: tuple[Copied, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    homes: Mapping[str, Answer[str]] = field(default_factory=dict)
    user: str = ""
    variables: tuple[Setting, ...] = ()
    exported: tuple[Setting, ...] = ()
    cwd: str = ""
    arguments: tuple[Word, ...] | None = None
    scripts: tuple[str, ...] = ()
    alone: bool = False

    def lookup(self, name: str) -> Answer[str] | None:
        """A variable or a positional parameter; None where it is certainly not set."""
        if name in ("@", "*") or name.isdigit():
            return self._argument(name)
        setting = next((s for s in reversed(self.variables) if s.name == name), None) or self.environment.get(name)
        if setting is None:
            return self.environment.lookup(name)
        value = setting.value
        return Known(value.value, value.at or setting.at, value.confidence) if isinstance(value, Known) else value

    def _argument(self, name: str) -> Answer[str] | None:
        if name == "0":
            return Unknown("the script's own name")
        if self.arguments is None:
            return Unknown("the script's arguments are not known")
        if name in ("@", "*"):
            return Known(" ".join(w.text for w in self.arguments))
        index = int(name[:4]) - 1
        return Known(self.arguments[index].text, self.arguments[index].at) if index < len(self.arguments) else None

    def value(self, word: Word) -> Answer[str]:
        """The word's text with its variables replaced."""
        return Known(word.text, word.at) if word.literal else expand(word.text, self.lookup, word.at)

    def shown(self, word: Word) -> str:
        """The word's text as far as it is known."""
        value = self.value(word)
        return value.value if isinstance(value, Known) else word.text

    def number(self, word: Word) -> Answer[int]:
        """The word as a number; its place is that of the variable where one decides."""
        return as_number(self.value(word), word.at)

    def variable_number(self, *names: str) -> Answer[int] | None:
        """The first of the variables that is set (and not empty), as a number; None where none is."""
        for name in names:
            value = self.lookup(name)
            if isinstance(value, Unknown) and value.why.startswith(f"{name} may be set"):
                continue
            if value is not None and not (isinstance(value, Known) and not value.value.strip()):
                return as_number(value, value.at)
        return None

    def path(self, name: str) -> str:
        """`name` as an absolute path of the container; relative where the working directory is not known."""
        base = self.workdir.value if isinstance(self.workdir, Known) else ""
        return join_path(base, self.cwd, name) if base or self.cwd else join_path(name)

    def find(self, name: str) -> str | None:
        """The path in the tree of a file of the container."""
        tree = self.tree
        if tree is None or not name or len(name) > 4096 or "\0" in name:
            return None
        absolute = self.path(name)
        for copied in reversed(self.copies):
            source = _under(absolute, copied.target, copied.source)
            if source is not None and tree.exists(source) and not tree.is_dir(source):
                return source
        relative = join_path(self.directory, "" if self.cwd.startswith("/") else self.cwd, name)
        if not name.startswith("/") and tree.exists(relative) and not tree.is_dir(relative):
            return relative
        return None

    def read(self, name: str) -> tuple[str, Passage] | None:
        """The text of a file of the container, with the path to report."""
        path = self.find(name)
        if path is None or self.tree is None:
            text = self.files.get(self.path(name))
            return None if text is None else (self.path(name), Passage(text, Location(self.path(name))))
        text = self.tree.text(path)
        return None if text is None else (path, Passage.of(text, path))

    def moved(self, directory: str) -> Scene:
        return replace(self, cwd=join_path(self.cwd, directory) if self.cwd else directory)

    def process(self, words: tuple[Word, ...], server: str, target: str = "", **more: object) -> Process:
        """A process of these words in this scene; `more` are fields of Process."""
        fields: dict[str, object] = {
            "directory": self.cwd,
            "environment": self.exported,
            "config": self.scripts,
            **more,
        }
        return Process(tuple(self.shown(w) for w in words), span(words), server, target, **fields)  # type: ignore[arg-type]


def as_number(value: Answer[str], at: Location | None) -> Answer[int]:
    if isinstance(value, Unknown):
        return Unknown(value.why, value.at or at)
    try:
        return Known(int(value.value.strip()[:9]), value.at or at, value.confidence)
    except ValueError:
        return Unknown(f"{value.value.strip()[:40]!r} is no number", at)


def span(words: tuple[Word, ...]) -> Location:
    """From the first word to the last one that stands in the same file after it."""
    if not words:
        return Location("")
    first = words[0].at
    last = first
    for word in words:
        at = word.at
        if at.path == first.path and (at.end_line, at.end_column) > (last.end_line, last.end_column):
            last = at
    return Location(first.path, first.line, first.column, last.end_line, last.end_column)


def _under(path: str, target: str, source: str) -> str | None:
    if path == target:
        return source
    prefix = target.rstrip("/") + "/"
    return join_path(source, path[len(prefix) :]) if path.startswith(prefix) else None
