"""Variables, users and commands of a container."""

from __future__ import annotations

import pytest
import yaml

from crewmem_doctor.model.known import Unknown

from .conftest import deployment, validate, value

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  A: one\n  B: 'two'\n  EMPTY: ''\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {TOKEN: hunter2}\ndata: {OTHER: aHVudGVy}\n"
DOCKERFILE = """\
FROM python:3.12-slim
RUN useradd --create-home --uid 1000 app
WORKDIR /srv
ENV MODE=image LEVEL=info
COPY . .
USER app
ENTRYPOINT ["python", "-m"]
CMD ["app.main"]
"""


def environment(read, container: str, **files: str):
    named = {f"k8s/{name}.yaml": text for name, text in files.items()}
    for text in named.values():
        validate(yaml.safe_load(text))
    return read({"k8s/app.yaml": deployment(container), **named}).only.environment


def test_plain_values(read):
    found = environment(read, "env: [{name: A, value: 'x'}, {name: B}, {name: N, value: '08'}]")
    assert [value(found.lookup(name)) for name in "ABN"] == ["x", "", "08"]


def test_a_config_map_is_known(read):
    found = environment(
        read,
        """
        envFrom: [{configMapRef: {name: settings}, prefix: P_}]
        env: [{name: ONE, valueFrom: {configMapKeyRef: {name: settings, key: A}}}]
    """,
        config=CONFIG,
    )
    assert [value(found.lookup(name)) for name in ("P_A", "P_B", "P_EMPTY", "ONE")] == ["one", "two", "", "one"]
    assert found.lookup("ONE").at.path == "k8s/config.yaml"
    assert found.lookup("ONE").at.line == 5


def test_env_wins_over_env_from(read):
    found = environment(
        read, "{envFrom: [{configMapRef: {name: settings}}], env: [{name: A, value: own}]}", config=CONFIG
    )
    assert value(found.lookup("A")) == "own"


def test_a_secret_is_there_and_not_said(read):
    found = environment(
        read,
        """
        envFrom: [{secretRef: {name: keys}}]
        env: [{name: K, valueFrom: {secretKeyRef: {name: elsewhere, key: k}}}]
    """,
        secret=SECRET,
    )
    for name in ("TOKEN", "OTHER", "K"):
        setting = found.get(name)
        assert setting.secret
        assert isinstance(setting.value, Unknown)
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{secretRef: {name: keys}}", "the secret keys, which is not in this tree"),
        ("{configMapRef: {name: c, optional: true}}", "the ConfigMap c, which is not in this tree"),
    ],
)
def test_what_is_not_in_the_tree_may_set_anything(read, source, why):
    found = environment(read, f"envFrom: [{source}]")
    assert why in found.open
    assert isinstance(found.lookup("ANY"), Unknown)


def test_only_a_config_map_may_say_where_memory_lies(read):
    assert environment(read, "envFrom: [{configMapRef: {name: c}}]").get("CREWAI_STORAGE_DIR") is not None
    assert environment(read, "envFrom: [{secretRef: {name: c}}]").get("CREWAI_STORAGE_DIR") is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("$(A)/x", "one/x"),
        ("$$(A)", "$(A)"),
        ("$(LATER)", "$(LATER)"),
        ("${A} $A", "${A} $A"),
        ("$(A)$(A)", "oneone"),
        ("$(", "$("),
    ],
)
def test_references(read, written, expected):
    found = environment(
        read, f"env: [{{name: A, value: one}}, {{name: X, value: '{written}'}}, {{name: LATER, value: y}}]"
    )
    assert value(found.lookup("X")) == expected


def test_a_reference_to_a_secret_is_not_known(read):
    found = environment(
        read,
        """
        env:
          - {name: P, valueFrom: {secretKeyRef: {name: s, key: k}}}
          - {name: URL, value: "postgresql://u:$(P)@db/x"}
    """,
    )
    assert isinstance(found.lookup("URL"), Unknown)


def test_an_external_secret_s_keys(read):
    files = {
        "k8s/app.yaml": deployment("envFrom: [{secretRef: {name: keys}}]"),
        "k8s/es.yaml": """
        apiVersion: external-secrets.io/v1
        kind: ExternalSecret
        metadata: {name: keys}
        spec:
          data: [{secretKey: OPENAI_API_KEY, remoteRef: {key: x}}]
    """,
    }
    assert read(files).only.environment.get("OPENAI_API_KEY").secret


# --- image, command, user


def built(read, container: str = "", spec: str = "", dockerfile: str = DOCKERFILE, **files: str):
    more = {name.replace("_dot_", ".").replace("__", "/"): text for name, text in files.items()}
    return read({"Dockerfile": dockerfile, "k8s/app.yaml": deployment(container, spec), **more})


