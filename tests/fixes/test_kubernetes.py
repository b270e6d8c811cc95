"""Kubernetes manifests in the styles that people write them in."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proof import prove

from crewmem_doctor.rules import _trees


def mended(root: Path, manifest: str | bytes, **files: str) -> tuple[str, str]:
    """The manifest after all edits, and the first refusal's reason."""
    for name, text in {**_trees.service(**files), "k8s/api.yaml": manifest}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    plan = prove(root)
    return (root / "k8s/api.yaml").read_bytes().decode("utf-8-sig"), plan.refused[0].reason if plan.refused else ""


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


CASES = {
    "nothing is mounted": ("""
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
          namespace: prod
        spec:
          selector: {matchLabels: {app: api}}
          template:
            metadata: {labels: {app: api}}
            spec:
              # the one that answers
              containers:
              - name: api   # first
                image: registry.test/api:1
                env:
                - {name: OPENAI_API_KEY, value: "$(KEY)"}   # theirs
        """, """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
          namespace: prod
        spec:
          selector: {matchLabels: {app: api}}
          template:
            metadata: {labels: {app: api}}
            spec:
              # the one that answers
              containers:
              - name: api   # first
                image: registry.test/api:1
                env:
                - {name: OPENAI_API_KEY, value: "$(KEY)"}   # theirs
                - {name: CREWAI_STORAGE_DIR, value: /data}
                volumeMounts:
                - name: crew-memory
                  mountPath: /data
              volumes:
              - name: crew-memory
                persistentVolumeClaim:
                  claimName: api-crew-memory
          strategy:
            type: Recreate
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata:
          name: api-crew-memory
          namespace: prod
        spec:
          accessModes:
          - ReadWriteOnce
          resources:
            requests:
              storage: 1Gi
        """),
    "an emptyDir with a limit, for a user who is not root": ("""
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: api}
        spec:
          serviceName: api
          selector: {matchLabels: {app: api}}
          template:
            metadata: {labels: {app: api}}
            spec:
              securityContext:
                runAsUser: 1001
              containers:
                - name: api
                  image: registry.test/api:1
                  env: [{name: CREWAI_STORAGE_DIR, value: /data}, {name: OPENAI_API_KEY, value: x}]
                  volumeMounts: [{name: store, mountPath: /data}]
                - name: proxy
                  image: envoyproxy/envoy:v1
              volumes:
                - name: store
                  emptyDir:
                    sizeLimit: 500Mi
                - name: scratch
                  emptyDir: {}
        """, """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: api}
        spec:
          serviceName: api
          selector: {matchLabels: {app: api}}
          template:
            metadata: {labels: {app: api}}
            spec:
              securityContext:
                runAsUser: 1001
                fsGroup: 1001
              containers:
                - name: api
                  image: registry.test/api:1
                  env: [{name: CREWAI_STORAGE_DIR, value: /data}, {name: OPENAI_API_KEY, value: x}, {name: HOME, value: /data}]
                  volumeMounts: [{name: store, mountPath: /data}]
                - name: proxy
                  image: envoyproxy/envoy:v1
              volumes:
                - name: store
                  persistentVolumeClaim:
                    claimName: api-store
                - name: scratch
                  emptyDir: {}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata:
          name: api-store
        spec:
          accessModes:
            - ReadWriteOnce
          resources:
            requests:
              storage: 500Mi
        """),
    "all in flow": ("""
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: api}, spec: {containers: [{name: api, image: "registry.test/api:1",
          env: [{name: OPENAI_API_KEY, value: x}]}]}}
        """, """
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: api}, spec: {containers: [{name: api, image: "registry.test/api:1",
          env: [{name: OPENAI_API_KEY, value: x}, {name: CREWAI_STORAGE_DIR, value: /data}], volumeMounts: [{name: crew-memory, mountPath: /data}]}], volumes: [{name: crew-memory, persistentVolumeClaim: {claimName: api-crew-memory}}]}}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata:
          name: api-crew-memory
        spec:
          accessModes:
            - ReadWriteOnce
          resources:
            requests:
              storage: 1Gi
        """),
}


@pytest.mark.parametrize("name", CASES)
def test_the_style_of_the_file_is_kept(name: str, tmp_path: Path) -> None:
    before, after = map(dedent, CASES[name])
    text, reason = mended(tmp_path, before)
    assert not reason
    assert text == after


