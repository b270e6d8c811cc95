"""Servers that are not to be had here, as their facts."""

from __future__ import annotations

from typing import Any

import pytest

from crewmem_doctor.probes.postgres import durability
from crewmem_doctor.probes.session import Verdict

PLAIN = [["PostgreSQL 17.2 on x86_64-pc-linux-gnu, compiled by gcc", "17.2 (Debian 17.2-1)", "app", "app", "public", "UTF8"]]
OFF = [["fsync", "off", "configuration file"], ["full_page_writes", "off", "configuration file"]]


def judged(judge: durability.Judge, **found: Any) -> Verdict:
    verdict = Verdict()
    judge(durability.Server({"version": PLAIN, **found}), verdict)
    return verdict


@pytest.mark.parametrize("judge", [durability.fsync, durability.full_page_writes])
@pytest.mark.parametrize("found", [
    {"settings": [*OFF, ["neon.timeline_id", "x", "configuration file"]]},
    {"settings": [*OFF, ["alloydb.enabled", "on", "default"]]},
    {"settings": OFF, "aurora": [[1]]},
    {"settings": OFF, "version": [["CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)", "13.0.0", "app", "app", "public", "UTF8"]]},
    {"settings": OFF, "version": [["PostgreSQL 11.2-YB-2.20.1.3-b0 on x86_64", "11.2", "app", "app", "public", "UTF8"]]},
    {}, {"settings": []},
])
def test_what_says_nothing_where_the_storage_is_another(judge: durability.Judge, found: dict[str, Any]) -> None:
    assert judged(judge, **found).outcome == "skip"


def test_the_same_settings_fail_on_postgres_itself() -> None:
    assert judged(durability.fsync, settings=OFF).outcome == "fail"
    assert judged(durability.full_page_writes, settings=OFF).minor


@pytest.mark.parametrize(("source", "snippet"), [
    ("configuration file", "ALTER SYSTEM SET synchronous_commit = on;"), ("user", 'ALTER ROLE "app" RESET synchronous_commit;'),
    ("database", 'ALTER DATABASE "app" RESET'), ("database user", 'ALTER ROLE "app" IN DATABASE "app" RESET'), ("client", "PGOPTIONS"),
])
def test_a_setting_is_put_right_where_it_was_set(source: str, snippet: str) -> None:
    verdict = judged(durability.synchronous_commit, settings=[["synchronous_commit", "off", source]])
    assert snippet in verdict.snippet


@pytest.mark.parametrize("judge", [durability.unlogged_tables, durability.pgvector, durability.synchronous_commit])
def test_what_a_server_does_not_show_is_skipped(judge: durability.Judge) -> None:
    assert judged(judge).outcome == "skip"


def test_many_tables_are_counted() -> None:
    rows = [["public", f"memory_{n}", "u", False] for n in range(9)]
    verdict = judged(durability.unlogged_tables, fleeting=rows)
    assert "and 4 more" in verdict.detail
    assert verdict.snippet.count("SET LOGGED") == 9
