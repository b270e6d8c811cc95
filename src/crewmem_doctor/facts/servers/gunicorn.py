"""gunicorn: flags, GUNICORN_CMD_ARGS, its configuration file and WEB_CONCURRENCY, in that order of strength."""

from __future__ import annotations

import re

from crewmem_doctor.facts.servers.gunicorn_conf import Config, read_config
from crewmem_doctor.facts.servers.options import Options, read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Process, Setting
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.shell import Word, split

NAMES = ("gunicorn", "gunicorn3")
_OPTIONS = {
    "-w": "workers",
    "--workers": "workers",
    "-c": "config",
    "--config": "config",
    "-k": "class",
    "--worker-class": "class",
    "--chdir": "chdir",
    "-e": "env",
    "--env": "env",
    "-b": "bind",
    "--bind": "bind",
    "-t": "timeout",
    "-n": "name",
    "-u": "user",
    "-g": "group",
    "-m": "umask",
    "-p": "pid",
    "--max-requests": "max_requests",
}
_FLAGS = (
    "--preload --reload --daemon -D --capture-output -R --enable-stdio-inheritance --check-config --print-config "
    "--no-sendfile --reuse-port --proxy-protocol --log-syslog --spew --strip-header-spaces --suppress-ragged-eofs "
    "--do-handshake-on-connect --initgroups -v --version -h --help"
)


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """The master's workers; without preload each loads the application after the fork."""
    more = scene.lookup("GUNICORN_CMD_ARGS")
    extra = split(more.value, more.at or words[0].at) if isinstance(more, Known) else ()
    # What stands later wins, and the command line beats the variable.
    options = read_options((*extra, *words[1:]), _OPTIONS, _FLAGS)
    chdir = options.get("chdir")
    config, files = _config(options, scene)
    target = next((w for w in options.positional if ":" in w.text), options.first())
    directory = scene.shown(chdir) if chdir is not None else config.text("chdir")
    count, place = _workers(options, config, scene)
    preload = _flag((*extra, *words), "--preload") or config.truth("preload_app")
    return (
        scene.process(
            words,
            "gunicorn",
            scene.shown(target) if target is not None else config.text("wsgi_app"),
            workers=count,
            workers_at=place,
            directory=join_path(scene.cwd, directory) if directory else scene.cwd,
            preload=preload,
            forks=True,
            max_requests=_limit(options, config, scene),
            reload="--reload" in options.flags or _holds(config, "reload"),
            environment=(*scene.exported, *_settings(options, scene)),
            config=(*scene.scripts, *files),
        ),
    )


def _flag(words: tuple[Word, ...], name: str) -> Known[bool] | None:
    return next((Known(True, word.at) for word in words if word.text == name), None)


def _workers(options: Options, config: Config, scene: Scene) -> tuple[Answer[int], Location | None]:
    word = options.get("workers")
    if word is not None:
        answer = scene.number(word)
        return answer, answer.at or word.at
    answer_or_none = config.number("workers")
    if answer_or_none is None:
        answer_or_none = scene.variable_number("WEB_CONCURRENCY")
    if answer_or_none is None and config.unread:
        return Unknown(config.unread), None
    return (answer_or_none, answer_or_none.at) if answer_or_none is not None else (Known(1), None)


def _limit(options: Options, config: Config, scene: Scene) -> Answer[int] | None:
    """After how many requests a worker is replaced; 0 is never."""
    word = options.get("max_requests")
    limit = scene.number(word) if word is not None else config.number("max_requests")
    return None if isinstance(limit, Known) and limit.value == 0 else limit


def _config(options: Options, scene: Scene) -> tuple[Config, tuple[str, ...]]:
    """The configuration file that is named, or `gunicorn.conf.py` of the directory gunicorn is started in."""
    word = options.get("config")
    name = scene.shown(word) if word is not None else "gunicorn.conf.py"
    if name.startswith("python:"):
        name = name.removeprefix("python:").replace(".", "/") + ".py"
    name = re.sub(r"^file:", "", name)
    found = scene.read(name)
    if found is None:
        return Config(unread=f"{name} is not in this tree" if word is not None else ""), ()
    return read_config(found[1].text, found[0], scene.lookup), (found[0],)


def _holds(config: Config, name: str) -> bool:
    truth = config.truth(name)
    return truth is not None and truth.value


def _settings(options: Options, scene: Scene) -> tuple[Setting, ...]:
    out = []
    for word in options.all("env"):
        name, equals, value = scene.shown(word).partition("=")
        if equals:
            out.append(Setting(name, Known(value, word.at), word.at))
    return tuple(out)
