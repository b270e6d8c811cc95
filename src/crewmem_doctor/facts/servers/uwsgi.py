"""uWSGI's flags. Without --lazy-apps the application is loaded once, before the fork."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.facts.servers.workers import workers
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.sources.shell import Word

NAMES = ("uwsgi", "uwsgi-core")
_OPTIONS = {
    "-p": "workers",
    "--processes": "workers",
    "--workers": "workers",
    "-w": "module",
    "--module": "module",
    "--mount": "mount",
    "--wsgi-file": "file",
    "--file": "file",
    "--callable": "callable",
    "--chdir": "chdir",
    "--ini": "config",
    "--yaml": "config",
    "--json": "config",
    "--xml": "config",
    "-H": "home",
    "-s": "socket",
}
_FLAGS = (
    "--master -M --lazy-apps --lazy --enable-threads --vacuum --die-on-term --need-app --single-interpreter "
    "--thunder-lock --disable-logging --strict --http-keepalive --manage-script-name --auto-procname"
)


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    options = read_options(words[1:], _OPTIONS, _FLAGS)
    config = options.get("config") or next(
        (w for w in options.positional if w.text.endswith((".ini", ".yaml", ".yml", ".json", ".xml"))), None
    )
    default = None if config is None else Unknown(f"{scene.shown(config)} may set the processes", config.at)
    count, place = workers(options, scene, "workers", variables=("UWSGI_WORKERS", "UWSGI_PROCESSES"), default=default)
    target = options.get("module") or options.get("file")
    folder = options.get("chdir")
    lazy = bool({"--lazy-apps", "--lazy"} & options.flags)
    return (
        scene.process(
            words,
            "uwsgi",
            scene.shown(target) if target is not None else "",
            workers=count,
            workers_at=place,
            forks=True,
            preload=Known(not lazy) if lazy or config is None else None,
            directory=join_path(scene.cwd, scene.shown(folder)) if folder is not None else scene.cwd,
        ),
    )
