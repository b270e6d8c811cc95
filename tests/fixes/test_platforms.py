"""Fly, Render, and programs on a machine of their own."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from proof import prove

from crewmem_doctor.rules import _trees


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def mended(root: Path, path: str, text: str, tree: dict[str, str]) -> tuple[str, str]:
    for name, body in {**tree, path: text}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(body)
    plan = prove(root)
    return (root / path).read_text(), plan.refused[0].reason if plan.refused else ""


FLY = {
    "tables with an indent": ("""
        app = "crew"

        [env]   # plain ones
          A = "1"
          # the last

        [http_service]
          internal_port = 8000
        """, """
        app = "crew"

        [env]   # plain ones
          A = "1"
          CREWAI_STORAGE_DIR = "/data"
          # the last

        [http_service]
          internal_port = 8000

        [mounts]
          source = "crew_memory"
          destination = "/data"
        """),
    "no table of variables": ("""
        app = "crew"
        [http_service]
        internal_port = 8000
        """, """
        app = "crew"
        [http_service]
        internal_port = 8000

        [env]
        CREWAI_STORAGE_DIR = "/data"

        [mounts]
        source = "crew_memory"
        destination = "/data"
        """),
}


@pytest.mark.parametrize("name", FLY)
def test_a_fly_volume(name: str, tmp_path: Path) -> None:
    before, after = map(dedent, FLY[name])
    text, reason = mended(tmp_path, "fly.toml", before, _trees.service())
    assert not reason
    assert text == after


def test_a_machine_has_one_volume(tmp_path: Path) -> None:
    before = 'app = "crew"\n[mounts]\nsource = "m"\ndestination = "/uploads"\n[http_service]\ninternal_port = 8000\n'
    text, reason = mended(tmp_path, "fly.toml", before, _trees.service())
    assert text == before or "CREWAI_STORAGE_DIR" in text
    assert not reason or "one volume" in reason


def test_a_fly_volume_for_a_user_who_is_not_root_needs_an_entrypoint(tmp_path: Path) -> None:
    tree = _trees.service(Dockerfile=_trees.DOCKERFILE.replace("COPY", "RUN useradd -m bot\nUSER bot\nCOPY"))
    before = 'app = "crew"\n[http_service]\ninternal_port = 8000\n'
    text, reason = mended(tmp_path, "fly.toml", before, tree)
    assert text == before
    assert "belongs to root" in reason


RENDER = dedent("""
    services:
      - type: web
        name: crew{0}
        runtime: python
        startCommand: uvicorn app.main:app
    """)


def test_a_render_disk(tmp_path: Path) -> None:
    tree = {name: text for name, text in _trees.service().items() if name != "Dockerfile"}
    text, reason = mended(tmp_path, "render.yaml", RENDER.format("   # why"), tree)
    assert not reason
    assert text == RENDER.format("   # why") + dedent("""
        x:
            envVars:
              - key: CREWAI_STORAGE_DIR
                value: /data
            disk:
              name: crew-memory
              mountPath: /data
              sizeGB: 1
        """).removeprefix("x:\n")


@pytest.mark.parametrize(("more", "reason"), [
    ("\n    plan: free", "paid plans"), ("\n    numInstances: 2", "several instances"),
    ("\n    disk: {name: x, mountPath: /uploads, sizeGB: 1}", "")])
def test_where_render_gives_none(more: str, reason: str, tmp_path: Path) -> None:
    tree = {name: text for name, text in _trees.service().items() if name != "Dockerfile"}
    text, why = mended(tmp_path, "render.yaml", RENDER.format(more), tree)
    if reason:
        assert text == RENDER.format(more)
        assert reason in why
    else:
        assert text.count("disk:") == 1


UNIT = dedent("""
    [Unit]
    Description=Crew

    [Service]
    User=crew
    WorkingDirectory=/srv/crew
    ExecStart=/srv/crew/venv/bin/uvicorn app.main:app \\
        --port 8000
    Environment="CREWAI_STORAGE_DIR=/tmp/crew" OPENAI_API_KEY=x
    # why

    [Install]
    WantedBy=multi-user.target
    """)


def test_a_unit_gets_a_directory_that_systemd_makes(tmp_path: Path) -> None:
    tree = {name: text for name, text in _trees.service().items() if name != "Dockerfile"}
    text, reason = mended(tmp_path, "deploy/crew.service", UNIT, tree)
    assert not reason
    assert text == UNIT.replace("/tmp/crew", "/var/lib/crew-memory/crewai").replace(
        "=x\n", "=x\nStateDirectory=crew-memory\n")
