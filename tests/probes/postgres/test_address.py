"""URLs of all spellings as libpq's, and none that tells a piece of its password."""

from __future__ import annotations

from typing import Any

import pytest

from crewmem_doctor.probes.postgres import address, steps
from crewmem_doctor.probes.target import parse


def resolved(url: str) -> dict[str, Any]:
    return steps.resolve({"url": url, "seconds": 5})


@pytest.mark.parametrize(("url", "parameters"), [
    ("postgres://u:p@h:5433/d", {"user": "u", "host": "h", "port": "5433", "dbname": "d"}),
    ("postgresql+psycopg2://u:p%40%2F@h/d", {"user": "u", "host": "h", "dbname": "d"}),
    ("postgresql+asyncpg://u@h/d?ssl=verify-full", {"user": "u", "host": "h", "dbname": "d", "sslmode": "verify-full"}),
    ("postgresql+asyncpg://u@h/d?ssl=true", {"user": "u", "host": "h", "dbname": "d", "sslmode": "require"}),
    ("postgresql://u@a:1,b:2/d?target_session_attrs=read-write", {
        "user": "u", "host": "a,b", "port": "1,2", "dbname": "d", "target_session_attrs": "read-write"}),
    ("postgresql+psycopg://u@/d?host=a:1&host=b:2", {"user": "u", "host": "a,b", "port": "1,2", "dbname": "d"}),
    ("postgresql+psycopg://u@/d?host=a&host=b&port=7", {"user": "u", "host": "a,b", "port": "7,7", "dbname": "d"}),
    ("postgresql://u@/d?host=/var/run/postgresql", {"user": "u", "host": "/var/run/postgresql", "dbname": "d"}),
    ("postgresql://u@%2Ftmp%2Fsock/d", {"user": "u", "host": "/tmp/sock", "dbname": "d"}),
    ("postgresql://u@[::1]:6/d", {"user": "u", "host": "::1", "port": "6", "dbname": "d"}),
    ("postgresql://h/d?user=me@tenant&password=x", {"user": "me@tenant", "host": "h", "dbname": "d"}),
    ("postgresql://u@h/d?options=-c%20search_path%3Da%2Cb", {"user": "u", "host": "h", "dbname": "d", "options": "-c search_path=a,b"}),
    ("postgresql:///d", {"dbname": "d"}), ("postgresql://", {}),
])
def test_what_a_url_says(url: str, parameters: dict[str, str]) -> None:
    assert resolved(url)["parameters"] == parameters


def test_options_of_other_libraries_are_left_out_and_named() -> None:
    found = resolved("postgresql://u@h/d?pgbouncer=true&schema=public&sslmode=require&prepared_statement_cache_size=0")
    assert found["dropped"] == ["pgbouncer", "schema", "prepared_statement_cache_size"]
    assert found["parameters"]["sslmode"] == "require"


@pytest.mark.parametrize("password", [
    "p@ss-w0rd/one", "pa/ss-w0rd", "pa?ss-w0rd", "pa#ss-w0rd", "12/ss-w0rd", "p:ss@w0rd@x", "ss-w0rd?x=ss-w0rd", "%zzss-w0rd",
    "ss-w0rd[", "ss-w0rd%", "ss w0rd@@", "12#ss-w0rd", "ss-w0rd:1/2"])
def test_no_piece_of_a_password_is_told_where_the_url_cannot_be_read(password: str) -> None:
    url = f"postgresql://user:{password}@127.0.0.1:5432/app"
    told = parse(url, {}).shown
    try:
        resolved(url)
    except address.Unreadable as error:
        told += str(error)
    assert "w0rd" not in told
    assert "ss-" not in told


def test_the_command_that_removes_what_is_left_holds_no_password() -> None:
    parameters = {"user": "u", "host": "a,b", "dbname": "it's", "password": "s3cret", "sslpassword": "s3cret"}
    command = address.psql(parameters, 'DROP SCHEMA IF EXISTS crewmem_probe_0 CASCADE')
    assert "s3cret" not in command
    assert command.startswith("psql ")
    assert "DROP SCHEMA IF EXISTS crewmem_probe_0 CASCADE" in command
