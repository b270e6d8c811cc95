"""The 1xx rules over several services, open environments and expressions that have several values."""

from __future__ import annotations

import pytest
from hand_built import MODULES, check, memory, pinned, project, service

from crewmem_doctor.model.code import Code, EnvRead, EnvWrite
from crewmem_doctor.model.deployment import Mount, Setting
from crewmem_doctor.model.expression import Choice, Concat, EnvVar, Expr, Fresh, FromCaller, Joined, Opaque, Place, Text
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Store
from crewmem_doctor.rules._where import fresh_in, is_relative

AT = Location("app/crew.py", 3)
NEW = pinned("1.15.30")


def at_path(where: Expr) -> Store:
    return Store("path", "storage=", where, "lancedb", AT)


def volume(target: str) -> Mount:
    return Mount(target, "named", Location("compose.yaml", 30), "m", shared=True)


def test_a_temporary_path_must_be_covered_in_every_service() -> None:
    m = memory("memory", "crewai.Memory", at_path(Text("/tmp/crew", AT)))
    covered, bare = service("api", mounts=(volume("/tmp/crew"),)), service("worker")
    assert not check("CM103", project(NEW, m, services=(covered,)))
    (finding,) = check("CM103", project(NEW, m, services=(covered, bare)))
    assert "compose:worker" in finding.message
    assert "compose:api" not in finding.message
    assert finding.at == AT


def test_a_new_temporary_directory_is_lost_under_any_mount() -> None:
    m = memory("memory", "crewai.Memory", at_path(Place("temporary", at=AT)))
    (finding,) = check("CM103", project(NEW, m, services=(service(mounts=(volume("/tmp"),)),)))
    assert finding.severity == "error"
    assert not check("CM106", project(NEW, m))


def test_a_default_in_the_code_holds_unless_the_environment_may_say_otherwise() -> None:
    m = memory("memory", "crewai.Memory", at_path(EnvVar("MEMORY_DIR", Text("/tmp/crew", AT), AT)))
    (finding,) = check("CM103", project(NEW, m, services=(service(),)))
    assert finding.severity == "error"
    (finding,) = check("CM103", project(NEW, m, services=(service(open=("env_file .env is not in the tree",)),)))
    assert (finding.severity, finding.confidence) == ("warning", "medium")
    assert not check("CM103", project(NEW, m, services=(service(variables={"MEMORY_DIR": Known("/data")}),)))
    assert not check("CM103", project(NEW, m, services=(service(variables={"MEMORY_DIR": Unknown("a secret")}),)))


def test_a_development_service_makes_notes() -> None:
    m = memory("memory", "crewai.Memory", at_path(Text("/tmp/crew", AT)))
    (finding,) = check("CM103", project(NEW, m, services=(service(dev=True),)))
    assert finding.severity == "note"


def test_a_platform_without_a_disk_is_another_rules() -> None:
    m = memory("memory", "crewai.Memory", at_path(Text("/tmp/crew", AT)))
    assert not check("CM103", project(NEW, m, services=(service(durable_disk=False),)))


def test_the_trees_own_env_file_counts() -> None:
    at = Location(".env", 2)
    found = check("CM103", project(NEW, memory(), dotenv=(Setting("CREWAI_STORAGE_DIR", Known("/tmp/crew", at), at),)))
    assert [f.at for f in found] == [at]
    found = check("CM105", project(NEW, memory(), dotenv=(Setting("CREWAI_STORAGE_DIR", Known("crew", at), at),)))
    assert [(f.at, f.severity) for f in found] == [(at, "error")]
    assert not check("CM104", project(NEW, memory(), dotenv=(Setting("CREWAI_STORAGE_DIR", Known("/data", at), at),)))


@pytest.mark.parametrize(
    ("text", "relative"),
    [
        ("./memory", True),
        ("stock-picker", True),
        ("../data", True),
        ("/data", False),
        ("~/crew", False),
        ("C:\\data", False),
        ("$DATA/x", False),
        ("", False),
        ("redis://h", False),
    ],
)
def test_relative(text: str, relative: bool) -> None:
    assert is_relative(text) is relative


UUID = Fresh("uuid4()")


@pytest.mark.parametrize(
    ("expr", "count"),
    [
        (Concat((Text("/data/"), UUID)), 1),
        (Joined((Text("/data"), UUID)), 1),
        (Text("/data"), 0),
        (Opaque("x"), 0),
        (Choice((FromCaller("id"), UUID), fallback=True), 0),
        (Choice((Text(None), UUID), fallback=True), 1),
        (Choice((Text("/a"), UUID)), 1),
        (EnvVar("X", UUID), 0),
    ],
)
def test_what_is_made_anew(expr: Expr, count: int) -> None:
    assert len(list(fresh_in(expr))) == count


