"""uWSGI: flags and .ini files. Without lazy-apps the application is loaded once, before the fork."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import Options, read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.facts.servers.uwsgi_ini import read_ini
from crewmem_doctor.facts.servers.workers import workers
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.sources.shell import Word

NAMES = ("uwsgi", "uwsgi-core")
_LONG = {
    "processes": "workers",
    "workers": "workers",
    "module": "module",
    "wsgi": "module",
    "mount": "mount",
    "wsgi-file": "file",
    "file": "file",
    "callable": "callable",
    "chdir": "chdir",
    "ini": "config",
    "yaml": "config",
    "yml": "config",
    "json": "config",
    "xml": "config",
    "max-requests": "max_requests",
    "env": "env",
}
_OPTIONS = {
    "-p": "workers",
    "-w": "module",
    "-H": "home",
    "-s": "socket",
    "-R": "max_requests",
    **{f"--{name}": canonical for name, canonical in _LONG.items()},
}
_FLAGS = (
    "--master -M --lazy-apps --lazy --enable-threads --vacuum --die-on-term --need-app --single-interpreter "
    "--thunder-lock --disable-logging --strict --http-keepalive --manage-script-name --auto-procname"
)
_FILES = (".ini", ".yaml", ".yml", ".json", ".xml")


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    given = read_options(words[1:], _OPTIONS, _FLAGS)
    config = given.get("config") or next(
        (w for w in given.positional if w.text.partition(":")[0].endswith(_FILES)), None
    )
    found = read_ini(scene.shown(config), scene) if config is not None else None
    options = _joined(given, found[0]) if found is not None else given
    unread = config is not None and found is None
    default: Answer[int] | None = None
    if unread and config is not None:
        default = Unknown(f"{scene.shown(config)} may set the processes", config.at)
    count, place = workers(options, scene, "workers", variables=("UWSGI_WORKERS", "UWSGI_PROCESSES"), default=default)
    lazy = _switch(options, "--lazy-apps") or _switch(options, "--lazy")
    master = _switch(options, "--master") or _switch(options, "-M") or unread
    folder = options.get("chdir")
    most = options.get("max_requests")
    return (
        scene.process(
            words,
            "uwsgi",
            _target(options, scene),
            workers=count,
            workers_at=place,
            # A single process without a master loads the application itself.
            forks=master or not (isinstance(count, Known) and count.value <= 1),
            preload=Known(not lazy) if lazy or not unread else None,
            directory=join_path(scene.cwd, scene.shown(folder)) if folder is not None else scene.cwd,
            max_requests=scene.number(most) if most is not None else None,
            config=(*scene.scripts, *(found[1] if found is not None else ())),
        ),
    )


def _joined(given: Options, read: tuple[tuple[str, Word], ...]) -> Options:
    """The file's options first: what the command line says later wins."""
    values = tuple((_LONG[key], word) for key, word in read if key in _LONG)
    on = {f"--{key}" for key, word in read if key not in _LONG and word.text.lower() in ("1", "true", "yes", "on")}
    return Options((*values, *given.values), given.flags | on, given.positional)


def _switch(options: Options, name: str) -> bool:
    value = options.get(name)  # --lazy-apps=true
    return name in options.flags or (value is not None and value.text.lower() in ("1", "true", "yes", "on"))


def _target(options: Options, scene: Scene) -> str:
    target = options.get("module") or options.get("file")
    if target is None:
        mount = options.get("mount")  # /path=module:app
        return scene.shown(mount).partition("=")[2] if mount is not None else ""
    callable_ = options.get("callable")
    text = scene.shown(target)
    return f"{text}:{scene.shown(callable_)}" if callable_ is not None and ":" not in text else text
