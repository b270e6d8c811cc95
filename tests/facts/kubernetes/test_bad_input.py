"""Whatever stands in manifests, kustomizations and charts, reading them raises nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewmem_doctor.facts.kubernetes import read_kubernetes
from crewmem_doctor.sources.discover import discover
from crewmem_doctor.sources.goexpression import expression
from crewmem_doctor.sources.gotemplate import parse


def check(files: Mapping[str, str]) -> None:
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
        services, gaps, used = read_kubernetes(discover(Path(folder)))
        assert all(gap.path in files for gap in gaps)
        assert used <= set(files)
        for service in services:
            assert service.id.startswith(("k8s:", "cloudrun:"))
            for thing in (service, *service.mounts):
                assert thing.at.path in files


WORDS = st.sampled_from(
    [
        "a",
        "api",
        "/data",
        "$(A)",
        "$$(",
        "$(",
        "{{ .Values.a }}",
        "{ { .x } }",
        "{{ x",
        "",
        "0",
        "-1",
        "3",
        "true",
        "no",
        "~",
        "app=x",
        "*",
        "(",
        "redis:7",
        "acme/api@sha256:0",
        "-",
        "/spec/replicas",
        "é\u2028",
        "sh -c 'a'",
        "../..",
        "\n",
        "null",
    ]
)
KINDS = st.sampled_from(
    [
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Pod",
        "List",
        "Service",
        "ConfigMap",
        "Secret",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "StorageClass",
        "ScaledObject",
        "HorizontalPodAutoscaler",
        "ExternalSecret",
        "Kustomization",
        "Component",
        "Rollout",
    ]
)
KEYS = st.sampled_from(
    [
        "spec",
        "metadata",
        "template",
        "name",
        "namespace",
        "containers",
        "initContainers",
        "volumes",
        "volumeMounts",
        "env",
        "envFrom",
        "value",
        "valueFrom",
        "configMapRef",
        "configMapKeyRef",
        "secretKeyRef",
        "key",
        "image",
        "command",
        "args",
        "emptyDir",
        "hostPath",
        "persistentVolumeClaim",
        "claimName",
        "csi",
        "driver",
        "projected",
        "sources",
        "nfs",
        "mountPath",
        "subPathExpr",
        "securityContext",
        "runAsUser",
        "fsGroup",
        "replicas",
        "accessModes",
        "data",
        "items",
        "labels",
        "jobTemplate",
        "volumeClaimTemplates",
        "scaleTargetRef",
        "maxReplicas",
        "resources",
        "patches",
        "patch",
        "target",
        "path",
        "op",
        "images",
        "newName",
        "count",
        "configMapGenerator",
        "literals",
        "$patch",
        "workingDir",
        "annotations",
        "kind",
    ]
)
NODES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(WORDS, st.integers(-5, 10**20), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)
OBJECTS = st.builds(
    lambda kind, rest: {**(rest if isinstance(rest, dict) else {}), "apiVersion": "apps/v1", "kind": kind},
    KINDS,
    st.dictionaries(KEYS, NODES, max_size=5),
)
PODS = st.builds(
    lambda kind, spec, container: {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "api"},
        "spec": {"template": {"spec": {**spec, "containers": [{"name": "api", "image": "x", **container}]}}},
    },
    KINDS,
    st.dictionaries(KEYS, NODES, max_size=4),
    st.dictionaries(KEYS, NODES, max_size=4),
)
FAST = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FAST
@given(st.lists(st.one_of(OBJECTS, PODS), min_size=1, max_size=4))
def test_objects(documents: list[Any]) -> None:
    check({"k8s/app.yaml": yaml.safe_dump_all(documents, sort_keys=False)})


@FAST
@given(st.lists(PODS, min_size=1, max_size=2), st.dictionaries(KEYS, NODES, max_size=6), NODES)
def test_kustomizations(documents: list[Any], body: dict[str, Any], patch: Any) -> None:
    check(
        {
            "base/kustomization.yaml": "resources: [app.yaml]\n",
            "base/app.yaml": yaml.safe_dump_all(documents),
            "prod/kustomization.yaml": yaml.safe_dump(
                {
                    **body,
                    "resources": ["../base"],
                    "patches": [{"patch": yaml.safe_dump(patch), "target": {"kind": ".*"}}, {"path": "patch.yaml"}],
                }
            ),
            "prod/patch.yaml": yaml.safe_dump(patch),
        }
    )


ACTIONS = st.sampled_from(
    [
        "{{ .Values.a }}",
        "{{- if .Values.b }}",
        "{{ else }}",
        "{{- end }}",
        "{{ end -}}",
        "{{ range $k, $v := .Values.c }}",
        "{{ with .Values.d }}",
        '{{ include "x" . }}',
        '{{ define "x" }}',
        "{{ toYaml .Values | nindent 4 }}",
        "{{",
        "}}",
        '{{ "a',
        "{{ `x",
        "{ { .Values.a } }",
        "{{/* c */}}",
        "{{ $x := 1 }}",
        "{{ $x }}",
        "{{ (.Values.a).b | default }}",
        '{{ printf "%s" }}',
        "{{ index .Values }}",
        "{{ tpl .Values.t . }}",
        "{{ else if .Values.a }}",
        "\n",
        "  a: b\n",
        "- ",
        "x: ",
        "kind: Deployment\n",
        "apiVersion: apps/v1\n",
        "spec:\n",
        "  template:\n",
        "{{ mul 9 .Values.a | int }}",
        '{{ repeat 99999999 "x" }}',
        '{{ trunc -1 "x" | replace "" "y" }}',
        '{{ "\\q" }}',
        "{{ 1 | indent 99999 }}",
    ]
)


@FAST
@given(st.lists(ACTIONS, max_size=14), NODES)
def test_charts(parts: list[str], values: Any) -> None:
    check(
        {
            "chart/Chart.yaml": "name: x\n",
            "chart/values.yaml": yaml.safe_dump({"a": values, "t": "{{ .Values.t }}"}),
            "chart/templates/a.yaml": "apiVersion: apps/v1\nkind: Deployment\n" + "".join(parts),
        }
    )


@FAST
@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    check(
        {
            "chart/Chart.yaml": text,
            "chart/values.yaml": text,
            "chart/templates/a.yaml": text,
            "k8s/kustomization.yaml": text,
            "k8s/a.yaml": "apiVersion: v1\nkind: Pod\n" + text,
        }
    )


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='{}-.$ab()|"` :=/*\n', max_size=60))
def test_any_template(text: str) -> None:
    parse(text)
    expression(text)


@pytest.mark.parametrize(
    "template",
    [
        '{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}',
        "{{ range .Values.l }}" * 30 + "{{ . }}" + "{{ end }}" * 30,
        "{{ if .a }}" * 500,
        "{{ (" * 500 + "1" + ")" * 500 + " }}",
        "{{ " + "1 | indent 9 | " * 300 + "quote }}",
        '{{ define "x" }}{{ range .Values.l }}{{ include "x" $ }}{{ end }}{{ end }}{{ include "x" . }}',
    ],
)
def test_templates_that_never_end(template: str) -> None:
    check(
        {"chart/Chart.yaml": "name: x\n", "chart/values.yaml": "l: [1, 2, 3, 4]\n", "chart/templates/a.yaml": template}
    )