def test_a_hostname_with_a_claim_of_its_own_is_stable() -> None:
    m = memory("memory", "crewai.Memory", at_path(Concat((Text("/data/"), Fresh("gethostname()", "host", AT)))))
    claim = Mount("/data", "claim-template", Location("k8s.yaml", 9), "data")
    assert check("CM106", project(NEW, m, services=(service(mounts=(volume("/data"),)),)))
    assert not check("CM106", project(NEW, m, services=(service(mounts=(claim,)),)))


def test_a_random_part_in_the_environment_that_the_code_writes() -> None:
    write = EnvWrite("CREWAI_STORAGE_DIR", Concat((Text("/data/"), Fresh("uuid4()", at=AT, per_process=True))), AT)
    (finding,) = check("CM106", project(NEW, memory(), code=Code(modules=MODULES, env_writes=(write,))))
    assert finding.at == AT


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("redis://u:secret@host/0", True),
        ("s3://bucket/x", True),
        ("postgres", True),
        ("sqlite:///x.db", True),
        ("/data/redis", False),
        ("memory", False),
        ("./chroma", False),
    ],
)
def test_urls_and_names_of_backends(text: str, fires: bool) -> None:
    m = memory("memory", "crewai.Memory", at_path(Text(text, AT)))
    found = check("CM107", project(NEW, m))
    assert len(found) == fires
    assert all("secret" not in f.message and f.at == AT for f in found)
    if fires:
        assert not check("CM105", project(NEW, m))
        assert not check("CM201", project(NEW, m, services=(service(),)))


def test_a_place_that_a_deployment_rule_reports_is_not_reported_again() -> None:
    assert check("CM104", project(NEW, memory()))
    assert not check("CM104", project(NEW, memory(), services=(service(),)))
    assert check("CM104", project(NEW, memory(), services=(service(mounts=(volume("/root/.local"),)),)))
    open_ = service(open=("env_file .env",), mounts=(volume("/root/.local"),))
    (finding,) = check("CM104", project(NEW, memory(), services=(open_,)))
    assert (finding.severity, finding.confidence) == ("note", "medium")
    elsewhere = service(variables={"CREWAI_STORAGE_DIR": Unknown("interpolated")})
    assert not check("CM104", project(NEW, memory(), services=(elsewhere,)))


def reading(name: str, default: Expr | None = None) -> Code:
    return Code(modules=MODULES, env_reads=(EnvRead(name, AT, default, memory=True),))


def test_a_setting_is_missing_only_where_everything_is_known() -> None:
    m = memory("memory", "crewai.Memory", at_path(EnvVar("MEMORY_DIR", None, AT)))
    code = reading("MEMORY_DIR")
    (finding,) = check("CM503", project(NEW, m, services=(service(),), code=code))
    assert finding.evidence == "MEMORY_DIR"
    assert not check("CM503", project(NEW, m, services=(service(open=("env_file .env",)),), code=code))
    assert not check(
        "CM503", project(NEW, m, services=(service(variables={"MEMORY_DIR": Unknown("interpolated")}),), code=code)
    )
    loads = Code(modules=MODULES, env_reads=code.env_reads, dotenv_loads=(AT,))
    assert not check("CM503", project(NEW, m, services=(service(),), code=loads))


def test_localhost_inside_a_container() -> None:
    local = EnvVar("QDRANT_URL", Text("http://localhost:6333"), AT)
    m = memory("third_party", "mem0.Memory", Store("server", "mem0's qdrant", local, "qdrant", AT))
    code = reading("QDRANT_URL", Text("http://localhost:6333"))
    (finding,) = check("CM503", project(NEW, m, services=(service(),), code=code))
    assert "localhost" in finding.message
    assert not check(
        "CM503", project(NEW, m, services=(service(variables={"QDRANT_URL": Known("http://qdrant:6333")}),), code=code)
    )


def test_the_embedders_key() -> None:
    assert check("CM504", project(NEW, memory(), services=(service(),)))
    assert not check("CM503", project(NEW, memory(reads=("OPENAI_API_KEY",)), services=(service(),)))
    assert not check(
        "CM504", project(NEW, memory(), services=(service(variables={"OPENAI_API_KEY": Unknown("a secret")}),))
    )
    assert not check("CM504", project(NEW, memory(), services=(service(open=("env_file .env",)),)))
    assert not check("CM504", project(NEW, memory("long_term"), services=(service(),)))
