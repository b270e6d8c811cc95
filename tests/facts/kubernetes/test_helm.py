"""Charts, judged with their values."""

from __future__ import annotations

import pytest
import yaml

from crewmem_doctor.facts.kubernetes.manifests import Manifests
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.sources.discover import discover

from .conftest import validate, value

TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Chart.Name }}-api
spec:
  replicas: {{ .Values.replicaCount }}
  template:
    spec:
      containers:
        - name: api
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          env:
            - name: MODE
              value: {{ .Values.mode | default "plain" | quote }}
            {{- range $key, $value := .Values.env }}
            - name: {{ $key | upper }}
              value: {{ $value | quote }}
            {{- end }}
          {{- if .Values.persistence.enabled }}
          volumeMounts:
            - name: data
              mountPath: {{ .Values.persistence.path }}
          {{- end }}
      {{- if .Values.persistence.enabled }}
      volumes:
        - name: data
          persistentVolumeClaim:
            claimName: data
      {{- end }}
"""
VALUES = """\
replicaCount: 2
image:
  repository: acme/api
persistence:
  enabled: true
  path: /data
env:
  crewai_storage_dir: /data/x
"""


def chart(read, template: str = TEMPLATE, values: str = VALUES, **files: str):
    more = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
    return read(
        {
            "chart/Chart.yaml": "apiVersion: v2\nname: crew\nversion: 1.0.0\nappVersion: '3'\n",
            "chart/values.yaml": values,
            "chart/templates/app.yaml": template,
            **more,
        }
    )


def test_what_the_values_decide(read):
    service = chart(read).only
    assert (service.id, service.image, service.deployment) == ("k8s:default/crew-api", "acme/api:3", "chart/Chart.yaml")
    assert value(service.environment.lookup("CREWAI_STORAGE_DIR")) == "/data/x"
    assert value(service.environment.lookup("MODE")) == "plain"
    assert [(m.target, m.kind) for m in service.mounts] == [("/data", "pvc")]
    assert not service.environment.open[1:]


def test_a_value_s_place_is_where_one_would_change_it(read):
    service = chart(read).only
    assert service.replicas == Known(2, service.replicas_at, "medium")
    assert (service.replicas_at.path, service.replicas_at.line, service.replicas_at.column) == (
        "chart/values.yaml",
        1,
        15,
    )
    storage = service.environment.lookup("CREWAI_STORAGE_DIR")
    assert (storage.at.path, storage.at.line) == ("chart/values.yaml", 8)


def test_the_rest_stands_in_the_template(read):
    service = chart(read).only
    assert (service.at.path, service.at.line, service.at.column) == ("chart/templates/app.yaml", 4, 9)
    assert (service.mounts[0].at.path, service.mounts[0].at.line) == ("chart/templates/app.yaml", 21)


def test_switched_off(read):
    service = chart(read, values=VALUES.replace("true", "false")).only
    assert not service.mounts


@pytest.mark.parametrize(
    "condition",
    [
        "and .Values.persistence.enabled (not .Values.persistence.existing)",
        'eq .Values.persistence.path "/data"',
        "or .Values.nope .Values.persistence.enabled",
        'ne (toString .Values.replicaCount) "1"',
        "gt (int .Values.replicaCount) 1",
        'hasKey .Values.persistence "path"',
        "$.Values.persistence.enabled",
    ],
)
def test_conditions(read, condition):
    assert chart(read, TEMPLATE.replace("if .Values.persistence.enabled", f"if {condition}")).only.mounts


def test_a_condition_that_nobody_knows(read):
    """What may be mounted is shown, and anything else may be as well."""
    found = chart(read, TEMPLATE.replace("if .Values.persistence.enabled", 'if .Capabilities.APIVersions.Has "x"'))
    assert any("$" in m.target for m in found.only.mounts)
    assert {g.kind for g in found.gaps} == {"template"}


def test_else_and_nesting(read):
    template = TEMPLATE.replace(
        "replicas: {{ .Values.replicaCount }}",
        """\
{{- if .Values.nope }}
  replicas: 7
  {{- else if eq .Values.mode "big" }}
  replicas: {{ mul .Values.replicaCount 2 }}
  {{- else }}
  replicas: 1
  {{- end }}""",
    )
    assert chart(read, template, VALUES + "mode: big\n").only.replicas.value == 4
    assert chart(read, template, VALUES + "mode: small\n").only.replicas.value == 1


HELPERS = """\
{{- define "crew.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}{{ .Release.Name }}{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- define "crew.volumes" }}
- name: data
  emptyDir: {}
{{- end }}
"""


@pytest.mark.parametrize(
    ("values", "expected"), [("", "crew"), ("fullnameOverride: bot\n", "bot"), ("nameOverride: x\n", "crew-x")]
)
def test_names_out_of_helpers(read, values, expected):
    found = chart(
        read,
        TEMPLATE.replace("{{ .Chart.Name }}-api", '{{ include "crew.fullname" . }}'),
        VALUES + values,
        chart__templates___helpers_dot_tpl=HELPERS,
    )
    assert found.only.name == expected
    assert (found.only.at.path, found.only.at.line) == ("chart/templates/app.yaml", 4)


def test_blocks_out_of_helpers_and_values(read):
    template = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
        - name: api
          image: x
          {{- with .Values.mounts }}
          volumeMounts:
            {{- toYaml . | nindent 12 }}
          {{- end }}
      volumes:
        {{- include "crew.volumes" . | nindent 8 }}
"""
    values = "mounts:\n  - name: data\n    mountPath: /data\n    readOnly: true\n"
    mount = chart(read, template, values, chart__templates___helpers_dot_tpl=HELPERS).only.mounts[0]
    assert (mount.target, mount.kind, mount.read_only) == ("/data", "emptydir", True)
    assert (mount.at.path, mount.at.line) == ("chart/values.yaml", 2)


@pytest.mark.parametrize(
    "block",
    [
        "volumeMounts: {{ toYaml .Values.nope }}",
        "{{- toYaml .Values.nope | nindent 10 }}",
        "volumeMounts:\n            {{- toYaml .Values.nope | nindent 12 }}",
    ],
)
def test_a_block_that_nobody_knows(read, block):
    template = TEMPLATE.replace("          env:\n", f"          {block}\n          env:\n", 1)
    service = chart(read, template, VALUES.replace("true", "false")).only
    assert any("$" in m.target for m in service.mounts)
    assert isinstance(service.environment.lookup("ELSE") or Unknown(""), Unknown)


def test_resources_that_nobody_knows_do_not_matter(read):
    template = TEMPLATE.replace(
        "          env:\n",
        "          resources:\n            {{- toYaml .Values.nope | nindent 12 }}\n          env:\n",
        1,
    )
    found = chart(read, template)
    assert not any("$" in m.target for m in found.only.mounts)
    assert not found.gaps


def test_a_formatter_took_the_braces_apart(read):
    """No helm renders that: it is said, and a plain path into the values still counts for a little."""
    found = chart(read, TEMPLATE.replace("{{ .Values.replicaCount }}", "{ { .Values.replicaCount } }"))
    assert [(g.kind, g.line) for g in found.gaps] == [("template", 6)]
    assert (value(found.only.replicas), found.only.replicas_at.path) == (2, "chart/values.yaml")
    damaged = chart(read, TEMPLATE.replace("{{ .Values.replicaCount }}", "{ { - toYaml .Values.nope | nindent 12 } }"))
    assert isinstance(damaged.only.replicas, (Unknown, Known))


def test_a_line_that_does_not_become_yaml(read):
    found = chart(read, TEMPLATE.replace("value: {{ $value | quote }}", 'value: "{{ $value | quote }}"'))
    assert isinstance(found.only.environment.lookup("CREWAI_STORAGE_DIR"), Unknown)
    assert found.only.mounts


def test_scaling_out_of_values(read):
    template = (
        TEMPLATE
        + """\
---
{{ if .Values.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: x}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .Release.Name }}-api}
  maxReplicas: {{ .Values.autoscaling.maxReplicas }}
{{ end }}
"""
    )
    on = chart(read, template, VALUES + "autoscaling: {enabled: true, maxReplicas: 9}\n").only
    assert (on.replicas.value, on.replicas_at.path) == (9, "chart/values.yaml")
    assert chart(read, template, VALUES + "autoscaling: {enabled: false, maxReplicas: 9}\n").only.replicas.value == 2


def test_charts_inside_charts(read):
    inner = {
        "chart/charts/db/Chart.yaml": "name: db\nversion: 1.0.0\n",
        "chart/charts/db/values.yaml": "tag: '1'\n",
        "chart/charts/db/templates/db.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}-db"}
spec: {template: {spec: {containers: [{name: db, image: "postgres:{{ .Values.tag }}"}]}}}
""",
    }
    about = "name: crew\nversion: 1.0.0\ndependencies: [{name: db, version: 1.0.0, condition: db.enabled}]\n"
    files = {"chart/Chart.yaml": about, "chart/templates/app.yaml": TEMPLATE, **inner}
    found = read({**files, "chart/values.yaml": VALUES + "db: {tag: '16'}\n"})
    assert found["k8s:default/crew-db"].image == "postgres:16"
    assert found["k8s:default/crew-db"].deployment == "chart/Chart.yaml"
    off = read({**files, "chart/values.yaml": VALUES + "db: {enabled: false}\n"})
    assert [s.name for s in off.services] == ["crew-api"]


def test_what_is_rendered_is_a_real_manifest(tmp_path):
    from crewmem_doctor.facts.kubernetes import helm

    template = TEMPLATE.replace(
        "  template:\n", "  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n"
    )
    for name, text in (
        ("Chart.yaml", "name: crew\nversion: 1\nappVersion: '3'\n"),
        ("values.yaml", VALUES),
        ("templates/app.yaml", template),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    chart = helm._read(Manifests(discover(tmp_path)), "")
    page = helm.Page(
        helm.Renderer(chart.sources).render(chart.sources[0], helm._root(chart, chart.values, "crew")).pieces
    )
    validate(yaml.safe_load(page.text))
