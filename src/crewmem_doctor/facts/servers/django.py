"""Django's manage.py, and Daphne, the server of Channels."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.sources.shell import Word

NAMES = ("django-admin", "daphne", "manage.py")
# Management commands that end by themselves and run none of the application's own code worth a process.
_ONE_SHOT = frozenset(
    (
        "migrate",
        "makemigrations",
        "collectstatic",
        "createsuperuser",
        "check",
        "compilemessages",
        "makemessages",
        "flush",
        "loaddata",
        "dumpdata",
        "createcachetable",
        "wait_for_db",
        "test",
        "shell",
        "compress",
        "showmigrations",
        "sqlmigrate",
    )
)


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """`runserver` (which reloads) and custom commands; `daphne MODULE:APP`."""
    options = read_options(
        words[1:],
        {"-b": "bind", "-p": "port", "-u": "unix", "-v": "verbosity", "-t": "timeout"},
        "--noreload --nothreading --insecure --noinput --no-input --proxy-headers",
    )
    command = options.first()
    if words[0].text.rpartition("/")[2] == "daphne":
        return (scene.process(words, "daphne", scene.shown(command) if command is not None else ""),)
    if command is None or command.text in _ONE_SHOT:
        return ()
    serves = command.text in ("runserver", "runserver_plus")
    return (scene.process(words, "django", scene.shown(words[0]), reload=serves and "--noreload" not in options.flags),)
