"""CM206 · memory is kept in a server that does not keep it

## Why
Moving memory into Redis, Postgres or Qdrant only moves the question: the server is a container too. Without a volume over
its data directory the next `docker compose down` takes everything along. A Redis with `save ""` and no AOF is RAM, and one
with an `allkeys-*` policy throws away the records that were asked for least as soon as it is full.

## Example
```yaml
services:
  api:
    environment: {QDRANT_URL: "http://qdrant:6333"}     # mem0 keeps its vectors there
  qdrant:
    image: qdrant/qdrant                                # and nothing is mounted at /qdrant/storage
```

## Fix
Mount a named volume over the server's data directory. Redis: `--appendonly yes`, and `noeviction` or a `volatile-*` policy.

## When this is not a problem
A server that memory does not use, such as a Celery broker or a cache: the rule only looks at servers that a memory's own
URL or host names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.deployment import ConfigureServer, MountVolume, ReplaceMount
from crewmem_doctor.model.deployment import Mount, Service, Setting
from crewmem_doctor.model.expression import Surroundings, evaluate
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import covering
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import graded, placements, turned_on, unique
from crewmem_doctor.rules._volumes import caveat_of
from crewmem_doctor.rules.base import Example, Rule

# Where each server's official image keeps its records. An image that declares a VOLUME there gets an anonymous one.
DATA: dict[str, tuple[str, ...]] = {
    "redis": ("/data", "/bitnami/redis/data"), "valkey": ("/data", "/bitnami/valkey/data"), "keydb": ("/data",),
    "dragonfly": ("/data",), "falkordb": ("/data", "/var/lib/falkordb/data"),
    "postgres": ("/var/lib/postgresql/data", "/var/lib/postgresql", "/bitnami/postgresql", "/home/postgres/pgdata"),
    "mysql": ("/var/lib/mysql",), "mariadb": ("/var/lib/mysql", "/bitnami/mariadb"),
    "mongo": ("/data/db", "/bitnami/mongodb"), "qdrant": ("/qdrant/storage",),
    "chroma": ("/data", "/chroma/chroma", "/chroma/.chroma"), "weaviate": ("/var/lib/weaviate",),
    "milvus": ("/var/lib/milvus",), "neo4j": ("/data",), "elasticsearch": ("/usr/share/elasticsearch/data",),
    "opensearch": ("/usr/share/opensearch/data",),
}
SETTINGS = {"postgres": "PGDATA", "weaviate": "PERSISTENCE_DATA_PATH", "chroma": "PERSIST_DIRECTORY"}
REDIS = ("redis", "valkey", "keydb")
HOST = re.compile(r"(?:^|//|@)(?:[^/@?]*@)?([A-Za-z0-9_.-]+)(?=[:/?,]|$)|\bhost=([\w.-]+)")


def check(project: Project) -> Iterator[Finding]:
    for server, runs in _used(project):
        persistent = _persistence_off(server)
        bare = None if persistent else _bare(server)
        if persistent is not None:
            yield _finding(server, runs, persistent, f"{server.name} runs with persistence off, so it keeps records in RAM only",
                           Fix(f"Let {server.name} append to a file on a volume", "command: redis-server --appendonly yes", changes=(
                               ConfigureServer(server, (("appendonly", "yes"),)), *(_volume(server) if _bare(server) else ()))))
        elif bare is not None:
            at, what = bare
            yield _finding(server, runs, Setting("volume", Known(DATA[server.backing][0]), at), f"{server.name} {what}",
                           Fix(f"Mount a named volume over the data directory of {server.name}",
                               f"volumes:\n  - {server.name}-data:{DATA[server.backing][0]}", caveat=caveat_of(server),
                               changes=_volume(server)))
        evicting = _evicting(server)
        if evicting is not None:
            limit = _set(server, "maxmemory")
            free = limit is None or (isinstance(limit.value, Known) and limit.value.value.strip() in ("", "0"))
            when = "as soon as a memory limit is set and reached" if free else "as soon as its memory is full"
            yield _finding(server, runs, evicting, f"{server.name} throws away records of any age {when}",
                           Fix("Refuse writes instead of throwing records away", "--maxmemory-policy noeviction",
                               caveat="When its memory is full, writes fail: give it room for all records.",
                               changes=(ConfigureServer(server, (("maxmemory-policy", "noeviction"),)),)), mild=free)


def _finding(server: Service, runs: list[Run], cause: Setting, what: str, fix: Fix, mild: bool = False) -> Finding:
    severity, confidence = graded("warning" if mild else RULE.severity, runs)
    users = list(dict.fromkeys(run.service.id for run in runs))
    return RULE.finding(
        cause.at, f"{what}, and {' and '.join(users)} keep{'' if len(users) > 1 else 's'} memory in it",
        subject=server.id, evidence=cause.name, severity=severity, confidence=confidence,
        because=unique([*(turned_on(run.memory) for run in runs),
                        *(Step(run.memory.store.at, run.memory.store.why) for run in runs if run.memory.store.at),
                        Step(server.at, "the server")]), fix=fix)


def _used(project: Project) -> Iterator[tuple[Service, list[Run]]]:
    """The servers of the tree that a memory's address names, within one deployment."""
    runs = [(run, _hosts(run)) for run, placement in placements(project) if placement.kind == "server"]
    for server in project.services:
        if server.backing in DATA:
            users = [run for run, hosts in runs if server.name.rpartition("/")[2] in hosts
                     and (run.service.platform, run.service.deployment) == (server.platform, server.deployment)]
            if users:
                yield server, users


