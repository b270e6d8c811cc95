"""Which services a manifest makes, and how many pods of them."""

from __future__ import annotations

import pytest
import yaml

from crewmem_doctor.model.known import Known, Unknown

from .conftest import validate

HPA = """
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {{name: scaler}}
    spec:
      scaleTargetRef: {{apiVersion: apps/v1, kind: {kind}, name: {name}}}
      minReplicas: 1
      maxReplicas: {most}
"""
SCALED = """
    apiVersion: keda.sh/v1alpha1
    kind: ScaledObject
    metadata: {{name: scaler}}
    spec:
      scaleTargetRef: {{name: api}}
      {most}
      triggers: [{{type: cron, metadata: {{}}}}]
"""


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_each_kind_is_a_service(read, pod, kind):
    service = read(pod(kind=kind)).only
    assert (service.id, service.platform, service.orchestrated) == ("k8s:default/api", "kubernetes", True)
    assert not service.restart_keeps_layer
    assert service.image == "acme/api:1"
    assert service.at.path == "k8s/app.yaml"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {parallelism: 4, template: %s}}", 4),
        ("{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {template: %s}}", 1),
        (
            "{apiVersion: batch/v1, kind: CronJob, metadata: {name: once}, spec: {schedule: '0 * * * *', jobTemplate: "
            "{spec: {parallelism: 2, template: %s}}}}",
            2,
        ),
    ],
)
def test_jobs(read, text, count):
    text = (
        text % "{spec: {restartPolicy: Never, containers: [{name: run, image: acme/run, command: [python, run.py]}]}}"
    )
    validate(yaml.safe_load(text))
    service = read(text).only
    assert service.id == "k8s:default/once"
    assert service.replicas.value == count
    assert service.processes[0].target == "run.py"


def test_a_bare_pod(read):
    text = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: n}, spec: {containers: [{name: a, image: b}]}}"
    validate(yaml.safe_load(text))
    assert read(text).only.id == "k8s:n/p"


def test_documents_and_lists(read, pod):
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [yaml.safe_load(pod(name="a")), yaml.safe_load(pod(name="b"))],
    }
    found = read(
        {"k8s/list.yaml": yaml.safe_dump(listed), "k8s/two.yaml": f"---\n{pod(name='c')}---\n---\n{pod(name='d')}"}
    )
    assert [s.name for s in found.services] == ["a", "b", "c", "d"]
    assert not found.gaps


def test_a_name_is_where_it_stands(read, pod):
    service = read("# first\n" + pod(namespace="prod")).only
    assert service.id == "k8s:prod/api"
    assert (service.at.line, service.at.column, service.at.end_column) == (5, 9, 12)


def test_containers_of_one_pod(read, pod):
    found = read(
        pod(
            spec="""
        containers:
          - {name: proxy, image: "envoyproxy/envoy:v1"}
          - {name: web, image: acme/web}
          - {name: worker, image: acme/worker}
        initContainers:
          - {name: log, image: "fluent/fluent-bit:3", restartPolicy: Always}
          - {name: migrate, image: acme/web, command: [alembic, upgrade, head]}
    """
        )
    )
    assert {s.id: s.backing for s in found.services} == {
        "k8s:default/api": "",
        "k8s:default/api/worker": "",
        "k8s:default/api/proxy": "envoy",
        "k8s:default/api/log": "fluentd",
    }
    assert found["k8s:default/api"].image == "acme/web"


def test_servers_that_others_wrote(read, pod):
    assert read(pod(container="image: redis:7")).only.backing == "redis"


@pytest.mark.parametrize(("top", "expected"), [("replicas: 3", 3), ("replicas: 0", 0), ("", 1)])
def test_replicas(read, pod, top, expected):
    service = read(pod(top=top)).only
    assert service.replicas.value == expected
    assert (service.replicas_at is not None) == bool(top)


@pytest.mark.parametrize(
    ("replicas", "most", "expected", "by_scaler"), [(1, 5, 5, True), (8, 5, 8, False), (1, 1, 1, False)]
)
def test_an_autoscaler_raises(read, pod, replicas, most, expected, by_scaler):
    scaler = HPA.format(kind="Deployment", name="api", most=most)
    validate(yaml.safe_load(scaler))
    service = read({"k8s/api.yaml": pod(top=f"replicas: {replicas}"), "k8s/hpa.yaml": scaler}).only
    assert service.replicas.value == expected
    assert (service.replicas_at.path == "k8s/hpa.yaml") == by_scaler
    assert service.replicas_most == by_scaler
    if by_scaler:
        assert service.replicas_at.line == 8


