"""Containers that write one store, and what keeps their write locks apart."""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.deployment import Service, Setting
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.placement import covering
from crewmem_doctor.releases.variables import redis_url_moves_lock
from crewmem_doctor.rules._settings import lacks
from crewmem_doctor.rules._sharing import Pair, containers, shared_stores
from crewmem_doctor.survival import own_disk

REDIS_URL = "REDIS_URL"
LOCKED = ("crew", "memory", "agent", "flow")
# Packages that bring `redis` along, by themselves or with that extra.
BRINGS = frozenset(("redis", "rq", "arq", "redisvl", "django-redis", "langchain-redis", "channels-redis", "taskiq-redis", "redis-om",
                    "langgraph-checkpoint-redis", "flask-redis", "rq-scheduler", "django-rq"))


@dataclass(frozen=True, slots=True)
class Writers:
    """The containers that write one store and share no temporary directory: `services`, of which `replicated` run more
    than once."""

    pairs: tuple[Pair, ...]
    services: tuple[Service, ...]
    replicated: tuple[Service, ...]

    def runs(self, service: Service) -> list[Run]:
        return [run for run, _ in self.pairs if run.service is service]


def writers(project: Project) -> Iterator[Writers]:
    """The groups of containers whose write lock is CrewAI's own: none on releases that lock beside the data, none where
    the code sets a lock of its own."""
    if not project.release.always(redis_url_moves_lock) or _has_backend(project):
        return
    for pairs in shared_stores(project):
        chosen = tuple(pair for pair in pairs if pair[0].memory.kind in LOCKED and pair[1].mount is not None)
        services = tuple(containers(chosen))
        replicated = tuple(s for s in services if _replicated(s, chosen))
        if chosen and (len(services) > 1 or replicated) and not _one_tempdir(chosen):
            yield Writers(chosen, services, replicated)


def without_address(project: Project, group: Writers) -> list[Service]:
    """The containers that certainly have no REDIS_URL."""
    return [s for s in group.services if all(lacks(project, run, REDIS_URL) for run in group.runs(s))]


def without_package(project: Project, group: Writers) -> list[Service]:
    """The containers whose image no requirement brings `redis` into."""
    return [s for s in group.services if not has_redis(project, s)]


def address(group: Writers, service: Service) -> Setting | None:
    """The REDIS_URL that the service itself is given."""
    own = [*service.environment.settings, *(s for run in group.runs(service) if run.process for s in run.process.environment)]
    return next((s for s in reversed(own) if s.name == REDIS_URL), None)


def meant(group: Writers) -> bool:
    """Whether somebody wants the lock in Redis: every one of the containers is given an address. A file or secret that
    may hold one does not say that it does."""
    return all(address(group, run.service) is not None or isinstance(run.around.variable(REDIS_URL), Known) for run, _ in group.pairs)


def has_redis(project: Project, service: Service) -> bool:
    if any(r.name in BRINGS or "redis" in r.extras for r in project.requirements):
        return True
    return any(word.split("=")[0].split("[")[0].strip("<>~!").lower() in BRINGS or "[redis" in word for word in service.packages)


def _replicated(service: Service, pairs: tuple[Pair, ...]) -> bool:
    replicas = service.replicas
    shared = any(run.service is service and own_disk(run, p).word == "kept" for run, p in pairs)
    return shared and isinstance(replicas, Known) and replicas.value > 1


def _has_backend(project: Project) -> bool:
    return any(found.name.endswith("set_lock_backend") for found in project.code.imports) or any(
        call.callee.endswith("set_lock_backend") for call in project.code.calls)


def _one_tempdir(pairs: tuple[Pair, ...]) -> bool:
    """Whether all of them have one volume over the temporary directory."""
    sources = {_temporary(run) for run, _ in pairs}
    return len(sources) == 1 and "" not in sources


def _temporary(run: Run) -> str:
    folder = run.around.tempdir
    mount = covering(run.service.mounts, folder.value) if isinstance(folder, Known) else None
    return f"{mount.kind} {mount.source}" if mount is not None and mount.source and mount.durable else ""
