from __future__ import annotations

from typing import ClassVar

import pytest

from crewmem_doctor.facts.compose.backing import backing_of
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location


@pytest.mark.parametrize(("image", "server"), [
    ("redis", "redis"), ("redis:7-alpine", "redis"), ("docker.io/library/redis@sha256:abc", "redis"),
    ("bitnami/redis:7", "redis"),
    ("redis/redis-stack:latest", "redis"), ("valkey/valkey:8", "valkey"), ("pgvector/pgvector:pg16", "postgres"),
    ("timescale/timescaledb-ha:pg16", "postgres"), ("postgres:${TAG}", "postgres"),
    ("supabase/postgres:15", "postgres"),
    ("localhost:5000/postgres:16", "postgres"), ("qdrant/qdrant", "qdrant"),
    ("ghcr.io/chroma-core/chroma:1.0", "chroma"),
    ("cr.weaviate.io/semitechnologies/weaviate:1.28", "weaviate"), ("milvusdb/milvus:v2", "milvus"),
    ("mariadb:11", "mariadb"),
    ("docker.elastic.co/elasticsearch/elasticsearch:8", "elasticsearch"), ("nginx:alpine", "nginx"),
    ("ollama/ollama", "ollama"),
    ("hashicorp/vault", "vault"), ("mher/flower:2", "flower"),
    ("docker.dragonflydb.io/dragonflydb/dragonfly", "dragonfly"),
])
def test_backing_services(image: str, server: str):
    assert backing_of(image) == server


@pytest.mark.parametrize("image", [
    "", "python:3.12-slim", "ghcr.io/acme/api:latest", "acme/ui", "acme/hub:1", "acme/redis-worker", "myredis",
    "acme/flower",
])
def test_application_images(image: str):
    assert backing_of(image) == ""


def test_a_service_of_a_registry_image(read):
    api = read({"compose.yml": "services:\n  api:\n    image: acme/api:${TAG:-1}\n"})["api"]
    assert api.id == "compose:api"
    assert api.platform == "compose"
    assert api.at == Location("compose.yml", 2, 3, 2, 6)
    assert api.image == "acme/api:1"
    assert isinstance(api.workdir, Unknown)
    assert isinstance(api.user.home, Unknown)
    assert api.environment.open == ("the image acme/api:1",)
    assert api.replicas == Known(1)
    assert not api.orchestrated
    assert api.restart_keeps_layer


@pytest.mark.parametrize(("text", "value", "line"), [
    ("deploy: {replicas: 3}", 3, 3), ("scale: 2", 2, 3), ("deploy: {replicas: '${N:-4}'}", 4, 3),
    ("deploy: {}", 1, None),
    ("deploy: {replicas: 0}", 0, 3), ("deploy: {replicas: two}", None, 3), ("deploy: {replicas: '${N}'}", None, 3),
    ("deploy: {mode: global}", None, 3), ("deploy: {mode: replicated, replicas: 2}", 2, 3),
])
def test_replicas(read, text: str, value: int | None, line: int | None):
    api = read({"compose.yml": f"services:\n  api:\n    {text}\n    image: a\n"})["api"]
    assert (api.replicas.value if isinstance(api.replicas, Known) else None) == value
    assert (api.replicas_at.line if api.replicas_at else None) == line


def test_a_default_is_of_medium_confidence(read):
    api = read({"compose.yml": "services: {api: {image: a, scale: '${N:-4}'}}"})["api"]
    assert api.replicas.confidence == "medium"


@pytest.mark.parametrize(("text", "orchestrated", "keeps"), [
    ("deploy: {replicas: 2}", False, True), ("deploy: {resources: {limits: {cpus: '1'}}}", False, True),
    ("deploy: {placement: {constraints: [node.role == worker]}}", True, False), ("deploy: {mode: global}", True, False),
    ("deploy: {placement: {constraints: [node.hostname == n1]}}", False, False),
    ("deploy: {placement: {constraints: ['node.labels.disk==ssd']}}", False, False),
])
def test_swarm_only_where_evident(read, text: str, orchestrated: bool, keeps: bool):
    api = read({"compose.yml": f"services: {{api: {{image: a, {text}}}}}"})["api"]
    assert (api.orchestrated, api.restart_keeps_layer) == (orchestrated, keeps)


def test_swarm_by_the_name_and_by_the_network(read):
    assert read({"docker-stack.yml": "services: {api: {image: a}}"})["api"].orchestrated
    text = "services: {api: {image: a}}\nnetworks: {n: {driver: overlay}}"
    assert read({"docker-stack.yml": "a: 1", "compose.yml": text})["api"].orchestrated


