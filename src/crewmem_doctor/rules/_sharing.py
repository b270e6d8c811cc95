"""Which memories share one store, and which processes have it open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules._common import on_disk, unique
from crewmem_doctor.survival import own_disk, workers_of

Pair = tuple[Run, Placement]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Several processes that have one store open. `how` says so in a clause, `at` is what makes them several."""

    pairs: tuple[Pair, ...]
    at: Location
    how: str
    because: tuple[Step, ...]

    @property
    def place(self) -> str:
        return self.pairs[0][1].display


def shared_stores(project: Project) -> list[list[Pair]]:
    """The memories on disk, by the store that they land in: a place on a volume, or a path in a service's own layer."""
    groups: dict[Key, list[Pair]] = {}
    for run, placement in on_disk(project):
        if isinstance(placement.path, Known) and not placement.maybe:
            groups.setdefault(store_key(run, placement), []).append((run, placement))
    return list(groups.values())


def store_key(run: Run, placement: Placement) -> Key:
    mount, path, service = placement.mount, placement.display, run.service
    if mount is None or not mount.source:
        return service.platform, service.deployment, service.id, path
    inside = path[len(mount.target.rstrip("/")):].strip("/")
    return service.platform, service.deployment, mount.kind, mount.source, mount.sub_path.strip("/"), inside


def crowds(project: Project, counts: Callable[[Run, Placement], bool]) -> Iterator[Crowd]:
    """The stores that several processes have open, for the memories that count. One cause, one crowd."""
    found: dict[Location, Crowd] = {}
    for pairs in shared_stores(project):
        crowd = _crowd([pair for pair in pairs if counts(*pair)], pairs)
        if crowd is not None:
            before = found.get(crowd.at)
            merged = (*before.pairs, *crowd.pairs) if before else crowd.pairs
            found[crowd.at] = Crowd(merged, crowd.at, crowd.how, crowd.because)
    yield from found.values()


def _crowd(chosen: list[Pair], everyone: list[Pair]) -> Crowd | None:
    for run, _ in chosen:
        count, process = workers_of(run)[0], run.process
        if process is not None and count is not None and count > 1:
            return Crowd(tuple(chosen), process.workers_at or run.service.at,
                         f"{run.service.id} runs {count} worker processes ({process.server})", ())
    for run, placement in chosen:
        replicas = run.service.replicas
        if isinstance(replicas, Known) and replicas.value > 1 and own_disk(run, placement).word == "kept":
            return Crowd(tuple(chosen), run.service.replicas_at or run.service.at,
                         f"{run.service.id} runs {replicas.value} replicas over one volume", ())
    services = containers(everyone)
    if chosen and len(services) > 1:
        names = " and ".join(service.id for service in services[:3])
        return Crowd(tuple(chosen), services[1].at, f"{names} share one volume",
                     tuple(Step(service.at, "has the store open as well") for service in services))
    return None


def containers(pairs: Iterable[Pair]) -> list[Service]:
    """The services of a store that may run beside the first: other profiles are alternatives."""
    out: list[Service] = []
    for run, _ in pairs:
        service = run.service
        if all(service is not other and _together(other, service) for other in out):
            out.append(service)
    return out


def _together(one: Service, two: Service) -> bool:
    return not (one.profiles and two.profiles and not set(one.profiles) & set(two.profiles))


def story(crowd: Crowd, steps: Callable[[Run, Placement], Iterable[Step]]) -> list[Step]:
    return unique([*crowd.because, *(step for pair in crowd.pairs for step in steps(*pair))])
