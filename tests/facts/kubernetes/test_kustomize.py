"""Overlays, patches and generators."""

from __future__ import annotations

from typing import Any

import pytest

from crewmem_doctor.facts.kubernetes.patches import applied, merged
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, load

from .conftest import deployment, value

BASE = {
    "base/kustomization.yaml": "resources: [app.yaml]\n",
    "base/app.yaml": deployment(
        "{env: [{name: A, value: base}, {name: B, value: base}], volumeMounts: [{name: data, mountPath: /data}]}",
        "volumes: [{name: data, emptyDir: {}}]",
        "replicas: 1",
    ),
}


def overlay(read, text: str, folder: str = "overlays/prod", **files: str):
    more = {f"{folder}/{name}.yaml": body for name, body in files.items()}
    return read({**BASE, f"{folder}/kustomization.yaml": "resources: [../../base]\n" + text, **more})


def test_a_base_is_judged_through_its_overlays(read):
    found = read(
        {
            **BASE,
            **{
                f"overlays/{name}/kustomization.yaml": f"resources: [../../base]\nnamespace: {name}\n"
                for name in ("prod", "dev")
            },
        }
    )
    assert {(s.id, s.dev, s.deployment) for s in found.services} == {
        ("k8s:prod/api", False, "overlays/prod/kustomization.yaml"),
        ("k8s:dev/api", True, "overlays/dev/kustomization.yaml"),
    }


def test_a_base_alone(read):
    assert read(BASE).only.deployment == "base/kustomization.yaml"


def test_names_replicas_and_images(read):
    service = overlay(
        read,
        """
namePrefix: acme-
nameSuffix: -v2
replicas: [{name: api, count: 4}]
images: [{name: acme/api, newName: registry/x, newTag: '9'}]
""",
    ).only
    assert (service.id, service.image, service.replicas.value) == ("k8s:default/acme-api-v2", "registry/x:9", 4)
    assert (service.replicas_at.path, service.replicas_at.line) == ("overlays/prod/kustomization.yaml", 5)
    assert service.at.path == "base/app.yaml"


@pytest.mark.parametrize(
    "key",
    [
        "patchesStrategicMerge: [patch.yaml]",
        "patches: [{path: patch.yaml}]",
        "patches: [{path: patch.yaml, target: {kind: Deployment}}]",
        "patches: [{path: patch.yaml, target: {name: 'a.*', labelSelector: ''}}]",
    ],
)
def test_strategic_merge(read, key):
    service = overlay(
        read,
        key,
        patch="""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api}
        spec:
          template:
            spec:
              containers: [{name: api, env: [{name: B, value: patched}, {name: C, value: new}]}]
              volumes: [{name: data, emptyDir: null, persistentVolumeClaim: {claimName: m}}]
    """,
    ).only
    assert [value(service.environment.lookup(name)) for name in "ABC"] == ["base", "patched", "new"]
    assert service.environment.lookup("B").at.path == "overlays/prod/patch.yaml"
    assert (service.mounts[0].kind, service.mounts[0].source) == ("pvc", "m")


def test_a_patch_of_something_else_changes_nothing(read):
    service = overlay(
        read,
        "patches: [{path: patch.yaml, target: {name: other}}]",
        patch="""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api}
        spec: {replicas: 5}
    """,
    ).only
    assert service.replicas.value == 1


def test_json_6902_inline_keeps_its_place(read):
    service = overlay(
        read,
        """
patches:
  - target: {kind: Deployment, name: api}
    patch: |-
      - op: replace
        path: /spec/replicas
        value: 6
      - {op: remove, path: /spec/template/spec/containers/0/env/0}
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: C, value: c}}
""",
    ).only
    assert service.replicas.value == 6
    assert (service.replicas_at.line, service.replicas_at.column) == (8, 16)
    assert [s.name for s in service.environment.settings] == ["B", "C"]


def test_generators(read):
    found = overlay(
        read,
        """
configMapGenerator:
  - name: settings
    literals: [A=literal, 'Q="quoted"']
    envs: [values.env.yaml]
secretGenerator:
  - {name: keys, literals: [TOKEN=hunter2]}
patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: api}
      spec: {template: {spec: {containers: [{name: api, env: null, envFrom: [
        {configMapRef: {name: settings}}, {secretRef: {name: keys}}]}]}}}
""",
        **{"values.env": "E=from-file\n"},
    ).only.environment
    assert [value(found.lookup(name)) for name in "AQE"] == ["literal", "quoted", "from-file"]
    assert found.get("TOKEN").secret
    assert "hunter2" not in repr(found)


def test_an_overlay_merges_into_a_generated_map(read):
    base = {
        "base/kustomization.yaml": "resources: [app.yaml]\nconfigMapGenerator: [{name: s, literals: [A=1, B=1]}]\n",
        "base/app.yaml": deployment("envFrom: [{configMapRef: {name: s}}]"),
        "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: p-\n"
        "configMapGenerator: [{name: s, behavior: merge, literals: [B=2]}]\n",
    }
    found = read(base).only.environment
    assert [value(found.lookup(name)) for name in "AB"] == ["1", "2"]


