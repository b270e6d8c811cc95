"""What a rule says depends on the release in use, and over a range on what holds everywhere."""

from __future__ import annotations

import pytest
from hand_built import ANY, CALL, MODULES, between, check, memory, pinned, project

from crewmem_doctor.model.changes import Refusal
from crewmem_doctor.model.code import Argument, Call, Code, EnvRead, Import
from crewmem_doctor.model.expression import Choice, Concat, Expr, Fresh, FromCaller, Opaque, Table, Text
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Sink, Store
from crewmem_doctor.model.release import Release
from crewmem_doctor.releases.known import WITH_MEMORY

AT = Location("app/crew.py", 8)


def calling(release: Release, name: str, value: Expr) -> list[Finding]:
    call = Call("crewai.Crew", CALL, (Argument(name, value, AT),), CALL)
    return check("CM601", project(release, memory(), code=Code(modules=MODULES, calls=(call,))))


BY_SESSION = Table((("session_id", FromCaller("session_id of the body")),))


@pytest.mark.parametrize(
    ("version", "says", "remedy"),
    [
        ("0.80.0", "ValidationError", "load_history"),
        ("0.130.0", "ValidationError", "external_memory=ExternalMemory("),
        ("1.9.3", "ValidationError", "external_memory=ExternalMemory("),
        ("1.10.1", "the dict itself becomes the memory", "Memory(storage="),
        ("1.15.30", "drops every key", "memory.scope("),
    ],
)
def test_the_session_dict_and_what_works_instead(version: str, says: str, remedy: str) -> None:
    (finding,) = calling(pinned(version), "memory", BY_SESSION)
    assert finding.severity == "error"
    assert says in finding.message
    assert finding.fix is not None
    assert remedy in finding.fix.snippet


@pytest.mark.parametrize(("version", "why"), [
    ("1.9.3", "this release has no memory for each user"), ("1.15.30", "the key belongs into the scope that a crew is handed")])
def test_why_a_key_of_a_kickoff_is_not_moved_fits_the_release(version: str, why: str) -> None:
    call = Call("crewai.Crew.kickoff", CALL, (Argument("session_id", FromCaller("session_id of the body"), AT),), CALL)
    (finding,) = check("CM601", project(pinned(version), memory(), code=Code(modules=MODULES, calls=(call,))))
    assert finding.fix is not None
    (change,) = finding.fix.changes
    assert isinstance(change, Refusal)
    assert change.reason.startswith(why)


def test_an_argument_of_one_side_is_no_error_of_the_argument_but_of_the_requirement() -> None:
    call = Call("crewai.Crew", CALL, (Argument("external_memory", Opaque("computed"), AT),), CALL)
    mixed = project(between("1.0.0", "1.15.30"), memory(), code=Code(modules=MODULES, calls=(call,)))
    assert not check("CM601", mixed)
    (finding,) = check("CM604", mixed)
    assert finding.severity == "error"
    assert finding.fix is not None
    assert finding.fix.snippet == "crewai==1.9.3"


@pytest.mark.parametrize(
    ("callee", "arguments"),
    [
        ("crewai.Crew", (Argument("external_memory", Text(None), AT),)),
        ("crewai.Crew", (Argument("user_id", FromCaller("x"), AT),)),
        ("app.models.Crew", (Argument("memory", BY_SESSION, AT),)),
    ],
)
def test_what_asks_for_no_memory_is_left_alone(callee: str, arguments: tuple[Argument, ...]) -> None:
    code = Code(modules=MODULES, calls=(Call(callee, CALL, arguments),))
    assert not check("CM601", project(pinned("1.15.30"), memory(), code=code))


def test_a_subclass_may_know_arguments_of_its_own() -> None:
    call = Call("crewai.Memory", CALL, (Argument("backend", Text("redis"), AT),), CALL, inherited=True)
    assert not check("CM601", project(pinned("1.15.30"), memory(), code=Code(modules=MODULES, calls=(call,))))


