"""A fixture as a deployment in scratch directories: layers of containers, volumes that outlive them, and variables."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CLAIMS = Path(__file__).resolve().parents[2] / "fixtures" / "claims"
# What stands for a path in the container: the places of the fixtures' code.
PLACES = re.compile(r"""(["'])(/(?:data|tmp|cache)\b[^"']*)""")
LENDS = {"psycopg": ("psycopg", "psycopg_binary"), "anthropic": ("anthropic",), "ollama": ("ollama",)}


def _compose(document: Mapping[str, Any]) -> Mapping[str, Any]:
    chat = document["services"]["chat"]
    words = shlex.split(chat.get("command") or "")
    flags = dict(b.split("=", 1) for a, b in itertools.pairwise(words) if a == "--env")
    variables = {**chat["environment"], **flags}
    return {"environment": variables, "volumes": [v.split(":")[1] for v in chat.get("volumes", ())], "tmpfs": chat.get("tmpfs", [])}


def _kubernetes(document: Mapping[str, Any]) -> Mapping[str, Any]:
    container = document["spec"]["template"]["spec"]["containers"][0]
    return {"environment": {v["name"]: v.get("value") or f"${{{v['name']}}}" for v in container["env"]}, "volumes": [], "tmpfs": []}


def read(folder: Path) -> Mapping[str, Any]:
    """Variables, volumes and tmpfs of the service `chat`. A tree without a deployment is run as it stands."""
    for name, reader in (("compose.yaml", _compose), ("k8s/deployment.yaml", _kubernetes)):
        if (folder / name).exists():
            return reader(yaml.safe_load((folder / name).read_text(encoding="utf-8")))
    return {"environment": {"OPENAI_API_KEY": "${OPENAI_API_KEY}"}, "volumes": [], "tmpfs": []}


def routes(folder: Path) -> Iterator[tuple[str, str]]:
    for method, path in re.findall(r'@app\.(get|post)\("([^"]+)"\)', (folder / "app.py").read_text(encoding="utf-8")):
        yield method.upper(), path


def lends(folder: Path) -> Iterator[tuple[str, ...]]:
    """The packages that its requirements name, and that the interpreters with CrewAI lack."""
    wanted = (folder / "requirements.txt").read_text(encoding="utf-8")
    return (packages for name, packages in LENDS.items() if re.search(rf"\b{name}\b", wanted))


class Stage:
    """The directories of one deployment. `operator` is what whoever deploys gives: values by the name of a variable."""

    def __init__(self, folder: Path, root: Path, operator: Mapping[str, str], hosts: Mapping[str, str]) -> None:
        self.folder, self.root, self._operator, self._hosts = folder, root, operator, hosts
        self.given = read(folder)

    def place(self, layer: str, path: str) -> str:
        """Where a path of the container really is: on its volume, or in its own layer."""
        for target in self.given["volumes"]:
            if path == target or path.startswith(f"{target}/"):
                return f"{self.root}/volumes{path}"
        return f"{self.root}/layers/{layer}{path}"

    def container(self, layer: str) -> dict[str, Any]:
        """What a process in that layer is started with. The layer is made from the image when it is new."""
        app = Path(self.place(layer, "/app"))
        if not app.exists():
            for path in ("/root", "/tmp", *self.given["volumes"], *self.given["tmpfs"]):
                Path(self.place(layer, path)).mkdir(parents=True, exist_ok=True)
            app.mkdir()
            for file in self.folder.glob("*.py"):
                code = PLACES.sub(lambda m: m[1] + self.place(layer, m[2]), file.read_text(encoding="utf-8"))
                (app / file.name).write_text(self._resolved(code), encoding="utf-8")
        return {"env": {**self._variables(layer), "HOME": self.place(layer, "/root"), "TMPDIR": self.place(layer, "/tmp")},
                "cwd": str(app), "mounts": [self.place(layer, target) for target in self.given["volumes"]],
                "log": f"{self.root}/log"}

    def _variables(self, layer: str) -> dict[str, str]:
        found = {}
        for name, value in self.given["environment"].items():
            value = re.sub(r"\$\{(\w+)\}", lambda m: self._operator[m[1]], value)
            found[name] = self.place(layer, value) if value.startswith("/") else self._resolved(value)
        return found

    def _resolved(self, text: str) -> str:
        for host, url in self._hosts.items():
            text = text.replace(host, url)
        return text