def test_volumes_are_not_shared_between_machines(read):
    text = """
        services:
          api: {image: a, volumes: ["data:/data", "net:/net", "./x:/x"]}
        volumes:
          data:
          net: {driver_opts: {type: nfs, o: "addr=10.0.0.1,rw", device: ":/export"}}
    """
    moving = {m.target: m.shared for m in read({"stack.yml": text})["api"].mounts}
    assert moving == {"/data": False, "/net": True, "/x": False}


@pytest.mark.parametrize(("user", "name", "root"), [
    ("root", "root", True), ("0:0", "root", True), ("'1000:1000'", "1000:1000", False), ("app", "app", False),
])
def test_users_of_a_foreign_image(read, user: str, name: str, root: bool):
    found = read({"compose.yml": f"services: {{api: {{image: a, user: {user}}}}}"})["api"].user
    assert (found.name, found.root) == (name, root)
    assert isinstance(found.home, Known) == root


def test_a_user_that_is_not_known(read):
    found = read({"compose.yml": "services: {api: {image: a, user: '${UID}:${GID}'}}"})["api"].user
    assert isinstance(found.home, Unknown)


@pytest.mark.parametrize(("text", "value"), [
    ("read_only: true", True), ("read_only: 'false'", False), ("read_only: '${RO}'", None), ("tty: true", None),
])
def test_read_only(read, text: str, value: bool | None):
    found = read({"compose.yml": f"services: {{api: {{image: a, {text}}}}}"})["api"].read_only_root
    assert (found.value if found else None) == value


def test_profiles(read):
    found = read({"compose.yml": "services:\n  a: {image: a, profiles: [web]}\n  b: {image: b, profiles: [dev]}\n"})
    assert found["a"].profiles == ("web",)
    assert not found["a"].dev
    assert found["b"].dev


def test_working_dir(read):
    found = read({"compose.yml": "services:\n  a: {image: a, working_dir: /srv/}\n  b: {image: a, working_dir: sub}\n"})
    assert found["a"].workdir == Known("/srv", Location("compose.yml", 2, 30, 2, 35))
    assert isinstance(found["b"].workdir, Unknown)


def test_fragments_and_merge_keys(read):
    found = read({"compose.yml": """
        x-common: &common
          image: acme/app
          environment: &env {A: 1, B: 2}
          volumes: ["data:/data"]
        services:
          api:
            <<: *common
            environment: {<<: *env, B: 3}
          worker: *common
    """})
    api = found["api"]
    assert api.environment.get("A").value.value == "1"
    assert api.environment.get("B").value.value == "3"
    assert api.mounts[0].at.line == 5
    assert found["worker"].image == "acme/app"
    assert found["worker"].at.line == 10


def test_services_without_anything_to_run(read):
    found = read({"compose.yml": """
        services:
          api: {image: a}
          model: {provider: {type: model}}
          nothing:
          text: hello
    """})
    assert [s.name for s in found.services] == ["api"]
    assert [(g.line, g.why) for g in found.gaps] == [(6, "a service that is no mapping")]


def test_volumes_from(read):
    found = read({"compose.yml": """
        services:
          data: {image: busybox, volumes: ["d:/data", "e:/extra"]}
          api:
            image: a
            volumes: ["own:/extra"]
            volumes_from:
              - data:ro
              - container:elsewhere
    """})
    mounts = {m.target: (m.source, m.read_only, m.at.line) for m in found["api"].mounts}
    assert mounts["/extra"] == ("own", False, 6)
    assert mounts["/data"] == ("d", True, 8)
    assert any("$" in target for target in mounts)


BACKEND = """
FROM python:3.12
WORKDIR /app
COPY . .
VOLUME /data
USER nobody
CMD ["uvicorn", "main:app"]
"""


