"""Whatever stands in a compose file, reading it raises nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.facts.compose import read_compose
from crewmem_doctor.model.project import Gap


class Files:
    """A tree of texts."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = dict(files)
        self.files = tuple(sorted(files))
        self.python: tuple[str, ...] = ()
        self.hits: tuple[str, ...] = ()
        self.gaps: tuple[Gap, ...] = ()

    def text(self, path: str) -> str | None:
        return self._files.get(path)

    def read(self, path: str) -> bytes | None:
        text = self._files.get(path)
        return None if text is None else text.encode("utf-8", "replace")

    def exists(self, path: str) -> bool:
        return path in self._files

    def is_dir(self, path: str) -> bool:
        return False


def check(files: Mapping[str, str]) -> None:
    tree: Any = Files(files)
    services, gaps, used = read_compose(tree)
    assert used <= set(files)
    assert all(g.path in files for g in gaps)
    for service in services:
        assert service.id == f"compose:{service.name}"
        assert service.at.path in files
        assert service.deployment in files
        for thing in (*service.mounts, *service.processes):
            assert thing.at.path in files


WORDS = st.sampled_from([
    "a", "/data", "./x:/y", "x:/y:ro", "${A}", "${A:-b}", "$A:$B", "KEY", "KEY=v", "env", "", "0", "3", "true", "no",
    "=",
    "::", ":", "gunicorn a:b -w ${N}", "sh -c 'a && b'", "'", "redis:7", "Dockerfile", ".env", "api", "b.compose.yml",
    "oci://x", "\n", "[markup]\x1b[31m", "é\u2028", "~", "..", "${", "$$", "root:0", "global", "bind", "tmpfs",
])
KEYS = st.sampled_from([
    "services", "api", "web", "volumes", "image", "build", "context", "dockerfile", "target", "args", "environment",
    "env_file",
    "path", "required", "command", "entrypoint", "extends", "service", "file", "include", "deploy", "replicas", "mode",
    "placement",
    "constraints", "scale", "user", "working_dir", "read_only", "tmpfs", "volumes_from", "secrets", "configs", "source",
    "type",
    "profiles", "networks", "driver", "driver_opts", "o", "device", "project_directory", "x-y", "<<", "subpath",
    "volume", "format",
    "dockerfile_inline",
])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 10**20), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)), max_leaves=15)
SERVICE = st.dictionaries(KEYS, VALUES, max_size=6)
COMPOSE = st.fixed_dictionaries(
    {"services": st.one_of(VALUES, st.dictionaries(st.sampled_from(["api", "web", "a\x1b[b]"]), SERVICE, max_size=3))},
    optional={"include": VALUES, "volumes": VALUES, "networks": VALUES, "secrets": VALUES})


@given(COMPOSE, COMPOSE, st.text(max_size=30))
@settings(max_examples=250, deadline=None)
def test_any_structure(one: object, two: object, env: str):
    check({"compose.yml": yaml.safe_dump(one), "compose.prod.yml": yaml.safe_dump(two),
        "b.compose.yml": yaml.safe_dump(two),
           ".env": env, "Dockerfile": "FROM python:3.12\nCMD python a.py\n"})


@given(st.text(max_size=120))
@settings(max_examples=150, deadline=None)
def test_any_text(text: str):
    check({"docker-compose.yml": text, "docker-compose.override.yml": "services: {api: {image: a}}"})
    check({"docker-compose.yml": "services:\n  api:\n    image: a\n    " + text, ".env": text})


def test_nesting_and_aliases():
    deep = "services: {api: {image: a, x: " + "[" * 500 + "]" * 500 + "}}"
    bomb = "x: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"x{i}: &{chr(97 + i)} [{','.join(['*' + chr(96 + i)] * 10)}]\n" for i in range(1,
            10)) + "services: {a: {image: a}}\n"
    for text in (deep, bomb):
        tree: Any = Files({"compose.yml": text})
        services, gaps, _ = read_compose(tree)
        assert services == []
        assert len(gaps) == 1
