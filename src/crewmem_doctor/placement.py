"""Where the records of a memory really land in a running service, and what is mounted there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from crewmem_doctor.model.code import EnvWrite
from crewmem_doctor.model.deployment import Mount
from crewmem_doctor.model.expression import Expr, Fresh, Place, Surroundings, Text, evaluate, join_path, walk
from crewmem_doctor.model.known import Answer, Confidence, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Run
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.releases.paths import Artefact, default_location, honours_path_argument, reads_storage_dir

PER_CALLER = Known("{caller}")      # what stands in a path for a value that each caller brings
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")


@dataclass(frozen=True, slots=True)
class Placement:
    """`path` is absolute inside the container, or Unknown. `display` is what a report prints: the path, or the formula
    with what is not known left as `$HOME`. `mount` covers it; `maybe` are mounts that might, where `path` is Unknown.
    `fresh` is what makes the path new each time, where something does."""

    kind: Literal["process", "path", "server", "unknown"]
    path: Answer[str]
    display: str
    why: str
    mount: Mount | None = None
    maybe: tuple[Mount, ...] = ()
    fresh: Fresh | Place | None = None
    set_at: Location | None = None  # where the path was set, if anywhere

    @property
    def in_layer(self) -> bool:
        """Certainly in the container's own file system: no mount covers it, and none could."""
        return self.kind == "path" and self.mount is None and not self.maybe

    @property
    def temporary(self) -> bool:
        return isinstance(self.path, Known) and is_temporary(self.path.value)


def is_url(where: Expr | None) -> bool:
    """A URL where CrewAI takes a directory (CM107 speaks there)."""
    return (
        isinstance(where, Text)
        and isinstance(where.value, str)
        and "://" in where.value
        and not where.value.startswith(("file:", "memory:"))
    )


def is_temporary(path: str) -> bool:
    return any(path == root or path.startswith(root + "/") for root in TEMPORARY)


def place(run: Run, release: Release) -> Placement:
    """The placement of one memory in one service."""
    store = run.memory.store
    if store.kind != "path":
        return Placement(
            store.kind, Unknown("not a path"), _server(run) if store.kind == "server" else store.why, store.why
        )
    path, why, set_at = locate(run.memory, run.around, release)
    display = path.value if isinstance(path, Known) else _formula(run.memory, run.around, release)
    mount: Mount | None = None
    maybe: tuple[Mount, ...] = ()
    why = path.why if isinstance(path, Unknown) else why
    if isinstance(path, Known):
        mount = covering(run.service.mounts, path.value)
        if mount is None:
            maybe = tuple(m for m in run.service.mounts if "$" in m.target)
            why = f"where {maybe[0].target} is mounted is set outside this tree" if maybe else why
    else:
        maybe = tuple(m for m in run.service.mounts if _could_hold(m, run.memory, run.around))
    return Placement("path", path, display, why, mount, maybe, _fresh(store.where), set_at)


def _fresh(where: Expr | None) -> Fresh | Place | None:
    """The part of a path that is new each time it is computed."""
    for part in walk(where):
        if isinstance(part, Fresh) or (isinstance(part, Place) and part.kind == "temporary"):
            return part
    return None


def covering(mounts: tuple[Mount, ...], path: str) -> Mount | None:
    """The innermost mount whose target is `path` or one of its parents."""
    best: Mount | None = None
    for mount in mounts:
        target = mount.target.rstrip("/") or "/"
        inside = path == target or path.startswith(target.rstrip("/") + "/")
        if inside and (best is None or len(target) >= len(best.target)):
            best = mount
    return best


def where_for(memory: Memory, release: Release) -> Expr | None:
    """The store's own path argument, None where there is none or every release in question ignores it."""
    store = memory.store
    if store.where is None:
        return None
    if memory.kind in ("short_term", "entity") and not release.ever(
        lambda v: honours_path_argument(v, memory.kind, memory.embedder is not None)
    ):
        return None
    return store.where


def described(memory: Memory, release: Release, writes: Iterable[EnvWrite] = ()) -> str:
    """Where the records land as far as the code alone says: "$HOME/.local/share/$APP/memory", APP being the name of the
    working directory. `writes` are the variables that the code sets itself. Empty for a memory that is no path."""
    nowhere = Unknown("no service runs it")
    bare = Surroundings(Known("/$APP"), nowhere, lambda _name: None, lambda _path: nowhere)
    told = {write.name: evaluate(write.value, bare) for write in writes}
    around = replace(bare, variable=told.get)
    return _formula(memory, around, release) if memory.store.kind == "path" else ""


def locate(memory: Memory, around: Surroundings, release: Release) -> tuple[Answer[str], str, Location | None]:
    """Where the records land: an absolute path or the reason why it is not known, a phrase, and what set it."""
    where = where_for(memory, release)
    if where is not None:
        return (
            _absolute(evaluate(where, replace(around, caller=PER_CALLER)), around),
            memory.store.why,
            getattr(where, "at", None) or memory.store.at,
        )
    setting = around.variable("CREWAI_STORAGE_DIR")
    set_at = setting.at if setting is not None else None
    found: list[Answer[str]] = []
    for artefact in artefacts(memory, release):
        answer = _default(artefact, setting, around)
        if answer not in found:
            found.append(answer)
    if len(found) == 1:
        return found[0], "CREWAI_STORAGE_DIR" if setting is not None else "CrewAI's own default", set_at
    known = [a.value for a in found if isinstance(a, Known)]
    if len(known) == len(found):
        common = _common(known)
        if common:
            return (
                Known(common, None, _least(found)),
                "CREWAI_STORAGE_DIR" if setting else "CrewAI's own default",
                set_at,
            )
        return Unknown("releases that the requirement allows put it in different places"), "", set_at
    return next(a for a in found if isinstance(a, Unknown)), "", set_at