def _hosts(run: Run) -> set[str]:
    """The host names of the memory's address; what is not known of it (a password, say) is left open."""
    where = run.memory.store.where
    if where is None:
        return set()

    def loosely(name: str) -> Answer[str] | None:
        answer = run.around.variable(name)
        return Known("unknown") if isinstance(answer, Unknown) else answer

    around: Surroundings = replace(run.around, variable=loosely, caller=Known("unknown"))
    address = evaluate(where, around)
    if not isinstance(address, Known):
        return set()
    found = (host for match in HOST.finditer(address.value) for host in match.groups() if host)
    return {name for host in found for name in (host, host.partition(".")[0])}


def _bare(server: Service) -> tuple[Location, str] | None:
    """What is wrong with the disk under the data directory, and where; None where it lasts or is not known."""
    if server.hidden_mounts or any("$" in m.target or m.optional for m in server.mounts):
        return None
    mounts = [_under(server, folder) for folder in _folders(server)]
    if any(mount is not None and mount.durable for mount in mounts):
        return None
    lost = next((mount for mount in mounts if mount is not None), None)
    folder = _folders(server)[0]
    if lost is not None and lost.kind != "anonymous":
        return lost.at, f"keeps its records in {folder}, and what is mounted at {lost.target} does not outlive the container"
    return server.at, f"has no volume at {folder}, so its records go with the container"


def _volume(server: Service) -> tuple[Change, ...]:
    """A volume over the data directory, in the place of what does not last there."""
    folder = _folders(server)[0]
    mount = _under(server, folder)
    if mount is not None and mount.at.path == server.at.path and mount.kind != "unknown":
        return (ReplaceMount(server, mount, f"{server.name}-data"),)
    return (MountVolume(server, folder, f"{server.name}-data"),)


def _folders(server: Service) -> tuple[str, ...]:
    name = SETTINGS.get(server.backing)
    said = server.environment.get(name) if name else (_set(server, "dir") if server.backing in REDIS else None)
    if said is None:
        return DATA[server.backing]
    return (said.value.value,) if isinstance(said.value, Known) and said.value.value.startswith("/") else DATA[server.backing]


def _under(server: Service, folder: str) -> Mount | None:
    """A VOLUME of the image lies inside whatever is mounted above it."""
    mount = covering(server.mounts, folder)
    if mount is not None and mount.target.rstrip("/") in ("", "/data", "/var", "/var/lib") and mount.target != folder:
        return None
    return mount


def _set(server: Service, name: str) -> Setting | None:
    return next((s for s in reversed(server.configured) if s.name == name), None)


def _persistence_off(server: Service) -> Setting | None:
    """Redis snapshots by default: only `save ""` without an append-only file leaves nothing."""
    if server.backing not in REDIS:
        return None
    save, append = _set(server, "save"), _set(server, "appendonly")
    if append is not None and not (isinstance(append.value, Known) and append.value.value.lower() in ("no", "false", "0")):
        return None
    return save if save is not None and isinstance(save.value, Known) and not save.value.value else None


