"""The release data: complete, without overlaps, and what the rules rest on."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest

from crewmem_doctor.model.expression import Build, Choice, EnvVar, Expr, Opaque, Table, Text
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.releases import (
    _api_data,
    _signatures,
    alone,
    construction,
    embedding,
    eras,
    imports,
    keys,
    paths,
    signatures,
    variables,
)
from crewmem_doctor.releases.api import argument
from crewmem_doctor.releases.changes import CHANGES, crossed
from crewmem_doctor.releases.known import KNOWN, NEWEST, WITH_MEMORY
from crewmem_doctor.releases.spans import Span


def v(text: str) -> Version:
    version = Version.parse(text)
    assert version is not None
    return version


def all_tables() -> Iterable[tuple[str, tuple[Span[Any], ...]]]:
    yield "eras", eras.ERAS
    yield "construction", construction.EFFECTS
    yield "rag path", paths.RAG_PATH
    yield "default embedder", embedding.DEFAULTS
    for title, table in (
        ("artefact", paths.ARTEFACTS),
        ("frozen", paths.FROZEN_AT_IMPORT),
        ("key", keys.KEYS),
        ("variable", variables.READ),
        ("provider", embedding.PROVIDERS),
        ("undrained", construction.UNDRAINED),
    ):
        for name, spans in table.items():  # type: ignore[attr-defined]
            yield f"{title} {name}", spans
    for name, needs in alone.NEEDS.items():
        yield f"alone {name}", needs
    for callee, arguments in _api_data.VALUES.items():
        for name, shapes in arguments.items():
            for shape, spans in shapes.items():
                yield f"{callee}({name}={shape})", spans


@pytest.mark.parametrize(("title", "spans"), [pytest.param(t, s, id=t) for t, s in all_tables()])
def test_spans_are_in_order_do_not_overlap_and_give_evidence(title: str, spans: tuple[Span[Any], ...]) -> None:
    for span in spans:
        assert span.evidence, title
        assert span.before is None or span.since < span.before, title
    for one, next_one in itertools.pairwise(spans):
        assert one.before is not None, title
        assert one.before <= next_one.since, title


def test_known_releases_are_sorted_and_complete() -> None:
    assert list(KNOWN) == sorted(set(KNOWN))
    assert (KNOWN[0], NEWEST, WITH_MEMORY[0]) == (v("0.1.0"), v("1.15.30"), v("0.27.0"))
    assert len(KNOWN) == 210
    assert v("1.10.0") not in KNOWN
    assert v("1.14.0") not in KNOWN


@pytest.mark.parametrize(
    ("version", "era"),
    [
        ("0.22.5", "E0"),
        ("0.27.0", "E1"),
        ("0.70.1", "E1"),
        ("0.74.0", "E2"),
        ("0.186.1", "E2"),
        ("0.193.0", "E3"),
        ("1.9.3", "E3"),
        ("1.10.1", "E4"),
        ("1.14.7", "E4"),
        ("1.15.0", "E5"),
        ("9.9.9", "E5"),
    ],
)
def test_eras(version: str, era: str) -> None:
    assert eras.era(v(version)).id == era


@pytest.mark.parametrize(
    ("version", "kind", "tail", "base", "relative"),
    [
        ("0.28.8", "short_term", "short_term", "data", "data_home"),
        ("0.130.0", "entity", "entities", "data", "data_home"),
        ("1.9.3", "short_term", "", "data", "data_home"),
        ("1.9.3", "long_term", "long_term_memory_storage.db", "data", "data_home"),
        ("1.9.3", "crew", "", "data", "data_home"),
        ("1.10.1", "crew", "memory", "data", "cwd"),
        ("1.15.30", "memory", "memory", "data", "cwd"),
        ("1.15.30", "flow", "flow_states.db", "data", "data_home"),
        ("1.15.30", "checkpoint", ".checkpoints", "cwd", "data_home"),
    ],
)
def test_default_locations(version: str, kind: str, tail: str, base: str, relative: str) -> None:
    artefact = paths.default_location(v(version), kind)
    assert artefact is not None
    assert (artefact.tail, artefact.base, artefact.relative_to) == (tail, base, relative)
    assert artefact.honours_storage_dir == (version != "0.28.8" and base == "data")


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("1.15.30", "long_term"),
        ("1.9.3", "memory"),
        ("1.9.3", "agent"),
        ("0.95.0", "flow"),
        ("1.13.0", "checkpoint"),
        ("0.22.5", "crew"),
        ("1.15.30", "conversation"),
    ],
)
def test_memories_that_a_release_does_not_have_land_nowhere(version: str, kind: str) -> None:
    assert paths.default_location(v(version), kind) is None


@pytest.mark.parametrize(
    ("version", "with_embedder", "honoured"),
    [
        ("0.83.0", True, False),
        ("0.85.0", False, True),
        ("0.186.1", False, True),
        ("0.203.2", True, False),
        ("1.5.0", True, False),
        ("1.6.0", True, True),
        ("1.9.3", False, False),
        ("1.9.3", True, True),
    ],
)
def test_path_arguments_of_vector_memories(version: str, with_embedder: bool, honoured: bool) -> None:
    assert paths.honours_path_argument(v(version), "short_term", with_embedder) is honoured
    assert paths.honours_path_argument(v(version), "long_term", with_embedder) is True


DICT = Table((("provider", Text("mem0")),))
LEGACY = Build("crewai.memory.LongTermMemory")
UNIFIED = Build("app.FastMemory", bases=("crewai.memory.Memory",))
ARGUMENTS = [
    ("1.9.3", "crewai.Crew", "memory", Text(True), "ok"),
    ("1.9.3", "crewai.Crew", "memory", DICT, "rejected"),
    ("1.10.1", "crewai.Crew", "memory", DICT, "fails-at-save"),
    ("1.12.2", "crewai.Crew", "memory", DICT, "rejected"),
    ("1.14.5", "crewai.Crew", "memory", DICT, "ignored"),
    ("1.15.30", "crewai.Crew", "memory", DICT, "ignored"),
    ("1.15.30", "crewai.Crew", "memory", Text("redis"), "rejected"),
    ("1.15.30", "crewai.Crew", "memory", Text("true"), "ok"),
    ("1.15.30", "crewai.Crew", "memory", UNIFIED, "ok"),
    ("1.9.3", "crewai.Crew", "memory", LEGACY, "rejected"),
    ("1.9.3", "crewai.Crew", "long_term_memory", LEGACY, "ok"),
    ("1.15.30", "crewai.Crew", "long_term_memory", LEGACY, "ignored"),
    ("0.61.0", "crewai.Crew", "long_term_memory", LEGACY, "ignored"),
    ("1.9.3", "crewai.Crew", "long_term_memory", DICT, "rejected"),
    ("0.108.0", "crewai.Crew", "external_memory", None, "ignored"),
    ("0.152.0", "crewai.Crew", "memory_config", DICT, "ok"),
    ("0.157.0", "crewai.Crew", "memory_config", DICT, "ignored"),
    ("1.15.30", "crewai.Crew", "session_id", None, "ignored"),
    ("1.15.30", "crewai.Crew", "tasks", None, None),
    ("1.9.3", "crewai.Crew.kickoff", "session_id", None, "rejected"),
    ("1.9.3", "crewai.Crew.kickoff", "inputs", DICT, None),
    ("1.9.3", "crewai.Crew.kickoff", "from_checkpoint", None, "rejected"),
    ("1.15.30", "crewai.Crew.kickoff_async", "from_checkpoint", None, "ok"),
    ("1.14.4", "crewai.flow.Flow.kickoff", "restore_from_state_id", Text("x"), "rejected"),
    ("1.14.5", "crewai.flow.Flow.kickoff", "restore_from_state_id", Text("x"), "ok"),
    ("0.95.0", "crewai.flow.Flow", "persistence", None, "rejected"),
    ("0.98.0", "crewai.flow.Flow", "persistence", None, "ok"),
    ("1.13.0", "crewai.Crew", "checkpoint", Text(True), "ignored"),
    ("1.14.1", "crewai.Crew", "checkpoint", Text(True), "ok"),
    ("1.15.30", "crewai.Crew", "persistence", None, "ignored"),
    ("1.15.30", "crewai.Memory.recall", "user_id", None, "rejected"),
    ("1.15.30", "crewai.Memory.remember", "scope", None, "ok"),
    ("1.15.30", "crewai.memory.storage.lancedb_storage.LanceDBStorage", "url", None, "rejected"),
    ("1.9.3", "crewai.memory.external.external_memory.ExternalMemory", "path", None, "ignored"),
    ("1.9.1", "crewai.memory.storage.ltm_sqlite_storage.LTMSQLiteStorage", "verbose", None, "rejected"),
    ("1.12.2", "crewai.flow.persistence.sqlite.SQLiteFlowPersistence", "path", None, "rejected"),
    ("1.15.30", "crewai.flow.persistence.SQLiteFlowPersistence", "path", None, "ignored"),
    ("1.9.3", "crewai.memory.LongTermMemory", "storage", DICT, "fails-at-save"),
    ("1.9.3", "crewai.memory.long_term.long_term_memory.LongTermMemory", "db_path", Text("x"), "rejected"),
    ("1.9.3", "crewai.memory.LongTermMemory", "path", Text("x"), "ok"),
    ("0.203.2", "crewai.memory.storage.rag_storage.RAGStorage", "path", Text("x"), "ignored"),
    ("1.15.30", "crewai.memory.LongTermMemory", "storage", DICT, None),
    ("1.15.30", "crewai.Memory", "backend", Text("redis"), "ignored"),
    ("1.10.1", "crewai.Memory", "session_id", None, "rejected"),
    ("1.15.30", "crewai.Memory", "storage", DICT, "fails-at-save"),
    ("1.15.30", "crewai.Memory", "storage", Text("/data"), "ok"),
    ("1.11.0", "crewai.Memory", "root_scope", Text("/u"), "ignored"),
    ("1.12.1", "crewai.Memory", "root_scope", Text("/u"), "ok"),
    ("1.9.3", "crewai.Agent", "memory", Text(True), "ok"),
    ("1.9.3", "crewai.Agent", "memory", DICT, "ignored"),
    ("1.12.2", "crewai.Agent", "memory", DICT, "rejected"),
    ("1.14.5", "crewai.Agent", "memory", DICT, "ignored"),
    ("1.15.30", "crewai.Agent", "memory", Text("redis"), "rejected"),
    ("1.15.30", "mem0.Memory", "storage", DICT, None),
]


@pytest.mark.parametrize(("version", "callee", "name", "value", "outcome"), ARGUMENTS)
def test_arguments(version: str, callee: str, name: str, value: Any, outcome: str | None) -> None:
    verdict = argument(v(version), callee, name, value)
    assert (verdict and verdict.outcome) == outcome
    assert verdict is None or verdict.outcome == "ok" or (verdict.sentence and verdict.evidence)


@pytest.mark.parametrize(
    ("version", "name", "beside", "outcome"),
    [
        ("1.9.3", "path", {}, "ignored"),
        ("1.9.3", "path", {"embedder_config": DICT}, "ok"),
        ("1.9.3", "path", None, "ok"),
        ("0.130.0", "path", {}, "ok"),
        ("1.9.3", "storage", {"embedder_config": DICT}, "ignored"),
        ("0.152.0", "storage", {"embedder_config": DICT}, "ok"),
        ("1.9.3", "storage", {}, "ok"),
    ],
)
def test_arguments_beside_others(version: str, name: str, beside: Any, outcome: str) -> None:
    verdict = argument(v(version), "crewai.memory.ShortTermMemory", name, None, beside)
    assert verdict is not None
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    ("version", "name", "outcome"),
    [
        ("1.9.3", "crewai.memory.LongTermMemory", "ok"),
        ("1.10.1", "crewai.memory.LongTermMemory", "rejected"),
        ("1.9.3", "crewai.Memory", "rejected"),
        ("1.10.1", "crewai.memory.Memory", "ok"),
        ("1.15.30", "crewai.memory.short_term.short_term_memory.ShortTermMemory", "rejected"),
        ("1.15.30", "crewai.memory.storage.rag_storage.RAGStorage", "rejected"),
        ("1.9.3", "crewai.memory.storage.RedisStorage", "rejected"),
        ("1.9.3", "crewai.LongTermMemory", "rejected"),
        ("0.157.0", "crewai.memory.UserMemory", "rejected"),
        ("1.14.6", "crewai.memory.storage.factory", "rejected"),
        ("1.15.0", "crewai.memory.storage.factory.set_memory_storage_factory", "ok"),
        ("1.15.0", "crewai.Crew", None),
        ("1.15.0", "crewai.memory", None),
        ("1.15.0", "crewai.flow.persistence.SQLiteFlowPersistence", "ok"),
        ("0.95.0", "crewai.flow.persistence.SQLiteFlowPersistence", "rejected"),
        ("0.141.0", "crewai.memory.storage.base_rag_storage", "ok"),
        ("1.13.0", "crewai.CheckpointConfig", "rejected"),
    ],
)
def test_imports(version: str, name: str, outcome: str | None) -> None:
    verdict = imports.importable(v(version), name)
    assert (verdict and verdict.outcome) == outcome


@pytest.mark.parametrize(
    ("version", "sink", "flag", "counts"),
    [
        ("1.9.3", "agent_role", True, True),
        ("1.10.1", "agent_role", True, False),
        ("0.30.5", "agent_role", True, False),
        ("1.15.30", "crew_name", True, True),
        ("1.15.30", "crew_name", False, False),
        ("1.11.1", "crew_name", True, False),
        ("1.9.3", "scope", True, False),
        ("1.10.1", "scope", True, True),
        ("0.100.0", "flow_id", True, True),
        ("0.130.0", "user_id", True, True),
        ("1.15.30", "nonsense", True, False),
    ],
)
def test_keys(version: str, sink: str, flag: bool, counts: bool) -> None:
    assert (keys.keyed_by(v(version), sink, memory_is_flag=flag) is not None) is counts


@pytest.mark.parametrize(
    ("version", "resets"),
    [("0.22.5", False), ("0.28.8", True), ("0.67.1", True), ("0.70.1", True), ("0.74.0", False), ("1.15.30", False)],
)
def test_construction(version: str, resets: bool) -> None:
    assert construction.resets_on_construction(v(version)) is resets
    assert construction.sentence(v(version))


@pytest.mark.parametrize(
    ("version", "name", "part"),
    [
        ("1.15.30", "CREWAI_MEMORY_BACKEND", "no release"),
        ("1.15.30", "CREWAI_REDIS_URL", "no release"),
        ("1.15.30", "CREWAI_STORAGE_DIR", None),
        ("0.28.8", "CREWAI_STORAGE_DIR", "only from 0.30.0"),
        ("1.15.30", "REDIS_URL", "lock"),
        ("1.10.1", "REDIS_URL", "does not read"),
        ("1.15.30", "MEM0_API_KEY", "stopped"),
        ("1.15.30", "CREWAI_TRACING_ENABLED", None),
        ("1.15.30", "DATABASE_URL", None),
        ("1.15.30", "CREWAI_MODEL", None),
    ],
)
def test_variables(version: str, name: str, part: str | None) -> None:
    verdict = variables.unread(v(version), name)
    assert (verdict is None) is (part is None)
    assert part is None or part in verdict.sentence  # type: ignore[union-attr]


def test_embedders() -> None:
    assert embedding.default_embedder(v("1.14.7")).value.dimensions == 1536  # type: ignore[union-attr]
    assert embedding.default_embedder(v("1.15.0")).value.dimensions == 3072  # type: ignore[union-attr]
    assert "OPENAI_API_KEY" in (embedding.key_variables(v("1.15.0"), None) or ())
    assert embedding.key_variables(v("1.15.0"), "ollama") == ()
    assert embedding.key_variables(v("0.130.0"), "google") is None
    assert embedding.provider_known(v("1.5.0"), "google") is False
    assert embedding.provider_known(v("1.9.3"), "google") is True
    assert embedding.provider_known(v("1.9.3"), "nonsense") is None
    assert embedding.without_key(v("0.130.0")).outcome == "rejected"  # type: ignore[union-attr]
    assert all(embedding.without_key(version) is not None for version in WITH_MEMORY)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gemini/gemini-2.0-flash", "gemini"),
        ("gpt-4o", "openai"),
        ("claude-3-5-sonnet", "anthropic"),
        ("o3-mini", "openai"),
        ("ollama/llama3", "ollama"),
        ("azure/my-deployment", "azure"),
        ("my-model", ""),
        ("unheard/of", ""),
        ("", ""),
    ],
)
def test_llm_providers(model: str, provider: str) -> None:
    assert embedding.llm_provider(model) == provider


def test_changes_are_crossed_by_ranges_only() -> None:
    between = Release(tuple(x for x in KNOWN if v("1.9.0") <= x <= v("1.12.2")))
    assert [c.name for c in crossed(between)] == ["engine", "scopes"]
    assert crossed(Release((v("1.9.3"),), locked=True)) == ()
    late = Release(tuple(x for x in KNOWN if x >= v("1.14.1")))
    assert [c.name for c in crossed(late)] == ["embedder"]
    assert crossed(late, default_embedder=False) == ()
    assert [c.at for c in CHANGES] == sorted(c.at for c in CHANGES)


HAND_WRITTEN = [
    (owner, name, shape, span)
    for owner, names in _api_data.VALUES.items()
    for name, shapes in names.items()
    for shape, spans in shapes.items()
    for span in spans
]


@pytest.mark.parametrize(("owner", "name", "shape", "span"), HAND_WRITTEN)
def test_values_are_judged_only_where_the_wheels_have_the_argument(owner: str, name: str, shape: str, span: Span[Any]) -> None:
    for version in (x for x in WITH_MEMORY if span.covers(x)):
        taken = signatures.takes(version, owner, name)
        # Before it had a memory, Agent dropped the argument: that is said in words of its own.
        assert taken or (owner, name, taken) == ("Agent", "memory", False), f"{version}: {owner}({name}=)"


def test_values_that_pydantic_refuses_are_those_of_the_declared_type() -> None:
    for version in WITH_MEMORY:
        declared = signatures.declared(version, "Crew", "memory")
        verdict = argument(version, "crewai.Crew", "memory", DICT)
        assert verdict is not None
        if declared in ("bool", "bool | Any"):
            assert verdict.outcome == {"bool": "rejected", "bool | Any": "fails-at-save"}[declared], version
        assert ("BeforeValidator" not in declared) or verdict.outcome == "ignored", version
        for name in ("short_term_memory", "long_term_memory", "entity_memory", "external_memory", "user_memory"):
            given = argument(version, "crewai.Crew", name, DICT)
            instance = "InstanceOf" in signatures.declared(version, "Crew", name)
            assert given is not None
            assert given.outcome == ("rejected" if instance else "ignored"), (version, name)
        stored = argument(version, "crewai.Memory", "storage", DICT)
        assert stored is None or "passthrough" in (kind := signatures.declared(version, "Memory", "storage")) or kind == "StorageBackend | str"


def test_signatures_speak_only_of_releases_that_exist() -> None:
    for owner in _signatures.OTHERS:
        for name in [n for names in _signatures.ARGUMENTS[owner].values() for n in names.split()]:
            for span in signatures.spans(owner, name):
                assert span.since in KNOWN
                assert span.before is None or span.before in KNOWN


GIVEN = Opaque("an object")


@pytest.mark.parametrize(
    ("version", "name", "beside", "outcome"),
    [
        ("0.63.0", "long_term_memory", {}, "unwritten"),
        ("0.114.0", "short_term_memory", {"entity_memory": GIVEN}, "unwritten"),
        ("0.114.0", "external_memory", {"memory": Text(True)}, "ok"),
        ("0.114.0", "entity_memory", {"memory": Text(False)}, "ok"),
        ("0.117.0", "short_term_memory", {"memory": Text(False)}, "ok"),
        ("0.117.0", "external_memory", {}, "ok"),
        ("0.117.0", "long_term_memory", {"short_term_memory": GIVEN}, "unwritten"),
        ("1.9.3", "long_term_memory", {"memory": Text(False), "entity_memory": Text(None)}, "unwritten"),
        ("1.9.3", "long_term_memory", {"memory": Text("off")}, "unwritten"),
        ("1.9.3", "entity_memory", {"external_memory": GIVEN}, "unwritten"),
        ("1.9.3", "long_term_memory", {"entity_memory": GIVEN}, "ok"),
        ("1.9.3", "long_term_memory", {"memory": EnvVar("REMEMBER")}, "ok"),
        ("1.9.3", "long_term_memory", {"memory": Choice((Text(True), Text(False)))}, "ok"),
        ("1.9.3", "long_term_memory", {"memory": Text("true")}, "ok"),
        ("1.10.1", "long_term_memory", {}, "ignored"),
        ("0.130.0", "memory_config", {}, "unwritten"),
        ("0.130.0", "memory_config", {"memory": Text(True)}, "ok"),
    ],
)
def test_kinds_of_memory_given_alone(version: str, name: str, beside: dict[str, Expr], outcome: str) -> None:
    """What is not known counts as given."""
    verdict = argument(v(version), "crewai.Crew", name, GIVEN, {**beside, name: GIVEN, "agents": GIVEN})
    assert verdict is not None
    assert verdict.outcome == outcome


def test_a_call_whose_arguments_are_not_all_known_says_nothing_of_what_is_alone() -> None:
    verdict = argument(v("1.9.3"), "crewai.Crew", "long_term_memory", GIVEN, None)
    assert verdict is not None
    assert verdict.outcome == "ok"
