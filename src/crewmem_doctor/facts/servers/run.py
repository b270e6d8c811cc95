"""From a command line to the processes it ends up running: through wrappers, shells and scripts of the tree."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from crewmem_doctor.facts.servers import (
    celery,
    django,
    fastapi,
    flask,
    granian,
    gunicorn,
    hypercorn,
    installed,
    procfile,
    python,
    queues,
    supervisord,
    ui,
    uvicorn,
    uwsgi,
)
from crewmem_doctor.facts.servers.scene import Scene, span
from crewmem_doctor.facts.servers.script import TRIVIAL, run_script
from crewmem_doctor.facts.servers.wrappers import WRAPPERS, unwrap, with_settings
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import Word, split

Reader = Callable[["tuple[Word, ...]", Scene], "tuple[Process, ...]"]
SERVERS: dict[str, Reader] = {}
for _names, _read in (
    (celery.NAMES, celery.read),
    (django.NAMES, django.read),
    (fastapi.NAMES, fastapi.read),
    (flask.NAMES, flask.read),
    (granian.NAMES, granian.read),
    (gunicorn.NAMES, gunicorn.read),
    (hypercorn.NAMES, hypercorn.read),
    (installed.NAMES, installed.read),
    (queues.NAMES, queues.read),
    (ui.NAMES, ui.read),
    (uvicorn.NAMES, uvicorn.read),
    (uwsgi.NAMES, uwsgi.read),
):
    SERVERS.update(dict.fromkeys(_names, _read))
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh"))
# What a service may be left with although none of it runs the application: a shell to attach to, a wait, its tests.
_TESTS = frozenset(("pytest", "py.test", "tox", "nox"))
_IDLE = TRIVIAL | _TESTS
_ARRAY = re.compile(r"\$\{([A-Za-z_]\w*)\[[@*]\]\}$")
_DEPTH = 8


def run_words(words: tuple[Word, ...], scene: Scene, depth: int = 0) -> tuple[Process, ...]:
    """The processes of one command given as words."""
    words = _spliced(words, scene)
    if not words or depth > _DEPTH:
        return ()
    name = scene.shown(words[0]).rpartition("/")[2]
    inner = unwrap(words, name, scene)
    if inner is not None:
        return run_words(inner[0], inner[1], depth + 1)
    if name in WRAPPERS and len(words) == 1:
        return ()  # `exec 2>&1` and the like
    if name in _SHELLS:
        return _shell(words, scene, depth)
    if name == "eval":
        text = " ".join(scene.shown(w) for w in words[1:])
        return run_text(Passage(text, words[0].at), scene, depth + 1)
    if name in ("su", "runuser"):
        return _su(words, scene, depth)
    if name in ("watchfiles", "nodemon", "concurrently"):
        return _strings(words[1:], scene, depth)
    if name == "supervisord":
        return _supervised(words, scene, depth)
    if name in procfile.NAMES:
        return _procfile(words, scene, depth)
    if python.is_python(name):
        return _python(words, scene, depth)
    if name in SERVERS:
        return SERVERS[name](words, scene)
    if name in _IDLE and words[0].text.startswith((name, "/bin/", "/usr/")):
        return (scene.process(words, "idle"),)
    return _other(words, name, scene, depth)


def run_text(passage: Passage, scene: Scene, depth: int = 0) -> tuple[Process, ...]:
    """The processes of a script."""
    return run_script(passage, scene, depth, run_words) if depth <= _DEPTH else ()


def _spliced(words: tuple[Word, ...], scene: Scene) -> tuple[Word, ...]:
    """`"$@"` becomes the arguments, `"${A[@]}"` and an unquoted `$A` the words that they hold."""
    out: list[Word] = []
    for word in words:
        array = _ARRAY.match(word.text)
        if word.literal or "$" not in word.text:
            out.append(word)
        elif word.text in ("$@", "$*", "${@}", "${*}"):
            out.extend(scene.arguments or ())
        elif array is not None or (word.bare and word.text.startswith("$")):
            value = scene.value(Word("${" + array.group(1) + "}", word.at) if array is not None else word)
            # A word that is not known keeps its place: it may be an option's value.
            parts = split(value.value, value.at or word.at) if isinstance(value, Known) else (word,)
            out.extend([word] if len(parts) == 1 else parts)
        else:
            out.append(word)
    return tuple(out)


def _shell(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    """`sh -c TEXT`, or `sh SCRIPT`."""
    i = 1
    while i < len(words) and words[i].text.startswith(("-", "+")):
        text = words[i].text
        if not text.startswith("--") and "c" in text[1:] and i + 1 < len(words):
            script, arguments = words[i + 1], words[i + 3 :]
            return run_text(Passage(script.text, script.at), replace(scene, arguments=arguments), depth + 1)
        i += 2 if text in ("--rcfile", "--init-file") or (text[1:2] != "-" and text[-1] in "oO") else 1
    if i >= len(words):
        return (scene.process(words, "idle"),)
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
    return run_text(passage, inner, depth + 1)


def _su(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    for i, word in enumerate(words[:-1]):
        if word.text in ("-c", "--command"):
            return run_text(Passage(words[i + 1].text, words[i + 1].at), scene, depth + 1)
    return (scene.process(words, "unknown"),)


def _strings(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    """The commands that a watcher gets as one word each."""
    out: list[Process] = []
    for word in words:
        if " " in word.text:
            out.extend(run_text(Passage(word.text, word.at), scene, depth + 1))
    if not out and words:
        return (scene.process(words, "unknown"),)
    return tuple(replace(p, reload=True) for p in out)


def _supervised(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    programs = supervisord.programs(words, scene)
    out: list[Process] = []
    for program in programs:
        inner = replace(scene, cwd=program.directory or scene.cwd, scripts=program.scripts)
        inner = with_settings(inner, list(program.settings))
        for process in run_words(split(program.command, program.command.whole), inner, depth + 1):
            count = process.workers
            if program.copies > 1 and isinstance(count, Known):
                count = Known(count.value * program.copies, program.at)
                process = replace(process, workers=count, workers_at=program.at)
            out.append(process)
    return tuple(out) if programs else (scene.process(words, "supervisord"),)


def _procfile(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    """`honcho start`: every line of the Procfile is a shell command. `honcho run X` is X."""
    lines = procfile.started(words, scene)
    if lines is None:
        rest = words[2:] if len(words) > 2 and words[1].text == "run" else ()
        return run_words(rest, scene, depth + 1) if rest else (scene.process(words, "unknown", words[0].text),)
    out: list[Process] = []
    for line in lines:
        inner = replace(scene, arguments=(), scripts=(*scene.scripts, line.path))
        for process in run_text(line.command, inner.moved(line.root) if line.root else inner, depth + 1):
            if line.copies > 1 and isinstance(process.workers, Known):
                count = Known(process.workers.value * line.copies, line.at)
                process = replace(process, workers=count, workers_at=line.at)
            out.append(process)
    return tuple(out)


def _python(words: tuple[Word, ...], scene: Scene, depth: int) -> tuple[Process, ...]:
    """`python -m gunicorn …` is gunicorn, `python manage.py` is Django."""
    module = python.module_call(words)
    shown = tuple(scene.shown(w) for w in words)
    if module:
        name = scene.shown(module[0])
        known = name.partition(".")[0]
        if known == "debugpy":
            return _debugged(module[1:], words[0], scene, depth)
        if known in SERVERS or known in ("opentelemetry", "ddtrace", "newrelic", "coverage"):
            served = run_words((Word(known, module[0].at), *module[1:]), scene, depth + 1)
            return tuple(replace(p, words=shown, at=span(words)) for p in served)
        if known in _TESTS:
            return (scene.process(words, "idle"),)
        if known == "awslambdaric":
            return (scene.process(words, "lambda", scene.shown(module[1]) if len(module) > 1 else ""),)
    script = python.script_call(words)
    if script and scene.shown(script[0]).rpartition("/")[2] == "manage.py":
        return tuple(replace(p, words=shown, at=span(words)) for p in django.read(script, scene))
    if script and scene.shown(script[0]).rpartition("/")[2] in SERVERS and "." not in script[0].text:
        return run_words(script, scene, depth + 1)  # python /venv/bin/gunicorn
    return python.read(words, scene)


def _debugged(rest: tuple[Word, ...], program: Word, scene: Scene, depth: int) -> tuple[Process, ...]:
    i = 0
    while i < len(rest) and rest[i].text.startswith("-") and rest[i].text != "-m":
        i += 2 if rest[i].text in ("--listen", "--log-to", "--connect") else 1
    return run_words((program, *rest[i:]), scene, depth + 1) if i < len(rest) else ()


def _other(words: tuple[Word, ...], name: str, scene: Scene, depth: int) -> tuple[Process, ...]:
    """A script of the tree, a console script of its package, an entrypoint that hands its arguments on, or unknown."""
    made = _file(words, scene, depth)
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
