"""Our merged view of generated projects beside that of podman-compose, which is run as a process and never imported.

It needs no engine: a script stands in for `podman` and writes down which containers it is asked to create. What is
compared is what memory depends on: mounts, environment, command, replicas and profiles of each service, through
overlays, `extends`, `include`, anchors and interpolation.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from crewmem_doctor.facts.compose import read_compose
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.discover import discover

FOUND = shutil.which("podman-compose", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
PROJECTS = 16
WORDS = (
    "plain",
    "two words",
    "${SET}",
    "${SET:-other}",
    "${MISSING:-fallback}",
    "${MISSING-dash}",
    "${EMPTY:-filled}",
    "${EMPTY-kept}",
    "a-${SET}-b",
    "$$literal",
    "${MISSING:-${SET}}",
    "${SET:+there}",
    "7",
    "true",
)
NAMES = ("MODE", "TOKEN", "STORE", "LEVEL")
TARGETS = ("/data", "/cache", "/srv/state")
# podman-compose mounts two volumes over one path where Compose takes the overlay's: an overlay adds others here.
OTHERS = ("/overlay", "/more")
IMAGE = "registry.example.org/app:1"
PODMAN = """#!/bin/sh
case "$1" in
  --version) echo "podman version 5.0.0" ;;
  create) { for word in "$@"; do printf '%s\\037' "$word"; done; printf '\\036'; } >> "$LOG"; echo id ;;
  volume) echo '[{}]' ;;
  *) echo '[]' ;;
