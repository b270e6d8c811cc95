"""What Postgres, libpq and poolers say when something goes wrong, by name.

libpq gives no SQLSTATE for what happens while it connects, so those are known by their English words; where a server
speaks another language, its own words are all that is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from crewmem_doctor.model.record import dataclass

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True)
class Trouble:
    """`code` is an SQLSTATE or one of this module's words. `lost` says that a new connection may fare better."""

    code: str
    says: str
    remedy: str = ""
    lost: bool = False


NAMES: Mapping[str, tuple[str, str]] = {
    "28P01": ("the password was rejected", "Use the password that the role has on this server"),
    "28000": ("the server does not let this role in from here",
              "Use a role that may log in, and allow this address in pg_hba.conf or in the firewall rules"),
    "3D000": ("there is no such database", "Create the database, or name one that exists"),
    "42501": ("the role lacks a privilege", "Grant the role what memory needs"),
    "25006": ("the session is read-only", "Use the primary's address and a role whose transactions may write"),
    "53100": ("the server's disk is full", "Free space on the server's disk or give it a larger one"),
    "53200": ("the server is out of memory", "Give the server more memory or lower work_mem and max_connections"),
    "53300": ("the server takes no more connections",
              "Close idle connections, use a pooler, or raise max_connections or the role's CONNECTION LIMIT"),
    "57P03": ("the server is starting up, shutting down or recovering",
              "Wait until the server is ready, and look at its log"),
    "57P01": ("the server ended the connection: it is shutting down, or somebody terminated it",
              "Look at the server's log"),
    "57P02": ("the server crashed", "Look at the server's log"),
    "57014": ("the statement took too long", "Look at what the server is busy with"),
    "55P03": ("a lock was not granted in time", "Look at what holds locks on the server"),
    "25P03": ("the server ended the connection while it waited for the next statement",
              "Look at the network between"),
    "58030": ("the server could not read or write its files", "Look at the server's log and its disk"),
    "XX001": ("the server found corrupted data", "Restore the database from a backup"),
    "dns": ("the host's name could not be resolved", "Check the host's name as the application sees it"),
    "refused": ("the connection was refused",
                "Check host and port, and that the server runs and listens on that address"),
    "unreachable": ("the host cannot be reached", "Check the network and the firewall between"),
    "timeout": ("the connection timed out", "Check the firewall between, and that the host is right"),
    "socket": ("there is no such socket", "Check the folder of the socket, and that the server runs on this machine"),
    "no-tls": ("the server does not speak TLS, and the URL demands it",
               "Turn on ssl on the server, or use sslmode=prefer where the network is trusted"),
    "tls-demanded": ("the server takes only TLS connections", "Add sslmode=require to the URL"),
    "certificate": ("the server's certificate was not accepted",
                    "Give the right sslrootcert, and the host name that the certificate is for"),
    "tls": ("the TLS handshake failed", "Check that the port speaks Postgres, and its TLS settings"),
    "protocol": ("what answers is no Postgres server", "Check host and port"),
    "no-password": ("the server asks for a password and none was given",
                    "Put the password in the URL, PGPASSWORD or PGPASSFILE"),
    "no-primary": ("none of the hosts takes writes", "Name the primary among the hosts"),
    "closed": ("the connection broke", "Look at the server's log and at the network between"),
}
_LOST = frozenset({"57P01", "57P02", "57P03", "25P03", "closed", "timeout", "refused", "unreachable", "53300"})
# In this order: what a server said tells more than what another of its addresses did not say.
_SAID: tuple[tuple[str, str], ...] = (
    ("28P01", r"password authentication failed|authentication failed|SASL authentication failed|auth failed"),
    ("tls-demanded", r"no pg_hba\.conf entry for .*no encryption|SSL (?:connection )?is required|SSL required"
                     r"|insecure connection"),
    ("28000", r"no pg_hba\.conf entry|role .* does not exist|is not permitted to log in|peer authentication failed"
              r"|permission denied for database|ident authentication failed|no such user"),
    ("3D000", r"database .* does not exist|no such database|is not currently accepting connections"),
    ("53300", r"too many (?:clients|connections)|remaining connection slots|no more connections allowed"),
    ("57P03", r"the database system is (?:starting up|shutting down|in recovery mode|not yet accepting connections)"
              r"|server login has been failing|cannot connect to server"),
    ("57P01", r"terminating connection due to|pgbouncer is shutting down|server conn crashed"),
    ("57014", r"query_wait_timeout|query_timeout"),
    ("no-password", r"no password supplied"),
    ("no-tls", r"server does not support SSL"),
    ("certificate", r"certificate verify failed|server certificate for .* does not match"
                    r"|root certificate file .* does not exist|certificate (?:is|has) (?:expired|not valid)"
                    r"|could not get server's host name from server certificate"),
    ("tls", r"SSL error|SSL SYSCALL|received invalid response to SSL negotiation|direct SSL"),
    ("no-primary", r"session is read-only|server is in hot standby mode|session is not read-only"),
    ("protocol", r"expected authentication request|invalid response|received unencrypted data|lost synchronization"
                 r"|unsupported frontend protocol|invalid .* message"),
    ("refused", r"Connection refused"),
    ("closed", r"server closed the connection|connection (?:reset|not open|is closed|is lost|was closed)|Broken pipe"
               r"|Connection reset|consuming input failed|lost connection|end of file|EOF detected"),
    ("timeout", r"timeout expired|timed out|timeout"),
    ("unreachable", r"No route to host|Network is unreachable|Host is down"),
    ("dns", r"could not translate host name|Name or service not known|Temporary failure in name resolution"
            r"|nodename nor servname|getaddrinfo|No address associated|failed to resolve host"),
    ("socket", r"No such file or directory"),
)


def named(error: psycopg.Error) -> Trouble:
    """What went wrong, from an SQLSTATE where there is one, else from the words."""
    words = str(error)
    code = error.sqlstate or said(words)
    if code not in NAMES:
        return Trouble(code or type(error).__name__, _core(words) or type(error).__name__, lost=code[:2] == "08")
    phrase, remedy = NAMES[code]
    told = _core(words)
    return Trouble(code, f"{phrase} ({told})" if told else phrase, remedy, code in _LOST or code[:2] == "08")


def said(words: str) -> str:
    """The name of what the words of a failed connection speak of, empty where they are not known."""
    return next((code for code, pattern in _SAID if re.search(pattern, words, re.IGNORECASE)), "")


def _core(words: str) -> str:
    """The line of a message that matters: the server's own where there is one."""
    lines = [line.strip(" \t-") for line in words.splitlines() if line.strip(" \t-")]
    fatal = next((line for line in lines if re.search(r"FATAL|ERROR|PANIC", line)), "")
    line = re.sub(r"^.*?(?:FATAL|ERROR|PANIC):\s*", "", fatal) if fatal else (lines or [""])[0]
    line = re.sub(r"^connection (?:failed|is bad):\s*", "", line)
    line = re.sub(r'^connection to server (?:at|on) .*? failed:\s*', "", line)
    return line if len(line) <= 200 else line[:199] + "…"