def _evicting(server: Service) -> Setting | None:
    policy = _set(server, "maxmemory-policy")
    known = policy is not None and isinstance(policy.value, Known) and policy.value.value.lower().startswith("allkeys-")
    return policy if known else None


MEM0 = '''import os

from fastapi import FastAPI
from mem0 import Memory

from app.crew import build_crew

app = FastAPI()
memory = Memory.from_config({"vector_store": {"provider": "qdrant", "config": {"url": os.environ["QDRANT_URL"]}}})


@app.post("/chat")
def chat(topic: str):
    memory.add(topic, user_id="u")
    return build_crew(topic).kickoff()
'''
REDIS_STORE = '''import json

import redis
from crewai import Agent, Crew, Task
from crewai.memory import Memory


class RedisStorage:
    def __init__(self):
        self.client = redis.Redis.from_url("redis://cache:6379/0")

    def save(self, records):
        self.client.set("records", json.dumps([r.model_dump(mode="json") for r in records]))

    def search(self, *args, **kwargs):
        return json.loads(self.client.get("records") or "[]")


memory = Memory(storage=RedisStorage())


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=memory)
'''
OFF = _trees.CREW.replace(", memory=True", "")
APP = "services:\n  api:\n    build: .\n"
WITH_QDRANT = APP + "    environment: {QDRANT_URL: 'http://qdrant:6333'}\n"
CACHE = APP + "  cache:{}\n    image: redis:7\n"
RULE = Rule(
    id="CM206", severity="error", check=check,
    summary="a server container that memory uses has no durable data volume, or is a Redis that drops records",
    bad=(
        Example("Qdrant without a volume", _trees.service(
            WITH_QDRANT + "  qdrant:  # <-- here\n    image: qdrant/qdrant:v1.12.0\n", app__main_dot_py=MEM0, app__crew_dot_py=OFF)),
        Example("Redis without persistence", _trees.service(
            CACHE.format("") + "    command: redis-server --save '' --appendonly no  # <-- here\n    volumes: [r:/data]\nvolumes:\n  r:\n",
            app__crew_dot_py=REDIS_STORE)),
        Example("a mounted configuration that evicts", _trees.service(
            CACHE.format("") + "    command: redis-server /etc/redis.conf\n    volumes: [r:/data, './redis.conf:/etc/redis.conf:ro']\n"
            "volumes:\n  r:\n", app__crew_dot_py=REDIS_STORE,
            redis_dot_conf="appendonly yes\nmaxmemory 200mb\nmaxmemory-policy allkeys-lru  # <-- here\n")),
        Example("a data directory in RAM", _trees.service(
            WITH_QDRANT + "  qdrant:\n    image: qdrant/qdrant:v1.12.0\n    tmpfs:\n      - /qdrant/storage  # <-- here\n",
            app__main_dot_py=MEM0, app__crew_dot_py=OFF)),
    ),
    good=(
        Example("the volume is there", _trees.service(
            WITH_QDRANT + "  qdrant:\n    image: qdrant/qdrant:v1.12.0\n    volumes: [q:/qdrant/storage]\nvolumes:\n  q:\n",
            app__main_dot_py=MEM0, app__crew_dot_py=OFF)),
        Example("a broker that memory does not use", _trees.service(
            APP + "    environment: {REDIS_URL: 'redis://broker:6379'}\n  broker:\n    image: redis:7\n    command: redis-server --save ''\n")),
        Example("Redis with its own snapshots", _trees.service(
            CACHE.format("") + "    volumes: [r:/data]\nvolumes:\n  r:\n", app__crew_dot_py=REDIS_STORE)),
        Example("no snapshots, but an append-only file", _trees.service(
            CACHE.format("") + "    command: ['redis-server', '--save', '', '--appendonly', 'yes']\n    volumes: [r:/data]\nvolumes:\n  r:\n",
            app__crew_dot_py=REDIS_STORE)),
    ),
    premise=("https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/: `save \"\"` disables snapshots",
             "https://redis.io/docs/latest/develop/reference/eviction/: allkeys-* evicts any key once maxmemory is reached",
             "https://qdrant.tech/documentation/guides/installation/: /qdrant/storage"),
)