@pytest.mark.parametrize(
    ("release", "severity"),
    [
        (pinned("0.63.6"), "error"),
        (pinned("0.74.2"), "note"),
        (pinned("1.15.30"), "note"),
        (ANY, "warning"),
        (between("0.80.0", "1.15.30"), "note"),
        (between("0.41.0", "0.80.0"), "warning"),
    ],
)
def test_building_per_request_weighs_what_it_does(release: Release, severity: str) -> None:
    (finding,) = check("CM401", project(release, memory()))
    assert finding.severity == severity
    assert str(finding.at) == str(CALL)


def test_building_per_request_loses_what_is_in_ram_on_every_release() -> None:
    in_ram = memory(
        "memory", "crewai.Memory", Store("process", "RamStorage keeps only Python objects", None, "python", AT)
    )
    (finding,) = check("CM401", project(pinned("1.15.30"), in_ram))
    assert finding.severity == "error"


def test_a_store_for_each_user_is_found_again() -> None:
    mine = memory(
        "memory",
        "crewai.Memory",
        Store("path", "storage=", Concat((Text("/data/"), FromCaller("user_id of the body")))),
    )
    (finding,) = check("CM401", project(pinned("1.15.30"), mine))
    assert finding.severity == "note"


def keyed(name: str, value: Expr, release: Release, kind: str = "crew") -> list[tuple[str, str]]:
    found = check("CM402", project(release, memory(kind, sinks=(Sink(name, value, AT),))))  # type: ignore[arg-type]
    return [(f.severity, str(f.at)) for f in found]


UUID = Fresh("uuid4()", at=Location("app/main.py", 10))


@pytest.mark.parametrize(
    ("name", "release", "severity"),
    [
        ("agent_role", pinned("1.9.3"), "error"),
        ("agent_role", pinned("1.15.30"), None),
        ("agent_role", ANY, "warning"),
        ("crew_name", pinned("1.9.3"), None),
        ("crew_name", pinned("1.15.30"), "error"),
        ("scope", pinned("1.15.30"), "error"),
        ("flow_id", pinned("0.130.0"), "error"),
        ("source", pinned("1.15.30"), None),
    ],
)
def test_a_random_key_counts_where_memory_is_keyed_by_it(name: str, release: Release, severity: str | None) -> None:
    assert keyed(name, Concat((Text("x-"), UUID)), release) == ([(severity, "app/main.py:10")] if severity else [])


def test_a_memory_object_brings_its_own_scope() -> None:
    assert not keyed("crew_name", UUID, pinned("1.15.30"), "memory")


@pytest.mark.parametrize(
    "value",
    [
        Choice((FromCaller("session_id of the body"), UUID), fallback=True),
        Choice((Opaque("a parameter"), UUID), fallback=True),
        Choice((FromCaller("session_id of the body"), UUID)),
        FromCaller("session_id of the body"),
        Text("main"),
    ],
)
def test_a_fallback_is_no_key(value: Expr) -> None:
    assert not keyed("scope", value, pinned("1.15.30"))


def test_a_key_made_at_import_is_lost_on_restart() -> None:
    once = Fresh("uuid4()", at=AT, per_process=True)
    (finding,) = check("CM402", project(pinned("1.15.30"), memory(sinks=(Sink("scope", once, AT),))))
    assert "after a restart" in finding.message


def test_old_imports_are_one_finding_for_each_module() -> None:
    names = ("ShortTermMemory", "LongTermMemory", "EntityMemory")
    imports = tuple(Import(f"crewai.memory.{n}", Location("app/crew.py", 1, 10 * i + 1)) for i, n in enumerate(names))
    code = Code(
        modules=MODULES,
        imports=(*imports, Import("crewai.memory.UserMemory", Location("app/crew.py", 2), guarded=True)),
    )
    (finding,) = check("CM602", project(pinned("1.15.30"), memory(), code=code))
    assert "ShortTermMemory, LongTermMemory and EntityMemory" in finding.message
    assert finding.severity == "error"


