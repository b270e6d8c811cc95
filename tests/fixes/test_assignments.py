"""Variables in lines of text and in YAML that is no Compose file."""

from __future__ import annotations

import pytest

from crewmem_doctor.fixes.registry import Sources, write
from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.changes.deployment import RemoveSetting, ReplaceSetting
from crewmem_doctor.model.location import Location

NAME = "CREWAI_STORAGE_DIR"


def edited(path: str, text: str, change: Change) -> str:
    sources = Sources(lambda _: text.encode())
    made = write([change], sources)
    return f"refused: {made.reason}" if isinstance(made, Refusal) else sources.document(path).spliced(made).decode()


def place(path: str, text: str, what: str = NAME) -> Location:
    start = text.index(what)
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    return Location(path, line, column, line, column + len(what))


REPLACED = [
    (".env", f"A=1\nexport {NAME}='/tmp/x' # why\n", f"A=1\nexport {NAME}='/data' # why\n"),
    (".env", f"{NAME}=", f"{NAME}=/data"),
    ("Dockerfile", f"ENV A=1 {NAME}=/tmp/x B=2\n", f"ENV A=1 {NAME}=/data B=2\n"),
    ("Dockerfile", f"ENV {NAME} /tmp/x\n", f"ENV {NAME} /data\n"),
    ("deploy/api.service", f'[Service]\nEnvironment=A=1 "{NAME}=/tmp/x"\n', f'[Service]\nEnvironment=A=1 "{NAME}=/data"\n'),
    ("forge.conf", f'environment=A="1",{NAME}="/tmp/x"\n', f'environment=A="1",{NAME}="/data"\n'),
    ("fly.toml", f'[env]\n  {NAME} = "/tmp/x" # why\n', f'[env]\n  {NAME} = "/data" # why\n'),
    ("config.yaml", f"data:\n  {NAME}: /tmp/x # why\n", f"data:\n  {NAME}: /data # why\n"),
    ("k8s.yaml", f"env:\n  - name: {NAME}\n    value: '/tmp/x'\n", f"env:\n  - name: {NAME}\n    value: '/data'\n"),
    ("task.json", f'{{"environment": [{{"name": "{NAME}", "value": "/tmp/x"}}]}}\n',
     f'{{"environment": [{{"name": "{NAME}", "value": "/data"}}]}}\n'),
]
REMOVED = [
    (".env", f"A=1\n{NAME}=/x\nB=2\n", "A=1\nB=2\n"),
    (".env", f"A=1\n{NAME}=/x", "A=1"),
    ("Dockerfile", f"ENV {NAME}=/x\nENV B=1\n", "ENV B=1\n"),
    ("Dockerfile", f"ENV A=1 {NAME}=/x B=2\n", "ENV A=1 B=2\n"),
    ("Dockerfile", f"ENV A=1 \\\n    {NAME}=/x \\\n    B=2\n", "ENV A=1 \\\n    B=2\n"),
    ("api.service", f"Environment={NAME}=/x\nRestart=always\n", "Restart=always\n"),
    ("values.yml", f"env:\n- name: A\n  value: b\n- name: {NAME}\n  value: /x\nend: 1\n", "env:\n- name: A\n  value: b\nend: 1\n"),
]


@pytest.mark.parametrize(("path", "before", "after"), REPLACED)
def test_another_value(path: str, before: str, after: str) -> None:
    change = ReplaceSetting(place(path, before, f'"{NAME}"' if path.endswith(".json") else NAME), NAME, "/data")
    assert edited(path, before, change) == after


@pytest.mark.parametrize(("path", "before", "after"), REMOVED)
def test_a_variable_less(path: str, before: str, after: str) -> None:
    assert edited(path, before, RemoveSetting(place(path, before), NAME)) == after


@pytest.mark.parametrize(("path", "text"), [
    ("c.yaml", f"env: {{A: b, {NAME}: /x}}\n"),                                   # more than it on the line
    ("Dockerfile", f"ENV A=1 \\\n    {NAME}=/x\n"),                               # the line before would go on into nothing
    ("run.sh", f"{NAME}=$HOME/x python main.py\n"),
])
def test_what_would_break_the_line_is_refused(path: str, text: str) -> None:
    assert edited(path, text, RemoveSetting(place(path, text), NAME)).startswith("refused")


@pytest.mark.parametrize(("path", "text"), [
    (".env", f"{NAME}=${{HOME}}/x\n"), ("Dockerfile", f"# ENV {NAME}=/x\n"), ("k8s.yaml", f"env:\n- name: {NAME}\n  valueFrom: {{}}\n"),
    (".env", f"A_{NAME}=/x\n"),
])
def test_what_is_computed_is_refused(path: str, text: str) -> None:
    assert edited(path, text, ReplaceSetting(place(path, text), NAME, "/data")).startswith("refused")
