"""From a command line to the processes it ends up running: through wrappers, shells and scripts of the tree."""

from __future__ import annotations

from dataclasses import dataclass, replace

from crewmem_doctor.facts.servers import (
    celery,
    django,
    fastapi,
    flask,
    granian,
    gunicorn,
    hypercorn,
    installed,
    python,
    queues,
    supervisord,
    ui,
    uvicorn,
    uwsgi,
)
from crewmem_doctor.facts.servers.branches import follows, inside, taken, tests_of
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.facts.servers.wrappers import unwrap, with_settings
from crewmem_doctor.model.deployment import Process, Setting
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import Branch, Command, Word, commands, split

SERVERS = {name: module.read for module in (
    celery, django, fastapi, flask, granian, gunicorn, hypercorn, installed, queues, ui, uvicorn, uwsgi)
    for name in module.NAMES}
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh"))
# Commands that are over before a service has begun, or only wait for one: never what a container runs.
_TRIVIAL = frozenset((
    "echo", "printf", "exit", "wait", "true", "false", ":", "set", "trap", "return", "sleep", "tail", "shopt", "ulimit", "umask",
    "export", "cd", "source", ".", "mkdir", "chown", "chmod", "cat", "cp", "mv", "rm", "ln", "touch", "ls", "pwd", "shift", "local",
    "read", "unset", "[", "[[", "test", "pip", "pip3", "apt-get", "alembic", "aerich", "prisma", "curl", "wget", "nc", "pg_isready",
    "redis-cli", "psql", "grep", "sed", "awk", "find", "kill", "date", "which", "id", "whoami", "tee", "break", "continue", "eval",
    "declare", "readonly", "break;", "fg", "hostname", "env", "printenv", "ps", "openssl", "envsubst", "npx", "getopts", "let"))
