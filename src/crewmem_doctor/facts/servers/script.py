"""What a shell script runs in the end: its servers, what it execs or leaves behind, and the last command of each way
through it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from crewmem_doctor.facts.servers.branches import certain, follows, inside, taken, tests_of
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.facts.servers.wrappers import with_settings
from crewmem_doctor.model.deployment import Process, Setting
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import Branch, Command, Word, commands

Runner = Callable[["tuple[Word, ...]", Scene, int], "tuple[Process, ...]"]

# Commands that are over before a service has begun, or only wait for one: never what a container runs.
# fmt: off
TRIVIAL = frozenset((
    ".", ":", "[", "[[", "addgroup", "adduser", "aerich", "alembic", "apt-get", "awk", "basename", "break", "cat",
    "cd", "chmod", "chown", "clear", "continue", "cp", "curl", "cut", "date", "declare", "df", "dirname", "echo",
    "envsubst", "exit", "export", "false", "fg", "find", "free", "getent", "getopts", "git", "grep", "groupadd",
    "groupmod", "head", "hostname", "id", "jq", "kill", "let", "ln", "local", "ls", "mkdir", "mv", "nc", "ncat",
    "nproc", "openssl", "pg_isready", "pip", "pip3", "popd", "printenv", "printf", "prisma", "ps", "psql", "pushd",
    "pwd", "read", "readonly", "redis-cli", "return", "rm", "sed", "set", "shift", "shopt", "sleep", "sort", "source",
    "stat", "stty", "tail", "tar", "tee", "test", "touch", "tr", "trap", "true", "typeset", "ulimit", "umask", "uniq",
    "unset", "useradd", "usermod", "wait", "wc", "wget", "which", "whoami", "xargs"))
# fmt: on
# Servers whose words alone do not tell a program that stays from one that ends.
_WEAK = ("python", "unknown", "idle")
_MOST = 2000
_MOST_EFFECTS = 64


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a command of a script leaves behind for those after it, in its branches and up to the command `until`."""

    branches: tuple[Branch, ...]
    settings: tuple[Setting, ...] = ()
    exported: bool = False
    directory: str = ""
    until: int = sys.maxsize

    @property
    def lasting(self) -> bool:
        return not self.branches and self.until == sys.maxsize


@dataclass(frozen=True, slots=True)
class _Candidate:
    command: Command
    processes: tuple[Process, ...]


def run_script(passage: Passage, scene: Scene, depth: int, run: Runner) -> tuple[Process, ...]:
    """The processes a script may end up running. Branches that a known environment rules out are left away."""
    found = commands(passage)[:_MOST]
    tests = tests_of(found)
    functions = {command.function for command in found}
    effects: list[_Effect] = []
    candidates: list[_Candidate] = []
    ended: list[Command] = []
    for index, command in enumerate(found):
        here = _after(scene, effects, command, index)
        if any(follows(command, last) for last in ended) or not taken(command, here, tests):
            continue
        sure = certain(command, here, tests)
        effect = _effect(command, here, () if sure else command.branches)
        if effect is not None:
            effect = replace(effect, until=_reach(found, index) if effect.directory else sys.maxsize)
            scene, effects = _kept(effect, scene, effects)
        words = command.words
        name = words[0].text.rpartition("/")[2] if words else ""
        if not words or name in functions:
            continue
        if (
            sure
            and command.after not in ("&&", "||", "|")
            and not functions - {""}
            and (name == "exit" or (name == "exec" and len(words) > 1))
        ):
            ended.append(command)
        if name in TRIVIAL:
            continue
        settings = [Setting(n, here.value(word), word.at) for n, word in command.assignments]
        candidates.append(_Candidate(command, run(words, with_settings(here, settings), depth + 1)))
    return _distinct([p for i, c in enumerate(candidates) for p in c.processes if _stays(p, c, candidates[i + 1 :])])


def _stays(process: Process, candidate: _Candidate, later: list[_Candidate]) -> bool:
    """Whether the process is what the script is for, not a step on the way."""
    command = candidate.command
    if process.server not in _WEAK or command.background or command.words[0].text == "exec":
        return True
    return not any(follows(other.command, command) for other in later if other.command.after != "|")


