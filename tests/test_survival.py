"""The survival table as a pure function, and what must hold of it whatever the deployment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewmem_doctor.model.deployment import EVENTS, Environment, Mount, Process, Service, Setting, User
from crewmem_doctor.model.expression import EnvVar, Expr, Fresh, FromCaller, Joined, Surroundings, Text
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory, Reach, Store
from crewmem_doctor.model.project import Run
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.model.report import Outcome
from crewmem_doctor.placement import place
from crewmem_doctor.survival import survival
from crewmem_doctor.writable import unwritable

HERE = Location("app/crew.py", 7, 5)
NEW = Release((Version(1, 15, 30),), "==1.15.30", locked=True)
OLD = Release((Version(0, 63, 6),), "==0.63.6", locked=True)
ENTRY = EntryPoint("http", "POST /chat", Location("app/main.py", 9), "app.main.chat", "fastapi")


def mount(target: str, kind: str = "named", **more: object) -> Mount:
    return Mount(target, kind, HERE, source="m", **more)  # type: ignore[arg-type]


def run(store: Store | None = None, *, mounts: tuple[Mount, ...] = (), workers: int = 1, builds: bool = True,
        variables: dict[str, str] | None = None, cwd: Answer[str] | None = None, **service: object) -> Run:
    """One crew in one service with the given disk and processes."""
    memory = Memory("crew", HERE, "crewai.Crew", store or Store("path", "crewai's own default"))
    memory = replace(memory, handlers=(Reach(ENTRY, builds),))
    settings = tuple(Setting(k, Known(v), HERE) for k, v in (variables or {}).items())
    environment = Environment(settings)
    process = Process(("uvicorn",), HERE, "uvicorn", workers=Known(workers))
    unit = Service("compose:api", "api", "compose", HERE, (process,), environment, mounts=mounts, **service)  # type: ignore[arg-type]
    around = Surroundings(cwd or Known("/app"), unit.user.home, environment.lookup, lambda _p: Known("/app/app"))
    return Run(memory, unit, process, around, memory.handlers)


def words(r: Run, release: Release = NEW) -> str:
    return " ".join(survival(r, release)[event].word for event in EVENTS)


@pytest.mark.parametrize(("case", "expected"), [
    (run(), "kept n/a kept lost n/a lost"),
    (run(workers=4), "kept kept kept lost n/a lost"),
    (run(replicas=Known(2)), "kept n/a kept lost lost lost"),
    (run(mounts=(mount("/root/.local"),)), "kept n/a kept kept n/a n/a"),
    (run(mounts=(mount("/root/.local"),), replicas=Known(3)), "kept n/a kept kept kept n/a"),
    (run(mounts=(mount("/root/.local"),), orchestrated=True), "kept n/a kept kept n/a lost"),
    (run(mounts=(mount("/root/.local", "tmpfs", durable=False),)), "kept n/a lost lost n/a lost"),
    (run(mounts=(mount("/root/.local", "anonymous", durable=False),)), "kept n/a kept lost n/a lost"),
    (run(mounts=(mount("/data"),)), "kept n/a kept lost n/a lost"),
    (run(mounts=(mount("/data"),), variables={"CREWAI_STORAGE_DIR": "/data"}), "kept n/a kept kept n/a n/a"),
    (run(restart_keeps_layer=False), "kept n/a lost lost n/a lost"),
    (run(Store("server", "Postgres"), replicas=Known(5), workers=9), "kept kept kept kept kept kept"),
    (run(Store("process", "a list"), builds=False, workers=2), "kept lost lost lost n/a lost"),
    (run(Store("process", "a list"), builds=True), "lost n/a lost lost n/a lost"),
    (run(Store("unknown", "make_storage()")), "unknown n/a unknown unknown n/a unknown"),
    (run(replicas=Unknown("${N} is set outside")), "kept n/a kept lost unknown lost"),
])
def test_rows(case: Run, expected: str) -> None:
    assert words(case) == expected


def test_every_loss_says_why() -> None:
    for case in (run(), run(Store("process", "a list"), workers=3, replicas=Known(2)), run(mounts=(mount("/x", "tmpfs", durable=False),))):
        for outcome in survival(case, NEW).values():
            assert outcome.why or outcome.word not in ("lost", "unknown", "stale")


def test_a_release_that_empties_memory_when_a_crew_is_built_loses_the_next_request() -> None:
    assert survival(run(), OLD)["request"].word == "lost"
    assert survival(run(builds=False), OLD)["request"].word == "kept"
    both = Release((Version(0, 63, 6), Version(1, 15, 30)), ">=0.60")
    assert survival(run(), both)["request"].word == "unknown"


CHROMA = Release((Version(1, 9, 3),), "==1.9.3", locked=True)
DISK = (mount("/root/.local"),)


@pytest.mark.parametrize(("case", "release", "word"), [
    (run(workers=4, builds=False), NEW, "stale"),
    (run(workers=1, builds=False), NEW, "n/a"),
    (run(workers=4), NEW, "kept"),
    (run(workers=4), CHROMA, "stale"),
    (run(workers=4), OLD, "kept"),
    (run(workers=4), Release((CHROMA.newest, NEW.newest), ">=1.9"), "unknown"),
    (run(workers=4, builds=False), Release((CHROMA.newest, NEW.newest), ">=1.9"), "stale"),
    (run(Store("path", "QdrantClient(path=…)", Text("/q"), "qdrant"), workers=2), NEW, "lost"),
    (run(Store("path", "Memory(storage=…)", None, "qdrant-edge"), workers=2), NEW, "stale"),
    (run(Store("path", "sqlite3.connect(…)", Text("/x.db"), "sqlite"), workers=2, builds=False), NEW, "kept"),
])
def test_what_workers_see_of_one_another(case: Run, release: Release, word: str) -> None:
    assert survival(case, release)["worker"].word == word


def test_replicas_over_one_volume_are_as_stale_as_workers() -> None:
    held = run(mounts=DISK, builds=False, replicas=Known(3))
    assert words(held) == "kept n/a kept kept stale n/a"
    assert survival(run(mounts=DISK, builds=False, replicas=Unknown("set outside")), NEW)["replica"] == Outcome("unknown", "set outside")
    assert survival(run(builds=False, replicas=Known(3)), NEW)["replica"].word == "lost", "each has a disk of its own"


def test_workers_of_unknown_number_leave_it_open() -> None:
    held = run(builds=False)
    assert held.process is not None
    many = replace(held, process=replace(held.process, workers=Unknown("as many as CPUs")))
    assert survival(many, NEW)["worker"] == Outcome("unknown", "as many as CPUs")


def test_a_path_made_for_the_request_is_lost_at_once() -> None:
    where = Joined((Text("/data"), Fresh("uuid4()")))
    durable = run(Store("path", "Memory(storage=…)", where), mounts=(mount("/data"),))
    assert words(durable) == "lost n/a lost lost n/a lost"


@pytest.mark.parametrize(("cwd", "variables", "expected"), [
    ("/app", {}, "/root/.local/share/app/memory"),
    ("/", {}, "/root/.local/share/memory"),
    ("/srv/my_crew", {"XDG_DATA_HOME": "/xdg"}, "/xdg/my_crew/memory"),
    ("/app", {"HOME": "/home/x"}, "/root/.local/share/app/memory"),
    ("/app", {"CREWAI_STORAGE_DIR": "/data"}, "/data/memory"),
    ("/app", {"CREWAI_STORAGE_DIR": "store"}, "/app/store/memory"),
])
def test_effective_path_follows_the_formula_of_the_release(cwd: str, variables: dict[str, str], expected: str) -> None:
    """`crewai_core/paths.py` of 1.15.30, run with these settings. HOME reaches a process through its surroundings."""
    assert place(run(variables=variables, cwd=Known(cwd)), NEW).path == Known(expected, *_rest(place(run(variables=variables, cwd=Known(cwd)), NEW).path))


def _rest(answer: Answer[str]) -> tuple[object, object]:
    assert isinstance(answer, Known)
    return answer.at, answer.confidence


def test_a_variable_that_nobody_sets_leaves_the_path_unknown_and_the_table_silent() -> None:
    store = Store("path", "Memory(storage=…)", EnvVar("STORE"))
    unit = run(store, mounts=(mount("/data"),))
    assert isinstance(place(unit, NEW).path, Unknown)
    assert survival(unit, NEW)["redeploy"].word == "unknown"
    assert survival(run(store), NEW)["redeploy"].word == "lost", "without any mount every path is in the layer"


@pytest.mark.parametrize(("case", "blocked"), [
    (run(read_only_root=Known(True)), True),
    (run(read_only_root=Known(True), mounts=(mount("/root"),)), False),
    (run(mounts=(mount("/root", read_only=True),)), True),
    (run(user=User("app", Known("/home/app"), HERE, root=False, home_exists=Known(False))), True),
    (run(user=User("app", Known("/home/app"), HERE, root=False)), False),
    (run(user=User("10001", Known("/"), HERE, root=False)), True),
    (run(read_only_root=Known(True), mounts=(mount("/data"),), variables={"CREWAI_STORAGE_DIR": "/data"}), True),
    (run(read_only_root=Known(True), mounts=(mount("/data"),), variables={"CREWAI_STORAGE_DIR": "/data"}, user=User(
        "root", Known("/data"))), False),
    (run(user=User("app", Known("/home/app"), HERE, root=False, owns=("/home/app",)), mounts=(mount("/home/app/.local"),)), True),
    (run(user=User("app", Known("/home/app"), HERE, root=False, owns=("/home/app", "/home/app/.local")),
         mounts=(mount("/home/app/.local"),)), False),
    (run(), False),
])
def test_unwritable(case: Run, blocked: bool) -> None:
    assert (unwritable(case, place(case, NEW), NEW) is not None) is blocked


def test_what_cannot_be_written_is_lost_on_every_event_that_happens() -> None:
    assert words(run(mounts=(mount("/root", read_only=True),))) == "lost n/a lost lost n/a lost"


def test_old_releases_import_without_a_home() -> None:
    case = run(read_only_root=Known(True), mounts=(mount("/data"),), variables={"CREWAI_STORAGE_DIR": "/data"})
    old = Release((Version(0, 203, 2),), "==0.203.2", locked=True)
    assert unwritable(case, place(case, old), old) is None


PATHS = st.sampled_from(["/", "/app", "/data", "/root", "/root/.local", "/root/.local/share/app", "/tmp", "/data/memory"])
STORES: st.SearchStrategy[Expr | None] = st.sampled_from(
    [None, Text("/data/memory"), Text("./memory"), Text("/tmp/m"), EnvVar("STORE", Text("/data/x"))])
DISKS = st.lists(st.builds(mount, PATHS, st.sampled_from(["named", "bind"])), max_size=3).map(tuple)


@given(STORES, DISKS, st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_a_durable_mount_over_the_store_never_loses_more(
        where: Expr | None, mounts: tuple[Mount, ...], workers: int, replicas: int, orchestrated: bool) -> None:
    before = run(Store("path", "x", where), mounts=mounts, workers=workers, replicas=Known(replicas), orchestrated=orchestrated)
    placement = place(before, NEW)
    assert isinstance(placement.path, Known)
    covered = replace(before, service=replace(before.service, mounts=(*mounts, mount(placement.path.value))))
    for event, outcome in survival(covered, NEW).items():
        if outcome.word == "lost":
            assert survival(before, NEW)[event].word == "lost"
    assert survival(covered, NEW)["redeploy"].word == "kept"


@given(STORES, DISKS, st.integers(1, 4))
def test_more_replicas_never_keep_more(where: Expr | None, mounts: tuple[Mount, ...], replicas: int) -> None:
    few = run(Store("path", "x", where), mounts=mounts, replicas=Known(replicas))
    many = replace(few, service=replace(few.service, replicas=Known(replicas + 1)))
    for event in EVENTS:
        if survival(few, NEW)[event].word == "lost":
            assert survival(many, NEW)[event].word == "lost"


def test_a_path_for_each_caller_is_judged_by_what_is_the_same_for_all() -> None:
    where = Joined((Text("/data/users"), FromCaller("user_id of the body")))
    store = Store("path", "Memory(storage=…)", where)
    assert place(run(store), NEW).path == Known("/data/users/{caller}")
    assert words(run(store, mounts=(mount("/data"),))) == "kept n/a kept kept n/a n/a"
    assert words(run(store, mounts=(mount("/other"),))) == "kept n/a kept lost n/a lost"
    theirs = run(Store("path", "Memory(storage=…)", FromCaller("folder of the body")), mounts=(mount("/data"),))
    assert isinstance(place(theirs, NEW).path, Unknown)


def test_a_mount_whose_target_is_set_outside_may_cover_anything() -> None:
    assert words(run(mounts=(mount("$STORE"),))) == "kept n/a kept unknown n/a unknown"


HOST = (mount("/", "hostpath", shared=True, local=True), mount("/tmp", "temporary", durable=False, shared=True))
SANDBOX = {"read_only_root": Known(True, HERE), "writable": ("/tmp",), "orchestrated": True, "restart_keeps_layer": False}


@pytest.mark.parametrize(("case", "expected"), [
    # a machine of its own: its disk stays, what is temporary passes when it starts
    (run(mounts=HOST), "kept n/a kept kept n/a n/a"),
    (run(mounts=HOST, variables={"CREWAI_STORAGE_DIR": "/tmp/m"}), "kept n/a kept lost n/a lost"),
    (run(mounts=(*HOST, mount("/root", "hostpath", read_only=True))), "lost n/a lost lost n/a lost"),
    # a disk of the machine itself does not move with the workload, another platform's disk does
    (run(mounts=(mount("/root", "disk", local=True),), orchestrated=True), "kept n/a kept kept n/a lost"),
    (run(mounts=(mount("/root", "disk"),), orchestrated=True), "kept n/a kept kept n/a kept"),
    (run(mounts=(mount("/root", "disk"),), orchestrated=True, replicas=Known(2)), "kept n/a kept kept lost kept"),
    # nobody knows whether anything is mounted
    (run(mounts=(mount("/root", "unknown", optional="it is a paid option"),), orchestrated=True, replicas=Known(2)),
     "kept n/a unknown unknown unknown unknown"),
    # a function: only /tmp can be written, and no instance shares it
    (run(**SANDBOX), "lost n/a lost lost n/a lost"),
    (run(variables={"CREWAI_STORAGE_DIR": "/tmp/m"}, **SANDBOX), "kept n/a lost lost n/a lost"),
    (run(variables={"CREWAI_STORAGE_DIR": "/tmpfiles"}, **SANDBOX), "lost n/a lost lost n/a lost"),
    (run(mounts=(mount("/root", "nfs", shared=True, network="efs"),), replicas=Known(9), **SANDBOX),
     "kept n/a kept kept kept kept"),
])
def test_platforms(case: Run, expected: str) -> None:
    assert words(case) == expected


def test_a_platform_says_why() -> None:
    heroku = run(ephemeral_because="a dyno's files go", hidden_mounts="disks are in a dashboard")
    outcome = survival(heroku, NEW)["redeploy"]
    assert outcome.why == "no disk covers /root/.local/share/app/memory, and a dyno's files go (disks are in a dashboard)"