def test_components(read):
    found = read(
        {
            **BASE,
            "parts/scale/kustomization.yaml": "kind: Component\nreplicas: [{name: api, count: 3}]\n",
            "prod/kustomization.yaml": "resources: [../base]\ncomponents: [../parts/scale]\n",
        }
    )
    assert found.only.replicas.value == 3


def test_what_refers_to_a_prefixed_name(read):
    scaler = """
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: api}
        spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}, maxReplicas: 8}
    """
    found = read(
        {
            **BASE,
            "base/kustomization.yaml": "resources: [app.yaml, hpa.yaml]\n",
            "base/hpa.yaml": scaler,
            "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: p-\n",
        }
    )
    assert found["p-api"].replicas.value == 8


@pytest.mark.parametrize(
    "text", ["resources: ['https://example.com/x//y?ref=1']\n", "helmCharts: [{name: x}]\n", "replacements: []\n"]
)
def test_what_is_not_built_is_said(read, text):
    assert read(
        {
            **BASE,
            "base/kustomization.yaml": "resources: [app.yaml]\n",
            "prod/kustomization.yaml": "bases: [../base]\n" + text,
        }
    ).gaps


def test_kustomizations_in_a_circle(read):
    assert not read(
        {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a, ../b, .]\n"}
    ).services


# --- patches alone


def node(text: str) -> Node:
    return load(text, "x.yaml")[0][0]


def plain(found: Node | None) -> Any:
    if found is None or isinstance(found, Scalar):
        return None if found is None or found.null else found.value
    return (
        {k.value: plain(v) for k, v in found.items()} if isinstance(found, Mapping) else [plain(i) for i in found.items]
    )


@pytest.mark.parametrize(
    ("base", "patch", "expected"),
    [
        ("{a: 1, b: {c: 2}}", "{b: {d: 3}}", {"a": "1", "b": {"c": "2", "d": "3"}}),
        ("{a: 1, b: 2}", "{a: null}", {"b": "2"}),
        ("{b: {c: 2}}", "{b: {$patch: replace, d: 3}}", {"b": {"d": "3"}}),
        ("{b: {c: 2}, a: 1}", "{b: {$patch: delete}}", {"a": "1"}),
        ("{args: [a, b]}", "{args: [c]}", {"args": ["c"]}),
        (
            "{containers: [{name: a, image: x}, {name: b}]}",
            "{containers: [{name: a, tag: y}, {name: c}]}",
            {"containers": [{"name": "a", "image": "x", "tag": "y"}, {"name": "b"}, {"name": "c"}]},
        ),
        (
            "{containers: [{name: a}, {name: b}]}",
            "{containers: [{name: a, $patch: delete}]}",
            {"containers": [{"name": "b"}]},
        ),
        ("{env: [{name: a}]}", "{env: [{$patch: replace}, {name: z}]}", {"env": [{"name": "z"}]}),
        ("{a: [1]}", "{a: {b: 1}}", {"a": {"b": "1"}}),
    ],
)
def test_merging(base, patch, expected):
    assert plain(merged(node(base), node(patch))) == expected


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ("[{op: add, path: /l/1, value: n}]", {"a": "1", "l": ["x", "n", "y"]}),
        ("[{op: add, path: /l/-, value: n}]", {"a": "1", "l": ["x", "y", "n"]}),
        ("[{op: replace, path: /l/0, value: n}]", {"a": "1", "l": ["n", "y"]}),
        ("[{op: remove, path: /l}]", {"a": "1"}),
        ("[{op: move, from: /a, path: /b}]", {"l": ["x", "y"], "b": "1"}),
        ("[{op: copy, from: /l/0, path: /b}]", {"a": "1", "l": ["x", "y"], "b": "x"}),
        ("[{op: add, path: /a~1b, value: {c~d: 1}}]", {"a": "1", "l": ["x", "y"], "a/b": {"c~d": "1"}}),
        (
            "[{op: remove, path: /nope/1}, {op: add, path: /l/9, value: n}, 7, {op: odd}]",
            {"a": "1", "l": ["x", "y"]},
        ),
    ],
)
def test_operations(patch, expected):
    assert plain(applied(node("{a: 1, l: [x, y]}"), node(patch))) == expected


def test_every_part_keeps_its_place():
    found = merged(node("a: 1\nb: 2\n"), load("\n\nb: 3\n", "patch.yaml")[0][0])
    assert isinstance(found, Mapping)
    assert found.get("b").at == Location("patch.yaml", 3, 4, 3, 5)
    assert found.get("a").at == Location("x.yaml", 1, 4, 1, 5)
