"""What servers, libpq and poolers say, by name. Those that a test server says for itself are in test_postgres."""

from __future__ import annotations

import psycopg
import pytest

from crewmem_doctor.probes.postgres.errors import NAMES, named, said


@pytest.mark.parametrize(("words", "code"), [
    ('connection failed: FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption', "tls-demanded"),
    ('connection failed: FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", SSL encryption', "28000"),
    ("FATAL:  the database system is starting up", "57P03"), ("FATAL:  the database system is shutting down", "57P03"),
    ("FATAL:  the database system is not yet accepting connections", "57P03"),
    ("FATAL:  sorry, too many clients already", "53300"), ('FATAL:  too many connections for role "u"', "53300"),
    ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "53300"),
    ("FATAL:  no more connections allowed (max_client_conn)", "53300"), ("FATAL:  query_wait_timeout", "57014"),
    ('connection to server at "h" (1.2.3.4), port 5432 failed: SSL error: certificate verify failed', "certificate"),
    ('server certificate for "a" does not match host name "b"', "certificate"),
    ('root certificate file "/root/.postgresql/root.crt" does not exist', "certificate"),
    ("received invalid response to SSL negotiation: H", "tls"), ("fe_sendauth: no password supplied", "no-password"),
    ("server closed the connection unexpectedly", "closed"), ("connection timeout expired", "timeout"),
    ("[Errno -2] Name or service not known", "dns"), ("could not translate host name \"x\" to address: Temporary failure", "dns"),
    ("expected authentication request from server, but received H", "protocol"), ("No route to host", "unreachable"),
    # Several addresses were tried: what one answered counts more than that another did not.
    ('- host: "::1": Connection refused\n- host: "127.0.0.1": FATAL:  password authentication failed for user "u"', "28P01"),
    ("FATAL:  Passwort-Authentifizierung fehlgeschlagen", ""),
])
def test_words(words: str, code: str) -> None:
    assert said(words) == code


def test_words_in_another_language_are_passed_on() -> None:
    trouble = named(psycopg.OperationalError("connection failed: FATAL:  das Datenbanksystem startet"))
    assert "das Datenbanksystem startet" in trouble.says


@pytest.mark.parametrize(("error", "code"), [
    (psycopg.errors.DiskFull("could not extend file"), "53100"), (psycopg.errors.OutOfMemory("out of memory"), "53200"),
    (psycopg.errors.AdminShutdown("terminating connection"), "57P01"), (psycopg.errors.CrashShutdown("x"), "57P02"),
    (psycopg.errors.ReadOnlySqlTransaction("cannot execute"), "25006"), (psycopg.errors.QueryCanceled("timeout"), "57014"),
    (psycopg.errors.LockNotAvailable("x"), "55P03"), (psycopg.errors.InsufficientPrivilege("permission denied"), "42501"),
])
def test_codes(error: psycopg.Error, code: str) -> None:
    trouble = named(error)
    assert trouble.code == code
    assert trouble.says.startswith(NAMES[code][0])
    assert trouble.remedy


def test_every_name_has_a_remedy() -> None:
    assert all(phrase and remedy for phrase, remedy in NAMES.values())
