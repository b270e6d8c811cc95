"""The one idea: what each event does to a memory in a service.

`survival` is a pure function. The report prints its table; the rules of the 1xx to 3xx groups are projections of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crewmem_doctor.model.deployment import EVENTS, Event, Mount, Service
from crewmem_doctor.model.expression import Fresh
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Run
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.model.report import Outcome
from crewmem_doctor.placement import Placement, place
from crewmem_doctor.releases.construction import resets_on_construction
from crewmem_doctor.releases.keys import agent_memory_is_real
from crewmem_doctor.releases.paths import default_location
from crewmem_doctor.writable import store_blocked

KEPT = Outcome("kept")
NOT_APPLICABLE = Outcome("n/a")
CHROMA_DIRECT = Version(0, 74, 0)  # before, Chroma was only reached through another package


def survival(run: Run, release: Release) -> Mapping[Event, Outcome]:
    """Every event's outcome for the memory and service of `run` on the releases in question."""
    placement = place(run, release)
    table: dict[Event, Callable[[Run, Placement, Release], Outcome]] = {
        "request": _request,
        "worker": _worker,
        "restart": _restart,
        "redeploy": _redeploy,
        "replica": _replica,
        "node": _node,
    }
    outcomes = {event: table[event](run, placement, release) for event in EVENTS}
    blocked = store_blocked(run, placement)
    if blocked is None or blocked[2] != "high":
        return outcomes
    never = Outcome("lost", f"nothing can be written: {blocked[0]}")
    happens = {event for event, outcome in outcomes.items() if outcome.word != "n/a" or event == "node"}
    return {event: never if event in happens else outcome for event, outcome in outcomes.items()}


def remembers(memory: Memory, release: Release) -> bool:
    """Whether a memory is on and is one on every release in question: an agent's flag long did nothing."""
    on = isinstance(memory.enabled, Known) and memory.enabled.value
    return on and (memory.kind != "agent" or release.always(agent_memory_is_real))


def undecided(memory: Memory, release: Release) -> bool:
    """Whether the tree does not show if a memory is on."""
    return isinstance(memory.enabled, Unknown) and (memory.kind != "agent" or release.always(agent_memory_is_real))


def opens_anew(memory: Memory) -> bool:
    """Whether the store is SQLite's `:memory:` through CrewAI's own classes: each connection of theirs is another,
    empty database. Ran 1.15.30, 1.9.3, 0.203.2: "no such table", which a crew only logs."""
    return memory.store.why in ("LTMSQLiteStorage(':memory:')", "SQLiteFlowPersistence(':memory:')")


def workers_of(run: Run) -> tuple[int | None, str]:
    """How many processes of one replica run this memory, None where that is not known, with the reason."""
    process = run.process
    if process is None:
        return None, "the command is not known"
    if isinstance(process.workers, Unknown):
        return None, process.workers.why
    return process.workers.value, ""


def _lost_in_process(run: Run) -> str:
    return f"it lives in the memory of one process ({run.memory.store.why})"


def _request(run: Run, placement: Placement, release: Release) -> Outcome:
    memory = run.memory
    if placement.kind == "unknown":
        return Outcome("unknown", memory.store.why)
    per_request = any(reach.builds for reach in run.reaches)
    if placement.kind == "process":
        if opens_anew(memory):
            return Outcome("lost", "CrewAI opens SQLite's :memory: anew for every save and every search")
        return Outcome("lost", "it is built anew for each request and lives in RAM") if per_request else KEPT
    if per_request and isinstance(placement.fresh, Fresh) and placement.fresh.per_process:
        return KEPT
    if per_request and placement.fresh is not None:
        return Outcome("lost", f"each request gets a new path ({_made_by(placement)})")
    if per_request and memory.kind in ("crew", "short_term") and release.ever(resets_on_construction):
        if release.always(resets_on_construction):
            return Outcome("lost", f"CrewAI {release} empties short-term memory whenever a crew is built")
        return Outcome("unknown", "the requirement allows releases that empty memory whenever a crew is built")
    return KEPT


def _made_by(placement: Placement) -> str:
    return placement.fresh.source if isinstance(placement.fresh, Fresh) else "a new temporary directory"


def _worker(run: Run, placement: Placement, release: Release) -> Outcome:
    count, why = workers_of(run)
    if count == 1:
        return NOT_APPLICABLE
    if placement.kind == "unknown":
        return Outcome("unknown", run.memory.store.why)
    if placement.kind == "process" or placement.fresh is not None:
        where = (
            _lost_in_process(run)
            if placement.kind == "process"
            else f"each process gets a path of its own ({_made_by(placement)})"
        )
        return Outcome("unknown", why) if count is None else Outcome("lost", where)
    crowd = in_company(run, placement, release)
    return Outcome("unknown", why) if count is None and crowd != KEPT else crowd


def _restart(run: Run, placement: Placement, release: Release) -> Outcome:
    if placement.kind == "unknown":
        return Outcome("unknown", run.memory.store.why)
    if placement.kind == "process":
        return Outcome("lost", _lost_in_process(run))
    if placement.kind == "server":
        return KEPT
    if placement.fresh is not None:
        return Outcome("lost", f"the next process gets another path ({_made_by(placement)})")
    mount = placement.mount
    if mount is None:
        if placement.maybe and not run.service.restart_keeps_layer:
            return Outcome("unknown", placement.why)
        return KEPT if run.service.restart_keeps_layer else Outcome("lost", _no_mount(run.service, placement))
    if mount.optional:
        return Outcome("unknown", mount.optional)
    if mount.kind == "tmpfs":
        return Outcome("lost", f"{mount.target} is a tmpfs, which is emptied when the container stops")
    return KEPT