def deployment(pod: str = "", spec: str = "", env: str = "") -> str:
    return f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  selector: {{matchLabels: {{app: api}}}}
{spec}  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      containers:
        - name: api
          image: registry.test/api:1
          env:
            - {{name: OPENAI_API_KEY, value: x}}
{env}{pod}"""


REFUSED = {
    "pods that follow one another": (deployment(spec="  strategy: {type: RollingUpdate}\n"), "set the strategy Recreate"),
    "another volume of that name": (
        deployment(pod="      volumes: [{name: crew-memory, emptyDir: {}}]\n"), "has another volume of the name"),
    "a template": (deployment(env="            - {name: X, value: '{{ .Values.x }}'}\n"), "is a template"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_refused(name: str, tmp_path: Path) -> None:
    before, reason = REFUSED[name]
    text, why = mended(tmp_path, before)
    assert text == before
    assert reason in why


def test_replicas_share_one_claim_and_one_lock(tmp_path: Path) -> None:
    text, reason = mended(tmp_path, deployment(spec="  replicas: 3\n"))
    assert not reason
    work, claim = yaml.safe_load_all(text)
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert "strategy" not in work["spec"]
    lock = next(e for e in work["spec"]["template"]["spec"]["containers"][0]["env"] if e["name"] == "REDIS_URL")
    assert lock["valueFrom"] == {"secretKeyRef": {"name": "crew-memory", "key": "REDIS_URL"}}
    assert "redis" in (tmp_path / "requirements.txt").read_text().split()


def test_the_container_that_runs_memory_is_the_one_that_gets_the_mount(tmp_path: Path) -> None:
    text, reason = mended(tmp_path, deployment(pod="        - name: proxy\n          image: envoyproxy/envoy:v1\n"))
    assert not reason
    api, proxy = next(yaml.safe_load_all(text))["spec"]["template"]["spec"]["containers"]
    assert api["volumeMounts"] == [{"name": "crew-memory", "mountPath": "/data"}]
    assert "volumeMounts" not in proxy


@pytest.mark.timeout(400)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(indent=st.sampled_from([2, 4]), dash=st.booleans(), flow=st.booleans(), quote=st.sampled_from(["", "'", '"']),
       comment=st.booleans(), newline=st.sampled_from(["\n", "\r\n"]), mark=st.booleans(), end=st.booleans(),
       first=st.sampled_from(["", "---\n", "# by hand\n---\n"]), last=st.sampled_from(["", "\n", "\n# the end"]))
def test_any_formatting(tmp_path_factory: pytest.TempPathFactory, indent: int, dash: bool, flow: bool, quote: str, comment: bool,
                        newline: str, mark: bool, end: bool, first: str, last: str) -> None:
    pad, note = " " * indent, "  # why" if comment else ""
    item = pad * 3 + (pad if dash else "")
    inner = item + "  "
    deeper = inner + (pad if dash else "")
    env = (f"{inner}env: [{{name: A, value: {quote}x{quote}}}]{note}\n" if flow else
           f"{inner}env:{note}\n{deeper}- name: A\n{deeper}  value: {quote}x{quote}{note}\n")
    text = (f"{first}apiVersion: apps/v1\nkind: {quote}Deployment{quote}\nmetadata:{note}\n{pad}name: {quote}api{quote}{note}\nspec:\n"
            f"{pad}selector: {{matchLabels: {{app: api}}}}\n{pad}template:{note}\n{pad * 2}metadata: {{labels: {{app: api}}}}\n"
            f"{pad * 2}spec:{note}\n{pad * 3}containers:\n{item}- name: api{note}\n{inner}image: registry.test/api:1\n{env}").rstrip("\n") + last
    body = (b"\xef\xbb\xbf" if mark else b"") + (text + ("\n" if end else "")).replace("\n", newline).encode()
    after, reason = mended(tmp_path_factory.mktemp("tree"), body)
    assert not reason
    work, claim = yaml.safe_load_all(after)
    pod = work["spec"]["template"]["spec"]
    assert pod["volumes"] == [{"name": "crew-memory", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "crew-memory", "mountPath": "/data"}]
    assert {"name": "CREWAI_STORAGE_DIR", "value": "/data"} in pod["containers"][0]["env"]