def test_the_image_s_facts(read):
    found = built(read)
    service = found.only
    assert (service.dockerfile, found.used, value(service.workdir)) == ("Dockerfile", {"Dockerfile"}, "/srv")
    assert (value(service.user.home), value(service.environment.lookup("MODE"))) == ("/home/app", "image")
    assert [p.target for p in service.processes] == ["app.main"]
    assert service.copies


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ("args: [app.worker]", ("python", "-m", "app.worker")),
        ("command: [uvicorn, 'a:b']", ("uvicorn", "a:b")),
        ("{command: [python], args: [x.py]}", ("python", "x.py")),
        ("{env: [{name: N, value: '3'}], command: [gunicorn, 'a:b', -w, $(N)]}", ("gunicorn", "a:b", "-w", "3")),
        ("command: [gunicorn, 'a:b', -w, $N]", ("gunicorn", "a:b", "-w", "$N")),
    ],
)
def test_command_and_args(read, container, words):
    assert built(read, container).only.processes[0].words == words


def test_a_script_of_the_pod(read):
    container = """
        env: [{name: WORKERS, value: "4"}]
        command: [/bin/sh, -c]
        args: ["alembic upgrade head && exec gunicorn app:app --workers ${WORKERS}"]
    """
    process = built(read, container).only.processes[0]
    assert (process.server, value(process.workers)) == ("gunicorn", 4)


def test_a_script_in_a_config_map(read):
    found = built(
        read,
        """
        command: [sh, /scripts/run.sh]
        volumeMounts: [{name: scripts, mountPath: /scripts}]
    """,
        "volumes: [{name: scripts, configMap: {name: scripts}}]",
        k8s__scripts_dot_yaml="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: scripts}
        data:
          run.sh: |
            #!/bin/sh
            exec celery -A jobs.app worker -c 2
    """,
    )
    assert (found.only.processes[0].server, found.only.processes[0].target) == ("celery", "jobs.app")


def test_working_directory(read):
    assert value(built(read, "workingDir: /opt/x").only.workdir) == "/opt/x"


@pytest.mark.parametrize(
    ("container", "spec", "name", "home"),
    [
        ("", "securityContext: {runAsUser: 1000}", "1000", "/home/app"),
        ("", "securityContext: {runAsUser: 4711}", "4711", "/"),
        ("securityContext: {runAsUser: 0}", "securityContext: {runAsUser: 1000}", "root", "/root"),
        ("", "securityContext: {runAsNonRoot: true}", "app", "/home/app"),
    ],
)
def test_users(read, container, spec, name, home):
    user = built(read, container, spec).only.user
    assert (user.name, value(user.home), user.root) == (name, home, name == "root")


def test_a_user_of_an_image_nobody_knows(read, pod):
    user = read(pod(spec="securityContext: {runAsUser: 1000}")).only.user
    assert not user.root
    assert isinstance(user.home, Unknown)


@pytest.mark.parametrize(
    ("spec", "writable"),
    [
        ("", ["/cache"]),
        ("securityContext: {fsGroup: 1000}", ["/cache", "/data"]),
        (
            "initContainers: [{name: own, image: busybox, command: [sh, -c, 'chown -R 1000 /vol'], "
            "volumeMounts: [{name: host, mountPath: /vol}]}]",
            ["/cache", "/host"],
        ),
    ],
)
def test_who_may_write_a_volume(read, spec, writable):
    volumes = (
        "\nvolumes: [{name: data, persistentVolumeClaim: {claimName: m}}, {name: cache, emptyDir: {}}, "
        "{name: host, hostPath: {path: /srv/x}}]"
    )
    mounts = "volumeMounts: [" + ", ".join(f"{{name: {n}, mountPath: /{n}}}" for n in ("data", "cache", "host")) + "]"
    owned = built(read, mounts, spec + volumes).only.user.owns
    assert {path for path in owned if path in ("/data", "/cache", "/host")} == set(writable)


def test_a_read_only_root(read, pod):
    assert read(pod("securityContext: {readOnlyRootFilesystem: true}")).only.read_only_root.value is True


# --- which Dockerfile


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("acme/shop-api:1", "api/Dockerfile"),
        ("acme/web", "web/Dockerfile"),
        ("worker:latest", "docker/Dockerfile.worker"),
        ("ghcr.io/acme/built-in-ci:x", "web/Dockerfile"),
        ("acme/unlike-any", "api/Dockerfile"),
        ("redis:7", ""),
        ("busybox", ""),
    ],
)
def test_images_by_name(read, pod, image, expected):
    """Where no image is called so, the container's own name decides ("api")."""
    plain = "FROM python:3.12-slim\n"
    found = read(
        {
            "api/Dockerfile": plain,
            "web/Dockerfile": plain,
            "docker/Dockerfile.worker": plain,
            "k8s/app.yaml": pod(f"image: '{image}'"),
            ".github/workflows/ci.yml": """
            jobs:
              build:
                steps:
                  - run: |
                      docker build -t ghcr.io/acme/built-in-ci:${{ github.sha }} \\
                        -f web/Dockerfile .
            """,
        }
    )
    assert found.only.dockerfile == expected


def test_the_dockerfile_beside_the_manifests(read, pod):
    plain = "FROM python:3.12-slim\n"
    found = read({"a/Dockerfile": plain, "b/Dockerfile": plain, "a/k8s/app.yaml": pod("image: registry/x")})
    assert found.only.dockerfile == "a/Dockerfile"


def test_an_image_that_is_pulled(read, pod):
    service = read(pod("{image: 'python:3.12-slim', command: [python, /code/x.py]}")).only
    assert (value(service.user.home), service.dockerfile) == ("/root", "")