def test_an_import_that_a_fresh_install_lacks() -> None:
    code = Code(modules=MODULES, imports=(Import("crewai.memory.LongTermMemory", AT),))
    (finding,) = check("CM602", project(between("1.0.0", "1.15.30"), memory(), code=code))
    assert (finding.severity, finding.confidence) == ("warning", "medium")
    newer = Code(modules=MODULES, imports=(Import("crewai.memory.Memory", AT),))
    assert not check("CM602", project(between("1.0.0", "1.15.30"), memory(), code=newer))


@pytest.mark.parametrize(
    ("provider", "callee", "version", "fires"),
    [
        ("anthropic", "crewai.Crew", "1.15.30", True),
        ("openai", "crewai.Crew", "1.15.30", False),
        ("openrouter", "crewai.Crew", "1.9.3", True),
        ("openrouter", "crewai.Crew", "1.15.30", False),
        ("google", "crewai.Crew", "1.15.30", True),
        ("google", "crewai.Memory", "1.15.30", False),
        ("google", "crewai.Crew", "0.130.0", False),
        ("mem0", "crewai.memory.ShortTermMemory", "0.130.0", False),
    ],
)
def test_embedders_that_nobody_knows(provider: str, callee: str, version: str, fires: bool) -> None:
    given = Argument("embedder", Table((("provider", Text(provider)), ("config", Table(())))), AT)
    call = Call(
        callee, CALL, (Argument("memory", Text(True), AT), given) if callee == "crewai.Crew" else (given,), CALL
    )
    found = check("CM601", project(pinned(version), memory(), code=Code(modules=MODULES, calls=(call,))))
    assert [f.evidence for f in found] == (["embedder"] if fires else [])


@pytest.mark.parametrize(
    ("release", "kind", "severity"),
    [
        (ANY, "crew", "warning"),
        (between("1.15.0", "1.15.30"), "crew", None),
        (pinned("0.80.0"), "crew", None),
        (between("1.0.0", "1.15.30"), "agent", "warning"),
        (ANY, "flow", None),
        (ANY, "third_party", None),
    ],
)
def test_a_requirement_over_a_change(release: Release, kind: str, severity: str | None) -> None:
    assert [f.severity for f in check("CM604", project(release, memory(kind)))] == ([severity] if severity else [])


def test_memory_that_configuration_may_turn_on_makes_a_note() -> None:
    (finding,) = check("CM604", project(ANY, memory(enabled=Unknown("settings decide"))))
    assert finding.severity == "note"
    assert [f.severity for f in check("CM604", project(ANY, memory(enabled=Known(False, None, "medium"))))] == ["note"]
    assert not check("CM604", project(ANY, memory(enabled=Known(False))))


def test_an_agents_flag_without_any_requirement_is_a_note() -> None:
    nowhere = Release(WITH_MEMORY)
    assert [f.severity for f in check("CM604", project(nowhere, memory("agent", "crewai.Agent")))] == ["note"]
    assert [f.severity for f in check("CM604", project(nowhere, memory()))] == ["warning"]


def test_an_agents_flag_does_nothing_before_it_is_read() -> None:
    assert not check("CM104", project(pinned("1.9.3"), memory("agent", "crewai.Agent")))
    assert check("CM104", project(pinned("1.15.30"), memory("agent", "crewai.Agent")))


def test_without_a_deployment_only_a_foreign_model_without_any_openai_key_counts() -> None:
    gemini = memory(llms=(("gemini/gemini-2.0-flash", AT),))
    (finding,) = check("CM504", project(pinned("1.15.30"), gemini))
    assert finding.confidence == "medium"
    reads = Code(modules=MODULES, env_reads=(EnvRead("OPENAI_API_KEY", AT),))
    assert not check("CM504", project(pinned("1.15.30"), gemini, code=reads))
    assert not check("CM504", project(pinned("1.15.30"), memory(llms=(("gpt-4o", AT), ("gemini/x", AT)))))
    assert not check("CM504", project(pinned("1.15.30"), memory()))