class TestBuilds:
    FILES: ClassVar[dict[str, str]] = {"backend/Dockerfile": BACKEND, "backend/main.py": ""}

    def test_what_the_dockerfile_gives(self, read):
        found = read({**self.FILES, "compose.yml": "services: {api: {build: ./backend}}"})
        api = found["api"]
        assert found.used == {"backend/Dockerfile"}
        assert (api.dockerfile, api.context, api.image) == ("backend/Dockerfile", "backend", "")
        assert api.workdir.value == "/app"
        assert api.user.name == "nobody"
        assert [(m.target, m.kind, m.durable) for m in api.mounts] == [("/data", "anonymous", False)]
        assert [p.server for p in api.processes] == ["uvicorn"]

    def test_what_compose_lays_over_it(self, read):
        api = read({**self.FILES, "compose.yml": """
            services:
              api:
                build: {context: ., dockerfile: backend/Dockerfile}
                working_dir: /srv
                user: root
                command: uvicorn other:app --workers ${WORKERS:-4}
                volumes: ["d:/data", "./backend:/app"]
        """})["api"]
        assert api.workdir.value == "/srv"
        assert api.user.root
        assert {m.target: m.kind for m in api.mounts} == {"/data": "named", "/app": "bind"}
        assert any((c.source, c.target) == ("backend", "/app") for c in api.copies)
        assert api.context == ""
        (process,) = api.processes
        assert process.target == "other:app"
        assert (process.workers.value, process.workers.confidence) == (4, "medium")

    def test_the_image_that_another_service_builds(self, read):
        found = read({**self.FILES, "compose.yml": """
            services:
              api: {build: backend, image: acme/app:latest}
              worker: {image: acme/app, command: celery -A main worker}
        """})
        assert found["worker"].dockerfile == "backend/Dockerfile"
        assert found["worker"].processes[0].server == "celery"

    @pytest.mark.parametrize("build", [
        "missing", "https://github.com/acme/app.git", "{context: ., dockerfile_inline: FROM x}", "../outside",
        "$CONTEXT",
        "{context: ., dockerfile: $FILE}",
    ])
    def test_what_cannot_be_read_is_a_gap(self, read, build: str):
        found = read({"compose.yml": f"services: {{api: {{build: '{build}'}}}}".replace("'{", "{").replace("}'", "}")})
        assert [g.kind for g in found.gaps] == ["dynamic"]
        assert found["api"].image == ""
        assert found["api"].environment.open
        assert found.used == set()

    def test_the_image_that_another_file_builds(self, read):
        found = read({**self.FILES, "compose.yml": "services: {api: {build: backend, image: 'acme/app:1'}}",
                      "compose.prod.yml": "services: {web: {image: 'acme/app:1', scale: 2}}"})
        assert found.of("compose.prod.yml")["web"].dockerfile == "backend/Dockerfile"

    def test_development_targets(self, read):
        text = "FROM python:3.12 AS base\nCMD python a.py\nFROM base AS development\nCMD python b.py\n"
        found = read({"Dockerfile": text, "compose.yml": """
            services:
              a: {build: {context: ., target: development}}
              b: {build: {context: ., target: base}}
        """})
        assert found["a"].dev
        assert not found["b"].dev

    def test_a_server_with_a_dockerfile_of_its_own(self, read):
        found = read({"nginx/Dockerfile": "FROM nginx:1.27\nCOPY nginx.conf /etc/nginx/\n", "compose.yml": """
            services: {proxy: {build: ./nginx}}
        """})
        assert found["proxy"].backing == "nginx"


class TestCommands:
    def one(self, read, text: str):
        found = read({"compose.yml": f"services:\n  api:\n    image: a\n{text}"})["api"].processes
        return found[0] if found else None

    @pytest.mark.parametrize("text", [
        "    command: gunicorn app:app -w 3\n", "    command: [gunicorn, 'app:app', -w, '3']\n",
        "    command: >\n      gunicorn app:app\n      -w 3\n",
        "    command: |\n      gunicorn app:app \\\n        -w 3\n",
        "    entrypoint: gunicorn\n    command: app:app -w 3\n",
        "    entrypoint: [gunicorn, app:app]\n    command: [-w, 3]\n",
        "    command: sh -c \"sleep 1 && gunicorn app:app -w 3\"\n", "    command: bash -c 'gunicorn app:app -w $$N'\n"
        "    environment: {N: 3}\n",
    ])
    def test_forms(self, read, text: str):
        process = self.one(read, text)
        assert (process.server, process.target, process.workers.value) == ("gunicorn", "app:app", 3)

    def test_places_of_words(self, read):
        process = self.one(read, "    command: gunicorn app:app --workers 3\n")
        assert (process.workers_at.line, process.workers_at.column) == (4, 41)

    def test_the_variables_of_compose_are_not_those_of_the_container(self, read):
        process = self.one(read, "    environment: {N: 8}\n    command: gunicorn app:app -w ${N:-2}\n")
        assert process.workers == Known(2, process.workers.at, "medium")
        process = self.one(read, "    environment: {N: 8}\n    command: gunicorn app:app -w $N\n")
        assert isinstance(process.workers, Unknown)

    def test_a_variable_of_several_words(self, read):
        process = self.one(read, "    command: ${CMD:-gunicorn app:app -w 2}\n")
        assert (process.server, process.workers.value) == ("gunicorn", 2)

    @pytest.mark.parametrize("text", ["    command:\n", "    command: []\n", "    command: {a: b}\n", ""])
    def test_none(self, read, text: str):
        assert self.one(read, text) is None

    def test_an_entrypoint_takes_the_command_of_the_image_away(self, read):
        files = {"Dockerfile": "FROM python:3.12\nCMD [\"uvicorn\", \"main:app\"]\n"}
        found = read({**files, "compose.yml": "services: {api: {build: ., entrypoint: [python, job.py]}}"})
        assert found["api"].processes[0].words == ("python", "job.py")
        found = read({**files, "compose.yml": "services: {api: {build: ., entrypoint: null}}"})
        assert found["api"].processes[0].server == "uvicorn"
