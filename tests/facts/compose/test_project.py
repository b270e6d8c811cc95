from __future__ import annotations

import pytest

from crewmem_doctor.facts.compose.merge import merge
from crewmem_doctor.sources.yaml import Mapping, Node, Sequence, load


def plain(node: Node | None) -> object:
    if isinstance(node, Mapping):
        return {key.value: plain(value) for key, value in node.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return None if node is None or node.null else node.value


@pytest.mark.parametrize(("base", "over", "merged"), [
    ("a: 1", "b: 2", {"a": "1", "b": "2"}), ("a: 1", "a: 2", {"a": "2"}),
    ("a: {b: 1}", "a: {c: 2}", {"a": {"b": "1", "c": "2"}}),
    ("a: [1]", "a: [2]", {"a": ["1", "2"]}), ("a: {b: 1}", "a:", {"a": {"b": "1"}}), ("a: 1", "a:", {"a": None}),
    ("command: [a]", "command: [b]", {"command": ["b"]}), ("command: a", "command: [b]", {"command": ["b"]}),
    ("command: a", "command:", {"command": None}), ("entrypoint: [a]", "entrypoint: b", {"entrypoint": "b"}),
    ("healthcheck: {test: [a]}", "healthcheck: {test: [b]}", {"healthcheck": {"test": ["b"]}}),
    ("a: [1]", "a: !override [2]", {"a": ["2"]}), ("a: {b: 1}", "a: !override {c: 2}", {"a": {"c": "2"}}),
    ("a: 1\nb: 2", "a: !reset null", {"b": "2"}), ("a: 1", "b: !reset []", {"a": "1"}),
    ("environment: {A: 1}", "environment: [B=2]", {"environment": [{"A": "1"}, "B=2"]}),
    ("env_file: a", "env_file: [b]", {"env_file": ["a", "b"]}), ("tmpfs: /a", "tmpfs: /b", {"tmpfs": ["/a", "/b"]}),
    ("build: ./x", "build: {target: t}", {"build": {"context": "./x", "target": "t"}}),
    ("build: {context: ., target: t}", "build: ./y", {"build": {"context": "./y", "target": "t"}}),
    ("a: {b: 1}", "a: text", {"a": "text"}),
])
def test_merging(base: str, over: str, merged: object):
    (one,), (two,) = load(base, "a.yml")[0], load(over, "b.yml")[0]
    assert plain(merge(one, two)) == merged


class TestExtends:
    def test_in_the_same_file(self, read):
        api = read({"compose.yml": """
            services:
              base: {image: a, environment: {A: 1, B: 1}, volumes: ["d:/d"]}
              middle: {extends: base, environment: {B: 2}}
              api:
                extends: {service: middle}
                command: uvicorn app:app
        """})["api"]
        assert [s.value.value for s in map(api.environment.get, "AB")] == ["1", "2"]
        assert api.mounts[0].target == "/d"
        assert (api.at.line, api.processes[0].server) == (5, "uvicorn")

    def test_another_file_and_its_folder(self, read):
        found = read({
            "compose.yml": "services: {api: {extends: {file: common/app.compose.yml, service: app}, "
                           "volumes: ['./y:/y']}}",
            "common/app.compose.yml": "services: {app: {image: a, env_file: x.env, volumes: ['./x:/x']}}",
            "common/x.env": "A=1\n",
        })
        api = found["api"]
        assert {m.target: m.source for m in api.mounts} == {"/x": "common/x", "/y": "y"}
        assert api.environment.get("A").value.value == "1"
        assert api.mounts[0].at.path == "common/app.compose.yml"
        assert [s.name for s in found.services] == ["api"]

    @pytest.mark.parametrize("extends", [
        "{file: missing.yml, service: x}", "nobody", "api", "{file: other.compose.yml, service: nobody}", "[a]",
        "{service: }",
        "{file: 'https://example.org/c.yml', service: x}", "{file: $FILE, service: x}",
    ])
    def test_what_is_not_there_is_a_gap(self, read, extends: str):
        found = read({"compose.yml": f"services: {{api: {{image: a, extends: {extends}}}}}",
                      "other.compose.yml": "services: {x: {image: y}}"})
        assert len(found.of("compose.yml")) == 1
        assert len(found.gaps) == 1

    def test_circles(self, read):
        found = read({"compose.yml": "services:\n  a: {image: a, extends: b}\n  b: {extends: c}\n  c: {extends: b}\n"})
        assert found["a"].image == "a"
        assert found.gaps


class TestInclude:
    @pytest.mark.parametrize("text", [
        "include: infra/db.compose.yml", "include: [infra/db.compose.yml]", "include:\n  - path: infra/db.compose.yml",
        "include:\n  - path: [infra/db.compose.yml]",
    ])
    def test_forms(self, read, text: str):
        found = read({"compose.yml": f"{text}\nservices: {{api: {{image: a}}}}",
                      "infra/db.compose.yml": "services: {db: {image: postgres, volumes: ['./pg:/pg']}}"})
        assert set(found.of("compose.yml")) == {"api", "db"}
        assert found["db"].mounts[0].source == "infra/pg"
        assert found.gaps == []

    def test_project_directory_and_variables(self, read):
        found = read({
            "compose.yml": "include: [{path: i/x.compose.yml, project_directory: p, env_file: v.env}]\n"
                           "services: {a: {image: a}}",
            "i/x.compose.yml": "services: {x: {image: '${IMG}:${TAG}', volumes: ['./d:/d']}}",
            "v.env": "IMG=redis\nTAG=7\n", ".env": "TAG=8\n",
        })
        assert found["x"].mounts[0].source == "p/d"
        assert found["x"].image == "redis:8"        # what surrounds it wins

    def test_the_including_file_wins(self, read):
        found = read({"compose.yml": "include: [b.compose.yml]\nservices: {db: {image: b}}",
                      "b.compose.yml": "services: {db: {image: a, scale: 2}}"})
        assert (found["db"].image, found["db"].replicas.value) == ("b", 2)

    @pytest.mark.parametrize("text", ["missing.yml", "oci://example.org/x", "compose.yml", "$FILE", "{}", ""])
    def test_what_is_not_there(self, read, text: str):
        found = read({"compose.yml": f"include: [{text}]\nservices: {{api: {{image: a}}}}"})
        assert "api" in {s.name for s in found.services}
        assert len(found.gaps) == (0 if text in ("{}", "") else 1)
