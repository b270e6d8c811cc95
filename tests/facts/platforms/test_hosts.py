"""Machines of their own: systemd, supervisord, cron, Makefiles."""

from __future__ import annotations

from typing import Any

from crewmem_doctor.model.known import Unknown
from crewmem_doctor.placement import covering

from .conftest import DOCKERFILE, known, mount, target, variable

UNIT = """
    [Service]
    User=crew
    WorkingDirectory=/opt/desk
    Environment=MODE=prod "NAME=a b"
    Environment=HOST=%H
    EnvironmentFile=-/opt/desk/prod.env
    EnvironmentFile=/etc/desk.env
    ExecStartPre=/bin/true
    ExecStart=-/opt/desk/.venv/bin/gunicorn \\
      --workers 3 \\
      main:app
    StateDirectory=desk
    PrivateTmp=yes
    ProtectHome=read-only
    """


def test_unit(read: Any) -> None:
    found = read({"deploy/desk.service": UNIT, "main.py": "app = None\n", "prod.env": "EXTRA=1\n"})["systemd:desk"]
    assert target(found) == [("gunicorn", "main:app")]
    assert (known(found.processes[0].workers), found.processes[0].workers_at.line) == (3, 10)
    assert (known(found.workdir), known(found.user.home), found.user.root) == ("/opt/desk", "/home/crew", False)
    assert [variable(found, n) for n in ("MODE", "NAME", "HOST", "EXTRA", "STATE_DIRECTORY")] == [
        "prod",
        "a b",
        "?",
        "1",
        "/var/lib/desk",
    ]
    assert any("/etc/desk.env" in why for why in found.environment.open)
    assert [(c.source, c.target) for c in found.copies] == [(".", "/opt/desk")]
    root = mount(found, "/")
    assert (root.durable, root.shared, root.read_only) == (True, True, False)
    assert not covering(found.mounts, "/tmp/x").durable
    assert covering(found.mounts, "/home/crew/.local").read_only
    assert covering(found.mounts, "/var/lib/desk/m").durable
    assert not found.orchestrated


def test_strict_units(read: Any) -> None:
    found = read(
        {
            "a.service": """
        [Service]
        DynamicUser=yes
        ExecStart=/usr/bin/python3 /opt/a/main.py
        ReadWritePaths=/srv/a
        CacheDirectory=a
        """
        }
    )["systemd:a"]
    assert covering(found.mounts, "/opt/a/memory").read_only
    assert not covering(found.mounts, "/srv/a/memory").read_only
    assert not covering(found.mounts, "/var/cache/a/memory").read_only
    assert covering(found.mounts, "/tmp/x").kind == "tmpfs"
    assert known(found.user.home) == "/"
    assert known(found.workdir) == "/"


def test_units_that_are_none(read: Any) -> None:
    found = read(
        {
            "a.service": "[Unit]\nDescription=x\n",
            "b.service": "[Service]\nExecStart=/usr/bin/node server.js\n",
            "c.service": "[Service]\nExecStart=/usr/bin/docker compose up\n",
        }
    )
    assert not found.services


SUPERVISOR = """
    [supervisord]
    environment=SHARED="1"

    [program:api]
    command=uvicorn main:app --workers 2   ; a comment
    directory=/srv/desk
    numprocs=2
    user=crew
    environment=MODE="prod",KEY="%(ENV_KEY)s"

    [program:off]
    command=python x.py
    autostart=false
    """


def test_supervisord(read: Any) -> None:
    found = read({"etc/supervisord.conf": SUPERVISOR, "main.py": "app = None\n"})
    assert found.ids == ["supervisord:api"]
    api = found["supervisord:api"]
    assert (known(api.processes[0].workers), api.processes[0].workers_at.line) == (4, 7)
    assert [variable(api, n) for n in ("SHARED", "MODE", "KEY")] == ["1", "prod", "?"]
    assert mount(api, "/").durable


def test_supervisord_in_a_container(read: Any) -> None:
    files = {"supervisord.conf": SUPERVISOR, "Dockerfile": 'FROM python:3.12\nCOPY . .\nCMD ["supervisord"]\n'}
    assert read(files).ids == ["dockerfile:Dockerfile"]


def test_crontab(read: Any) -> None:
    found = read(
        {
            "crontab": """
        MODE=prod
        # m h dom mon dow command
        0 3 * * * cd /opt/desk && .venv/bin/python nightly.py >> log 2>&1
        @reboot /usr/bin/true
        """,
            "deploy/cron.d/desk": "",
            "nightly.py": "print()\n",
        }
    )
    assert found.ids == ["cron:nightly.py"]
    job = found["cron:nightly.py"]
    assert target(job) == [("python", "nightly.py")]
    assert (variable(job, "MODE"), job.at.line, job.processes[0].directory) == ("prod", 3, "/opt/desk")
    assert isinstance(job.user.home, Unknown)


def test_cron_in_a_container(read: Any) -> None:
    found = read(
        {
            "crontab": "0 3 * * * python a.py\n",
            "Dockerfile": "FROM python:3.12\nCOPY crontab /etc/cron.d/x\nCMD cron -f\n",
        }
    )
    assert found.ids == ["dockerfile:Dockerfile"]


MAKE = "run: install\n\tuvicorn main:app --workers 2\ntest:\n\tpytest\nstart:\n\tpython main.py\n"


def test_makefiles_are_weak(read: Any) -> None:
    found = read({"Makefile": MAKE})
    assert found.ids == ["make:run"]
    assert found["make:run"].dev
    assert (found["make:run"].at.line, known(found["make:run"].processes[0].workers)) == (1, 2)


def test_makefiles_beside_a_deployment(read: Any) -> None:
    assert read({"Makefile": MAKE, "Dockerfile": DOCKERFILE}).ids == ["dockerfile:Dockerfile"]
