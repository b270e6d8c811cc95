"""The `flask` command: one process, with threads."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.shell import Word

NAMES = ("flask", "quart")
_OPTIONS = {"-A": "app", "--app": "app", "-h": "host", "-p": "port", "-e": "env-file"}
_FLAGS = "--debug --no-debug --reload --no-reload --with-threads --without-threads --debugger --no-debugger"


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """`flask run`; other subcommands end by themselves."""
    options = read_options(words[1:], _OPTIONS, _FLAGS)
    if not any(w.text == "run" for w in options.positional):
        return ()
    app = options.get("app")
    variable = scene.lookup("FLASK_APP")
    if app is not None:
        target = scene.shown(app)
    elif isinstance(variable, Known) and variable.value:
        target = variable.value
    else:
        target = next((name for name in ("wsgi.py", "app.py") if scene.find(name)), "app.py")
    debug = scene.lookup("FLASK_DEBUG")
    reload = bool({"--debug", "--reload"} & options.flags) or (
        isinstance(debug, Known) and debug.value in ("1", "true")
    )
    return (scene.process(words, "flask", target, reload=reload and "--no-reload" not in options.flags),)