@pytest.mark.parametrize(("kind", "name"), [("StatefulSet", "api"), ("Deployment", "other")])
def test_an_autoscaler_of_something_else(read, pod, kind, name):
    found = read({"k8s/api.yaml": pod(), "k8s/hpa.yaml": HPA.format(kind=kind, name=name, most=9)})
    assert found.only.replicas == Known(1)


@pytest.mark.parametrize(("most", "expected"), [("maxReplicaCount: 7", 7), ("minReplicaCount: 0", 100)])
def test_keda(read, pod, most, expected):
    found = read({"k8s/api.yaml": pod(), "k8s/keda.yaml": SCALED.format(most=most)})
    assert found.only.replicas.value == expected


def test_a_daemon_set_has_one_on_each_node(read, pod):
    assert isinstance(read(pod(kind="DaemonSet")).only.replicas, Unknown)


@pytest.mark.parametrize(("annotation", "expected"), [("autoscaling.knative.dev/maxScale: '3'", 3), ("a: b", None)])
def test_cloud_run(read, annotation, expected):
    service = read(f"""
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata: {{name: chat}}
        spec:
          template:
            metadata:
              annotations: {{{annotation}}}
            spec:
              containerConcurrency: 80
              containers:
                - image: gcr.io/acme/chat
                  env: [{{name: A, value: b}}]
    """).only
    assert (service.id, service.platform, service.durable_disk) == ("cloudrun:chat", "cloudrun", False)
    assert service.ephemeral_because
    assert (service.replicas.value if expected else None) == expected


def test_a_plain_service_is_none(read):
    assert not read("{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}").services


def test_rollout_and_grace(read, pod):
    service = read(pod(top="strategy: {type: Recreate}", spec="terminationGracePeriodSeconds: 90")).only
    assert (service.rollout, service.grace.value) == ("Recreate", 90)
    assert read({"k8s/app.yaml": pod()}).only.rollout == "RollingUpdate"


@pytest.mark.parametrize(
    ("path", "dev"),
    [
        ("k8s/api.yaml", False),
        ("k8s/dev/api.yaml", True),
        ("deploy/minikube/api.yaml", True),
        ("k8s/api-local.yaml", True),
        ("k8s/prod/api.yaml", False),
        ("k8s/kind/api.yaml", True),
        ("device/api.yaml", False),
    ],
)
def test_development(read, pod, path, dev):
    assert read({path: pod()}).only.dev is dev


def test_stages_are_deployed_apart(read, pod):
    found = read(
        {"k8s/prod/api.yaml": pod(), "k8s/staging/api.yaml": pod(), "k8s/prod/worker.yaml": pod(name="worker")}
    )
    assert {(s.name, s.deployment) for s in found.services} == {
        ("api", "k8s/prod"),
        ("worker", "k8s/prod"),
        ("api", "k8s/staging"),
    }


def test_alternatives_without_a_stage_are_told_apart(read, pod):
    found = read(
        {"simple/api.yaml": pod(), "ha/api.yaml": pod(top="replicas: 3"), "shared/worker.yaml": pod(name="worker")}
    )
    assert len({s.deployment for s in found.services}) == 3


def test_other_yaml_is_left_alone(read):
    found = read(
        {
            "a.yaml": "kind: Deployment\n",
            "b.yaml": "- 1\n",
            "c.yml": "apiVersion: v1\nkind: Unheard\n",
            "d.yaml": "apiVersion: v1\nkind: [Pod]\n",
        }
    )
    assert not found.services
    assert not found.gaps


def test_a_broken_file_is_a_gap(read, pod):
    found = read(pod() + "---\napiVersion: v1\nkind: Pod\n  a: [\n")
    assert [g.kind for g in found.gaps] == ["parse"]
    assert found.only.name == "api"


def test_what_says_nothing_about_memory_is_passed_over(read, pod):
    """An Ingress that is not even YAML does not hide its neighbours, and lines keep their numbers."""
    ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: [\n"
    service = read(f"{ingress}---\n{pod()}--- # next\n{ingress}").only
    assert service.at.line == 8