# Servers whose words alone do not tell a program that stays from one that ends.
_WEAK = ("python", "unknown")
_DEPTH = 8
_SCRIPT_CAP = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a command of a script leaves behind for those after it."""

    branches: tuple[Branch, ...]
    settings: tuple[Setting, ...] = ()
    exported: bool = False
    directory: str = ""


def run_words(words: tuple[Word, ...], scene: Scene, depth: int = 0) -> tuple[Process, ...]:
    """The processes of one command given as words."""
    words = _spliced(words, scene)
    if not words or depth > _DEPTH:
        return ()
    name = scene.shown(words[0]).rpartition("/")[2]
    inner = unwrap(words, name, scene)
    if inner is not None:
        return run_words(inner[0], inner[1], depth + 1)
    if name in _SHELLS:
        return _shell(words, scene, depth)
    if name in ("su", "runuser"):
        return _su(words, scene, depth)
    if name in ("watchfiles", "nodemon", "honcho", "concurrently"):
        return _strings(words[1:], scene, depth)
    if name == "supervisord":
        return _supervised(words, scene, depth)
    if python.is_python(name):
        return _python(words, scene, depth)
    if name in SERVERS:
        return SERVERS[name](words, scene)
    return _other(words, name, scene, depth)


def run_script(passage: Passage, scene: Scene, depth: int = 0) -> tuple[Process, ...]:
    """The processes a shell script may end up running: its servers, what it execs or leaves in the background, and the
    last command of each way through it."""
    if depth > _DEPTH or len(passage.text) > _SCRIPT_CAP:
        return ()
    found = commands(passage)
    tests = tests_of(found)
    effects: list[_Effect] = []
    candidates: list[tuple[Command, tuple[Process, ...]]] = []
    for index, command in enumerate(found):
        here = _after(scene, effects, command)
        if not taken(command, here, tests):
            continue
        effect = _effect(command, here)
        if effect is not None:
            effects.append(effect)
        if command.background:
            _forget_joined(found, index, effects)
        words = tuple(command.words)
        if not words or _trivial(words, here):
            continue
        settings = [Setting(name, here.value(word), word.at) for name, word in command.assignments]
        candidates.append((command, run_words(words, with_settings(here, settings), depth + 1)))
    return tuple(p for i, (command, made) in enumerate(candidates) for p in made if _stays(p, command, candidates[i + 1:]))


def _stays(process: Process, command: Command, later: list[tuple[Command, tuple[Process, ...]]]) -> bool:
    """Whether the process is what the script is for, not a step on the way."""
    if process.server not in _WEAK or command.background or command.words[0].text == "exec":
        return True
    return not any(follows(other, command) for other, _ in later if other.after != "|")


def _trivial(words: tuple[Word, ...], scene: Scene) -> bool:
    name = words[0].text.rpartition("/")[2]
    return name in _TRIVIAL and not (name in ("env",) and len(words) > 1) and not (name == "eval" and len(words) > 1) and not (
        name in (".", "source") and len(words) > 1 and scene.find(words[1].text) is not None)


def _after(scene: Scene, effects: list[_Effect], command: Command) -> Scene:
    """The scene that a command finds, given what ran before it."""
    for effect in effects:
        certain = inside(effect.branches, command)
        if effect.directory and certain:
            scene = scene.moved(effect.directory)
        settings = [s if certain else _doubtful(s, scene) for s in effect.settings]
        if settings and effect.exported:
            scene = with_settings(scene, settings)
        elif settings:
            scene = replace(scene, variables=(*scene.variables, *settings))
    return scene


def _doubtful(setting: Setting, scene: Scene) -> Setting:
    """A setting made in a branch that may not have been taken."""
    old = scene.lookup(setting.name)
    value = setting.value
    if isinstance(value, Known) and (old is None or (isinstance(old, Known) and old.value in ("", value.value))):
        return replace(setting, value=Known(value.value, value.at, "medium"))
    answer: Answer[str] = Unknown(f"{setting.name} is set in one branch of a script only", setting.at)
    return replace(setting, value=answer)


def _effect(command: Command, scene: Scene) -> _Effect | None:
    words = command.words
    if not words:
        settings = tuple(Setting(n, scene.value(w), w.at) for n, w in command.assignments)
        # A variable that is in the environment already stays there when it is set anew.
        known = any(scene.environment.get(s.name) is not None for s in settings)
        return _Effect(command.branches, settings, known)
    name = words[0].text
    if name == "cd" and len(words) > 1:
        target = scene.value(words[-1])
        usable = isinstance(target, Known) and not target.value.startswith(("-", "~"))
        return _Effect(command.branches, (), False, target.value) if usable and isinstance(target, Known) else None
    if name in ("export", "declare", "local", "readonly", "typeset"):
        made: list[Setting] = []
        for word in words[1:]:
            key, equals, value = word.text.partition("=")
            if equals and key.isidentifier():
                made.append(Setting(key, scene.value(Word(value, word.at, word.literal)), word.at))
            elif key.isidentifier() and name == "export":
                made.extend(s for s in scene.variables[-50:] if s.name == key)
        return _Effect(command.branches, tuple(made), name == "export") if made else None
    return None


def _forget_joined(found: tuple[Command, ...], index: int, effects: list[_Effect]) -> None:
    """`cd x && serve &` runs in a process of its own: its `cd` does not reach what follows."""
    joined = 0
    while index > 0 and found[index].after in ("&&", "||"):
        index -= 1
        joined += 1
    if joined and effects and effects[-1].directory:
        effects.pop()


def _spliced(words: tuple[Word, ...], scene: Scene) -> tuple[Word, ...]:
    """`"$@"` becomes the arguments, and a lone `$COMMAND` the words of its value."""
    out: list[Word] = []
    for index, word in enumerate(words):
        if word.literal or "$" not in word.text:
            out.append(word)
        elif word.text in ("$@", "$*", "${@}", "${*}"):
            out.extend(scene.arguments or ())
        elif index == 0 and word.text.startswith("$"):
            value = scene.value(word)
            out.extend(split(value.value, value.at or word.at) if isinstance(value, Known) else (word,))
        else:
            out.append(word)
    return tuple(out)


def _shell(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    """`sh -c TEXT`, or `sh SCRIPT`."""
    i = 1
    while i < len(words) and words[i].text.startswith(("-", "+")):
        text = words[i].text
        if not text.startswith("--") and "c" in text[1:] and i + 1 < len(words):
            script = words[i + 1]
            return run_script(Passage(script.text, script.at), replace(scene, arguments=tuple(words[i + 3:])), depth + 1)
        i += 2 if text in ("-o", "+o", "-O", "--rcfile", "--init-file") else 1
    if i >= len(words):
        return ()
    made = _file(words[i:], scene, depth)
    return (scene.process(words, "unknown", scene.shown(words[i])),) if made is None else made


def _file(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...] | None:
    """What a script of the tree runs; None where it is not in the tree, or not for a shell."""
    name = scene.shown(words[0])
    found = scene.read(name)
    if found is None or found[0] in scene.scripts:
        return None
    path, passage = found
    first = passage.text.partition("\n")[0]
    if first.startswith("#!") and "python" in first:
        return (scene.process(words, "python", name),)
    if first.startswith("#!") and "sh" not in first.rpartition("/")[2]:
        return None
    inner = replace(scene, arguments=words[1:], scripts=(*scene.scripts, path))
    return run_script(passage, inner, depth + 1)


def _su(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    for i, word in enumerate(words[:-1]):
        if word.text in ("-c", "--command"):
            return run_script(Passage(words[i + 1].text, words[i + 1].at), scene, depth + 1)
    return (scene.process(words, "unknown"),)


def _strings(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    """The commands that a watcher gets as one word each."""
    out: list[Process] = []
    for word in words:
        if " " in word.text:
            out.extend(run_script(Passage(word.text, word.at), scene, depth + 1))
    return tuple(replace(p, reload=True) for p in out) if words and out else (scene.process(words, "unknown"),) if words else ()


def _supervised(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    programs = supervisord.programs(words, scene)
    out: list[Process] = []
    for program in programs:
        inner = with_settings(replace(scene, cwd=program.directory or scene.cwd, scripts=program.scripts), list(program.settings))
        for process in run_words(split(program.command, program.command.whole), inner, depth + 1):
            count = process.workers
            if program.copies > 1 and isinstance(count, Known):
                process = replace(process, workers=Known(count.value * program.copies, program.at), workers_at=program.at)
            out.append(process)
    return tuple(out) if programs else (scene.process(words, "supervisord"),)


def _python(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    """`python -m gunicorn …` is gunicorn, `python manage.py` is Django."""
    module = python.module_call(words)
    if module:
        name = scene.shown(module[0])
        known = name.partition(".")[0]
        if known == "debugpy":
            return _debugged(module[1:], words[0], scene, depth)
        if known in SERVERS or known in ("opentelemetry", "ddtrace", "newrelic", "coverage"):
            served = run_words((Word(known, module[0].at), *module[1:]), scene, depth + 1)
            return tuple(replace(p, words=tuple(scene.shown(w) for w in words)) for p in served)
        if known == "awslambdaric":
            return (scene.process(words, "lambda", scene.shown(module[1]) if len(module) > 1 else ""),)
    script = python.script_call(words)
    if script and scene.shown(script[0]).rpartition("/")[2] == "manage.py":
        return django.read(script, scene)
    if script and scene.shown(script[0]).rpartition("/")[2] in SERVERS and "." not in script[0].text:
        return run_words(script, scene, depth + 1)      # python /venv/bin/gunicorn
    return python.read(words, scene)


def _debugged(rest: tuple[Word, ...], program: Word, scene: Scene, depth: int) -> tuple[Process, ...]:
    i = 0
    while i < len(rest) and rest[i].text.startswith("-") and rest[i].text != "-m":
        i += 2 if rest[i].text in ("--listen", "--log-to", "--connect") else 1
    return run_words((program, *rest[i:]), scene, depth + 1) if i < len(rest) else ()


def _other(words: tuple[Word, ...], name: str, scene: Scene, depth: int) -> tuple[Process, ...]:
    """A script of the tree, a console script of its package, an entrypoint that hands its arguments on, or unknown."""
    made = _file(words, scene, depth) if "/" in words[0].text or name.endswith((".sh", ".bash")) or scene.files or (
        scene.find(words[0].text) is not None) or "entrypoint" in name else None
    if made is not None:
        return made
    if name.endswith(".py"):
        return (scene.process(words, "python", scene.shown(words[0])),)
    scripted = installed.read_script(words, scene)
    if scripted:
        return scripted
    if ("entrypoint" in name or name.endswith(".sh")) and len(words) > 1:
        handed = run_words(words[1:], scene, depth + 1)
        if handed and handed[0].server != "unknown":
            return handed
    return (scene.process(words, "unknown", name),)