def _redeploy(run: Run, placement: Placement, release: Release) -> Outcome:
    if placement.kind == "path" and placement.fresh is None:
        mount = placement.mount
        if mount is None and placement.maybe:
            return Outcome("unknown", placement.why)
        if mount is None:
            return Outcome("lost", _no_mount(run.service, placement))
        if mount.optional:
            return Outcome("unknown", mount.optional)
        return KEPT if mount.durable else Outcome("lost", _ephemeral(mount))
    return _restart(run, placement, release)


def _replica(run: Run, placement: Placement, release: Release) -> Outcome:
    replicas = run.service.replicas
    if isinstance(replicas, Known) and replicas.value <= 1:
        return NOT_APPLICABLE
    if placement.kind == "unknown":
        return Outcome("unknown", run.memory.store.why)
    if placement.kind == "server":
        return KEPT
    outcome = own_disk(run, placement)
    outcome = in_company(run, placement, release) if outcome == KEPT else outcome
    if outcome.word in ("lost", "stale") and isinstance(replicas, Unknown):
        return Outcome("unknown", replicas.why)
    return outcome


def in_company(run: Run, placement: Placement, release: Release) -> Outcome:
    """What becomes of a memory whose store several processes have open at once."""
    memory = run.memory
    if placement.kind != "path":
        return KEPT
    held = long_lived(run)
    verdicts = {_crowded(engine_on(memory, version), memory, version, held) for version in release.candidates}
    if len({verdict.word for verdict in verdicts}) == 1:
        return max(verdicts, key=lambda verdict: verdict.why)
    return Outcome("unknown", f"on some releases that {release} allows, a process does not see what others wrote")


def _crowded(engine: str, memory: Memory, version: Version, kept_open: bool) -> Outcome:
    if engine == "lancedb" and kept_open:
        return Outcome("stale", "a process that opened it before the first write never sees what others write")
    if engine == "chroma" and (memory.kind == "third_party" or version >= CHROMA_DIRECT):
        return Outcome("stale", "each process searches its own index of embedded Chroma, without what others wrote")
    if engine == "qdrant":
        return Outcome("lost", "embedded Qdrant lets one process in and refuses every other")
    if engine == "qdrant-edge":
        return Outcome("stale", "each process writes to a shard of its own, which others see only after it has closed")
    return KEPT


def engine_on(memory: Memory, version: Version) -> str:
    """The engine that keeps the records on that release: what the code says, else the release's own."""
    if memory.store.engine != "default":
        return memory.store.engine
    artefact = default_location(version, memory.kind)
    return artefact.engine if artefact is not None else "unknown"


def long_lived(run: Run) -> bool:
    """Whether requests share one memory object: it is made at import, or kept by whoever made it first."""
    if run.memory.level == "module" or run.loads_at_import:
        return True
    return any(not reach.builds for reach in run.reaches if reach.entry.kind != "script")


def own_disk(run: Run, placement: Placement) -> Outcome:
    if placement.kind == "process":
        return Outcome("lost", _lost_in_process(run))
    if placement.fresh is not None:
        return Outcome("lost", f"each replica gets a path of its own ({_made_by(placement)})")
    mount = placement.mount
    if mount is None:
        if placement.maybe:
            return Outcome("unknown", placement.why)
        return Outcome("lost", f"each replica has its own {placement.display}")
    if mount.shared or (mount.kind in ("named", "bind") and not run.service.orchestrated):
        return KEPT
    if mount.unsure or mount.optional:
        return Outcome("unknown", mount.unsure or mount.optional)
    return Outcome("lost", f"each replica has its own {_described(mount).partition(' ')[2]} at {mount.target}")


def _node(run: Run, placement: Placement, release: Release) -> Outcome:
    """A single host's durable volume does not move; whatever a redeploy loses, a move loses too."""
    if placement.kind == "server":
        return KEPT
    redeploy = _redeploy(run, placement, release)
    if redeploy.word != "kept":
        return redeploy
    mount = placement.mount
    if mount is None or mount.shared or mount.network:
        return KEPT if run.service.orchestrated else NOT_APPLICABLE
    if not run.service.orchestrated:
        return NOT_APPLICABLE
    if mount.kind in ("named", "bind", "hostpath") or mount.local:
        return Outcome("lost", f"{_described(mount)} at {mount.target} stays on the node it was made on")
    return KEPT


def _no_mount(service: Service, placement: Placement) -> str:
    if service.ephemeral_because:
        hidden = f" ({service.hidden_mounts})" if service.hidden_mounts else ""
        return f"no disk covers {placement.display}, and {service.ephemeral_because}{hidden}"
    if not service.mounts:
        return f"nothing is mounted, so {placement.display} is in the container's own layer"
    return f"no mount covers {placement.display}"


def _ephemeral(mount: Mount) -> str:
    lives = {
        "tmpfs": "is RAM",
        "emptydir": "ends with the pod",
        "anonymous": "is replaced with the container",
        "temporary": "is emptied when the machine starts",
    }
    return f"{_described(mount)} at {mount.target} {lives.get(mount.kind, 'does not outlive the container')}"


def _described(mount: Mount) -> str:
    names = {
        "named": "the volume",
        "bind": "the bind mount",
        "anonymous": "an anonymous volume",
        "tmpfs": "a tmpfs",
        "emptydir": "an emptyDir",
        "pvc": "the claim",
        "hostpath": "the hostPath",
        "claim-template": "a claim per pod",
    }
    return names.get(mount.kind, f"the {mount.kind} mount") + (
        f" {mount.source}" if mount.kind in ("named", "pvc") and mount.source else ""
    )