esac
"""
COMMANDS = (["python", "serve.py"], ["uvicorn", "main:app", "--port", "8000"], ["celery", "-A", "jobs", "worker"])
Tree = dict[str, Any]

pytestmark = [
    pytest.mark.skipif(FOUND is None, reason="podman-compose is not installed: pip install podman-compose"),
    pytest.mark.skipif(os.name == "nt", reason="the script that stands in for podman is one of a POSIX shell"),
]


def service(dice: random.Random, *, full: bool) -> Tree:
    """A service, or with `full` unset the parts of one that an overlay changes."""
    made: Tree = {"image": IMAGE} if full else {}
    if dice.random() < 0.8:
        values = {name: dice.choice(WORDS) for name in dice.sample(NAMES, dice.randint(1, 3))}
        made["environment"] = [f"{k}={v}" for k, v in values.items()] if dice.random() < 0.4 else values
    if dice.random() < 0.7:
        made["volumes"] = [
            mount(dice, target) for target in dice.sample(TARGETS if full else OTHERS, dice.randint(1, 2))
        ]
    if full or dice.random() < 0.4:
        made["command"] = list(dice.choice(COMMANDS))
    if dice.random() < 0.5:
        made["deploy"] = {"replicas": dice.randint(1, 5)}
    return made


def mount(dice: random.Random, target: str) -> Any:
    kind = dice.choice(("named", "bind", "long", "variable"))
    if kind == "long":
        return {"type": "volume", "source": "kept", "target": target}
    source = {"named": dice.choice(("kept", "other")), "bind": "./host", "variable": "${SET}"}[kind]
    return f"{source}:{target}"


def project(root: Path, dice: random.Random) -> list[str]:
    """Writes a project; the files to start it with, in order."""
    base: Tree = {"services": {name: service(dice, full=True) for name in ("api", "worker")}, "volumes": {}}
    base["volumes"] = {"kept": None, "other": None, "known": None}
    if dice.random() < 0.5:
        (root / "common.yaml").write_text(yaml.safe_dump({"services": {"shared": service(dice, full=True)}}))
        base["services"]["worker"] = {
            "extends": {"file": "common.yaml", "service": "shared"},
            **service(dice, full=False),
        }
    if dice.random() < 0.5:
        (root / "part.yaml").write_text(yaml.safe_dump({"services": {"cron": service(dice, full=True)}}))
        base["include"] = ["part.yaml"]
    if dice.random() < 0.4:
        base["services"]["tools"] = {**service(dice, full=True), "profiles": ["tools"]}
    text = yaml.safe_dump(base, sort_keys=False)
    if dice.random() < 0.5:
        text = (
            "x-common: &common\n  MODE: anchored\n  EXTRA: ${SET}\n" + text + "# the rest comes from an anchor\n"
        ).replace(
            "services:\n",
            "services:\n  anchored:\n    image: registry.example.org/app:1\n    command: [python, serve.py]\n"
            "    environment:\n      <<: *common\n      LEVEL: own\n",
            1,
        )
    (root / "compose.yaml").write_text(text)
    (root / ".env").write_text("SET=known\nEMPTY=\n")
    if dice.random() < 0.3:
        return ["compose.yaml"]
    overlay = {"services": {"api": service(dice, full=False)}}
    (root / "compose.override.yaml").write_text(yaml.safe_dump(overlay, sort_keys=False))
    return ["compose.yaml", "compose.override.yaml"]


def theirs(root: Path, files: list[str], tools: Path) -> Tree:
    """The containers that podman-compose would create, and what its merged files say of replicas and profiles."""
    podman, log = tools / "podman", tools / "log"
    podman.write_text(PODMAN)
    podman.chmod(0o755)
    run(root, podman, log, files, "up", "--no-start")
    read = yaml.safe_load(run(root, podman, log, files, "config"))["services"]
    made = [line.split("\037")[:-1] for line in log.read_text().split("\036")[:-1]]
    found = {name: view for words in made for name, view in [created(words, root)]}
    for name, said in read.items():
        if "extends" not in said:  # `config` does not follow it
            found[name]["replicas"] = int((said.get("deploy") or {}).get("replicas", 1))
        found[name]["profiles"] = sorted(said.get("profiles") or ())
    return found


def run(root: Path, podman: Path, log: Path, files: list[str], *words: str) -> str:
    assert FOUND is not None
    command = [
        FOUND,
        "--podman-path",
        str(podman),
        *(w for file in files for w in ("-f", file)),
        "--profile",
        "tools",
        *words,
    ]
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        command, cwd=root, env={**clean, "LOG": str(log)}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def created(words: list[str], root: Path) -> tuple[str, Tree]:
    """A line of `podman create`: options, the image, the command."""
    end = words.index(IMAGE)
    pairs = list(pairwise(words[:end]))
    labels = dict(value.split("=", 1) for option, value in pairs if option == "--label")
    mounts = {tuple(reversed(value.split(":")[:2])) for option, value in pairs if option == "-v"}
    for option, value in pairs:
        if option == "--mount":
            said = dict(part.split("=", 1) for part in value.split(","))
            mounts.add((said["destination"], said["source"].removeprefix(f"{root.name}_")))
    return labels["com.docker.compose.service"], {
        "environment": dict(value.split("=", 1) for option, value in pairs if option == "-e"),
        "mounts": {(target, source.removeprefix(f"{root}/")) for target, source in mounts},
        "command": words[end + 1 :],
    }


def our_view(found: Service) -> Tree:
    settings = {s.name: s.value.value for s in found.environment.settings if isinstance(s.value, Known)}
    assert isinstance(found.replicas, Known)
    return {
        "environment": settings,
        "mounts": {(m.target, os.path.normpath(m.source)) for m in found.mounts},
        "command": list(found.processes[0].words),
        "replicas": found.replicas.value,
        "profiles": sorted(found.profiles),
    }


@pytest.mark.parametrize("seed", range(PROJECTS))
def test_the_same_services(seed: int, tmp_path: Path) -> None:
    root, tools = tmp_path / "project", tmp_path / "tools"
    root.mkdir()
    tools.mkdir()
    files = project(root, random.Random(seed))
    services, _, _ = read_compose(discover(root))
    ours = {found.name: our_view(found) for found in services}
    for name, view in theirs(root, files, tools).items():
        assert {key: value for key, value in ours.pop(name).items() if key in view} == view, name
    assert not ours