def _distinct(found: list[Process]) -> tuple[Process, ...]:
    """Two branches that run the same command are one process; what they set differently is not known."""
    out: dict[tuple[tuple[str, ...], str, str], Process] = {}
    for process in found:
        key = (process.words, process.server, process.directory)
        other = out.setdefault(key, process)
        if other.environment != process.environment:
            both = {s.name: s for s in (*other.environment, *process.environment)}
            why = Unknown("a script sets it in one branch and not in another")
            out[key] = replace(
                other,
                environment=tuple(
                    s if s in other.environment and s in process.environment else replace(s, value=why)
                    for s in both.values()
                ),
            )
    return tuple(out.values())


def _kept(effect: _Effect, scene: Scene, effects: list[_Effect]) -> tuple[Scene, list[_Effect]]:
    """What lasts goes into the scene and undoes what branches did to the same variables; the rest waits for its use."""
    if not effect.lasting:
        return scene, [*effects, effect] if len(effects) < _MOST_EFFECTS else effects
    names = {s.name for s in effect.settings}
    left = [replace(e, settings=tuple(s for s in e.settings if s.name not in names)) for e in effects]
    others = replace(scene, variables=tuple(s for s in scene.variables if s.name not in names))
    return _applied(others, effect, list(effect.settings)), left


def _applied(scene: Scene, effect: _Effect, settings: list[Setting]) -> Scene:
    scene = scene.moved(effect.directory) if effect.directory else scene
    if effect.exported:
        return with_settings(scene, settings)
    return replace(scene, variables=(*scene.variables, *settings)) if settings else scene


def _after(scene: Scene, effects: list[_Effect], command: Command, index: int) -> Scene:
    """The scene that a command finds, given what ran before it."""
    for effect in effects:
        sure = inside(effect.branches, command)
        if index <= effect.until and (sure or effect.settings):
            settings = [s if sure else _doubtful(s, scene) for s in effect.settings]
            scene = _applied(scene, effect if sure else replace(effect, directory=""), settings)
    return scene


def _doubtful(setting: Setting, scene: Scene) -> Setting:
    """A setting made in a branch that may not have been taken."""
    old = scene.lookup(setting.name)
    value = setting.value
    if isinstance(value, Known) and (old is None or (isinstance(old, Known) and old.value in ("", value.value))):
        return replace(setting, value=Known(value.value, value.at, "medium"))
    answer: Answer[str] = Unknown(f"{setting.name} is set in one branch of a script only", setting.at)
    return replace(setting, value=answer)


def _effect(command: Command, scene: Scene, branches: tuple[Branch, ...]) -> _Effect | None:
    words = command.words
    if any(branch.kind == "group" for branch in command.branches):
        branches = command.branches
    if not words:
        settings = tuple(Setting(n, scene.value(w), w.at) for n, w in command.assignments)
        # A variable that is in the environment already stays there when it is set anew.
        known = any(scene.environment.get(s.name) is not None for s in settings)
        return _Effect(branches, settings, known) if settings else None
    name = words[0].text
    if name == "cd" and len(words) > 1:
        target = scene.value(words[-1])
        usable = isinstance(target, Known) and not target.value.startswith(("-", "~"))
        return _Effect(branches, (), False, target.value) if usable and isinstance(target, Known) else None
    if name in ("export", "declare", "local", "readonly", "typeset"):
        made = _declared(words[1:], scene, name == "export")
        return _Effect(branches, made, name == "export") if made else None
    return None


def _declared(words: tuple[Word, ...], scene: Scene, exported: bool) -> tuple[Setting, ...]:
    made: list[Setting] = []
    for word in words:
        name, equals, value = word.text.partition("=")
        if equals and name.isidentifier():
            made.append(Setting(name, scene.value(Word(value, word.at, word.literal)), word.at))
        elif exported and name.isidentifier():
            made.extend([s for s in scene.variables if s.name == name][-1:])
    return tuple(made)


def _reach(found: tuple[Command, ...], index: int) -> int:
    """How far a `cd` reaches: `cd x && serve &` runs in a process of its own."""
    last = index
    while last + 1 < len(found) and found[last + 1].after in ("&&", "||"):
        last += 1
    return last if found[last].background else sys.maxsize