def artefacts(memory: Memory, release: Release) -> tuple[Artefact, ...]:
    """The distinct default locations over all releases in question, oldest first.

    What a wide range allows of the first releases, which do not read CREWAI_STORAGE_DIR, no build installs any more.
    """
    out: list[Artefact] = []
    for version in [v for v in release.candidates if reads_storage_dir(v)] or release.candidates:
        artefact = default_location(version, memory.kind)
        if artefact is not None and artefact not in out:
            out.append(artefact)
    return tuple(out) or (_last_resort(release.newest),)


def _last_resort(version: Version) -> Artefact:
    artefact = default_location(version, "memory") or default_location(Version(1, 15, 30), "memory")
    assert artefact is not None, "the unified memory has a default location"
    return artefact


def _least(answers: list[Answer[str]]) -> Confidence:
    return "medium" if any(isinstance(a, Known) and a.confidence != "high" for a in answers) else "high"


def _common(paths: list[str]) -> str:
    """The directory that all paths lie in, empty where that is so high up that it says nothing."""
    pieces = [p.split("/") for p in paths]
    shared: list[str] = []
    for column in zip(*pieces, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    common = "/".join(shared)
    return common if common.count("/") >= 1 and len(common) > 1 else ""


def _absolute(answer: Answer[str], around: Surroundings) -> Answer[str]:
    if isinstance(answer, Unknown):
        return answer
    text = answer.value
    if text.startswith(PER_CALLER.value):
        return Unknown("the caller decides the whole path", answer.at)
    if text.startswith("~"):
        if isinstance(around.home, Unknown):
            return around.home
        text = around.home.value + text[1:]
    if text.startswith("file:"):
        text = text[5:].lstrip("/") if not text.startswith("file:/") else "/" + text[5:].lstrip("/")
    if text.startswith(("/", "$")):
        return Known(join_path(text), answer.at, answer.confidence)
    if isinstance(around.cwd, Unknown):
        return around.cwd
    return Known(join_path(around.cwd.value, text), answer.at, answer.confidence)


def _default(artefact: Artefact, setting: Answer[str] | None, around: Surroundings) -> Answer[str]:
    """CrewAI's formula: ${XDG_DATA_HOME:-$HOME/.local/share}/APP, APP being CREWAI_STORAGE_DIR or the working
    directory's name (crewai_core/paths.py of 1.15.30)."""
    if artefact.base == "cwd":
        return _absolute(Known(artefact.tail), around)
    if isinstance(setting, Known) and artefact.honours_storage_dir and setting.value:
        value = setting.value
        if value.startswith(("/", "$")):
            return Known(join_path(value, artefact.tail), setting.at, setting.confidence)
        if artefact.relative_to == "cwd":
            return _absolute(Known(join_path(value, artefact.tail), setting.at, setting.confidence), around)
        return _in_data_home(value, artefact, around, setting.confidence)
    if isinstance(setting, Unknown) and artefact.honours_storage_dir:
        return setting
    if isinstance(around.cwd, Unknown):
        return around.cwd
    name = around.cwd.value.rstrip("/").rsplit("/", 1)[-1]
    return _in_data_home("$APP" if name == "$PWD" else name, artefact, around, around.cwd.confidence)


def _in_data_home(app: str, artefact: Artefact, around: Surroundings, confidence: Confidence) -> Answer[str]:
    xdg = around.variable("XDG_DATA_HOME")
    if isinstance(xdg, Unknown):
        return xdg
    if isinstance(xdg, Known) and xdg.value:
        return Known(join_path(xdg.value, app, artefact.tail), None, confidence)
    if isinstance(around.home, Unknown):
        return around.home
    least: Confidence = confidence if around.home.confidence == "high" else "medium"
    return Known(join_path(around.home.value, ".local/share", app, artefact.tail), None, least)


def _formula(memory: Memory, around: Surroundings, release: Release) -> str:
    """The path with what is not known left as a name."""
    loose = Surroundings(
        cwd=around.cwd if isinstance(around.cwd, Known) else Known("$PWD"),
        home=around.home if isinstance(around.home, Known) else Known("$HOME"),
        variable=lambda name: _named(around.variable(name), name),
        source=lambda path: _named(around.source(path), "SOURCE") or Known("$SOURCE"),
    )
    answer = locate(memory, loose, release)[0]
    if isinstance(answer, Known):
        return answer.value
    if where_for(memory, release) is not None:
        return "a path that the code computes"
    # Releases on both sides of a change: that of the newest, which a fresh build installs.
    newest = _default(artefacts(memory, release)[-1], loose.variable("CREWAI_STORAGE_DIR"), loose)
    return f"{newest.value} (or elsewhere on older releases)" if isinstance(newest, Known) else "CrewAI's own default"


def _named(answer: Answer[str] | None, name: str) -> Answer[str] | None:
    return Known("$" + name) if isinstance(answer, Unknown) else answer


def _could_hold(mount: Mount, memory: Memory, around: Surroundings) -> bool:
    """Whether a mount might cover a path that is not known. A home that is not known still ends in .local/share."""
    if memory.store.where is not None or isinstance(around.variable("CREWAI_STORAGE_DIR"), Unknown):
        return True
    if isinstance(around.home, Known):
        return True
    home_like = mount.target.rstrip("/")
    return (
        home_like in ("", "/home", "/root")
        or "/.local" in home_like
        or home_like.startswith("/home/")
        or (home_like.count("/") == 1)
    )


def _server(run: Run) -> str:
    where = run.memory.store.where
    if isinstance(where, Text) and isinstance(where.value, str):
        return where.value
    answer = evaluate(where, run.around) if where is not None else None
    return answer.value if isinstance(answer, Known) else run.memory.store.why
