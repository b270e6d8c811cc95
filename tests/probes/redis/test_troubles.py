"""What goes wrong has a name and a sentence, against real servers, real TLS and real silence."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from crewmem_doctor.probes.redis import steps
from crewmem_doctor.probes.redis.troubles import Trouble
from crewmem_doctor.probes.redis.words import REMEDIES

from ..faults import Deaf, Fault, FaultProxy, Kind
from .conftest import Server, job

Serve = Callable[..., Server]
SECRET = "app-s3cret"


def trouble(url: str, step: Callable[[Any], dict[str, Any]] = steps.connect, **more: Any) -> tuple[str, str]:
    """The name and the words of what goes wrong."""
    answer = step(job(url, **more))
    assert "trouble" in answer, answer
    assert answer["trouble"] in REMEDIES, answer
    assert SECRET not in answer["words"]
    return answer["trouble"], answer["words"]


def test_a_name_that_cannot_be_resolved() -> None:
    name, words = trouble("redis://no-such-host.invalid:6379/0")
    assert (name, "no-such-host.invalid:6379 cannot be resolved" in words) == ("DNS", True)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert trouble(f"redis://:{SECRET}@127.0.0.1:{port}") == ("REFUSED", f"127.0.0.1:{port} refused the connection")


def test_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    assert trouble(f"redis://{tmp_path}/none.sock")[0] == "REFUSED"
    server = serve("valkey", "--unixsocket", str(tmp_path / "s.sock"))
    assert steps.write(job(f"redis://{tmp_path}/s.sock?db=1", value="00ff")).keys() == {"at"}
    with server.client(db=1) as client:
        assert client.exists("crewmem_probe_test:memory")


@pytest.mark.parametrize("kind", ["blackhole", "half-open"])
def test_a_server_that_is_silent(durable: Server, kind: Kind) -> None:
    with FaultProxy(durable.address, Fault(kind)) as proxy:
        begun = time.monotonic()
        name, words = trouble(f"redis://app:{SECRET}@127.0.0.1:{proxy.port}", seconds=0.5)
    assert (name, "did not answer in time" in words) == ("TIMEOUT", True)
    assert time.monotonic() - begun < 2      # well under: the driver tries nothing twice


def test_a_firewall_that_drops_packets() -> None:
    with Deaf() as deaf:
        name, words = trouble(f"redis://127.0.0.1:{deaf.port}", seconds=0.5)
    assert (name, "no connection to" in words) == ("TIMEOUT", True)


@pytest.mark.parametrize("kind", ["reset", "truncation", "closed"])
def test_a_connection_that_is_cut(durable: Server, kind: Kind) -> None:
    with FaultProxy(durable.address, Fault(kind, after=3)) as proxy:
        assert trouble(f"redis://app:{SECRET}@127.0.0.1:{proxy.port}")[0] == "CLOSED"


def test_latency_is_no_trouble(durable: Server) -> None:
    with FaultProxy(durable.address, Fault("latency", seconds=0.02)) as proxy:
        assert "at" in steps.connect(job(f"redis://app:{SECRET}@127.0.0.1:{proxy.port}"))


@pytest.mark.parametrize(("userinfo", "name"), [
    ("", "NOAUTH"), (":wrong-s3cret", "WRONGPASS"), ("nobody:app-s3cret", "WRONGPASS"), ("app:wrong-s3cret", "WRONGPASS"),
])
def test_credentials_that_are_not_taken(durable: Server, userinfo: str, name: str) -> None:
    found, words = trouble(durable.url(userinfo))
    assert found == name
    assert "s3cret" not in words


@pytest.mark.parametrize("flavour", ["valkey", "redis"])
def test_a_password_that_nobody_asked_for(serve: Serve, flavour: str) -> None:
    assert trouble(serve(flavour).url(f":{SECRET}"))[0] in ("NOPASS", "WRONGPASS")


def test_a_database_that_is_not_there(durable: Server) -> None:
    assert trouble(durable.url(f"app:{SECRET}", "/99"))[0] == "DB"


def test_a_server_without_connections_left(serve: Serve) -> None:
    server = serve("redis", "--maxclients", "2")
    with server.client() as one, server.client() as two:
        one.ping()
        two.ping()
        assert trouble(server.url())[0] == "CLIENTS"


@pytest.mark.parametrize(("rights", "name"), [
    ("~* +@read +@connection", "NOPERM"), ("~app:* +@all", "NOPERM-KEY"), ("%R~* %W~app:* +@all", "NOPERM-KEY"),
])
@pytest.mark.parametrize("flavour", ["valkey", "redis"])
def test_rights_that_do_not_suffice(serve: Serve, flavour: str, rights: str, name: str) -> None:
    server = serve(flavour)
    with server.client() as client:
        client.execute_command(f"ACL SETUSER guest on >{SECRET} {rights}")
    url = server.url(f"guest:{SECRET}")
    found, words = trouble(url, steps.write, value="00")
    assert found == name
    assert "guest" not in words
    assert steps.remove(job(url)) == {"left": []}
    if name == "NOPERM-KEY":
        assert "at" in steps.write(job(url, value="00", key="app:crewmem_probe_test:memory"))


@pytest.mark.parametrize("rights", ["+set +del +exists", "+set +unlink +get", "+set +pexpire", "+set", "+set +get"])
def test_what_was_written_is_removed_with_few_rights(serve: Serve, rights: str) -> None:
    server = serve("valkey")
    with server.client() as client:
        client.execute_command(f"ACL SETUSER few on >{SECRET} ~* {rights}")
    url = server.url(f"few:{SECRET}")
    assert "at" in steps.connect(job(url))
    assert "at" in steps.write(job(url, value="00ff"))
    assert server.leftovers()
    assert steps.remove(job(url)) == {"left": []}
    assert not server.leftovers()


def test_no_key_but_a_probes_own_is_removed() -> None:
    with pytest.raises(ValueError, match="own"):
        steps.remove(job("redis://127.0.0.1:1", key="session:1"))


def test_what_cannot_be_removed_is_said_to_go_by_itself(serve: Serve) -> None:
    server = serve("valkey")
    with FaultProxy(server.address, Fault("closed")) as proxy, pytest.raises(Trouble, match="closed the connection; it goes by itself within 60 seconds"):
        steps.remove(job(f"redis://127.0.0.1:{proxy.port}", seconds=0.5))
    with FaultProxy(server.address, Fault("closed", first=0, last=1)) as proxy:     # the first tries fail
        assert steps.remove(job(f"redis://127.0.0.1:{proxy.port}")) == {"left": []}


@pytest.mark.parametrize("flavour", ["valkey", "redis"])
def test_memory_is_full(serve: Serve, flavour: str) -> None:
    server = serve(flavour, "--maxmemory", "1", "--maxmemory-policy", "noeviction")
    name, words = trouble(server.url(), steps.write, value="00")
    assert (name, "OOM" in words) == ("OOM", True)


def test_too_few_replicas(serve: Serve) -> None:
    assert trouble(serve("valkey", "--min-replicas-to-write", "1").url(), steps.write, value="00")[0] == "NOREPLICAS"


def test_a_server_that_still_reads_its_data(serve: Serve) -> None:
    server = serve("valkey", "--enable-debug-command", "yes", "--appendonly", "yes", "--key-load-delay", "2000",
                   "--loading-process-events-interval-bytes", "2048", "--rdbcompression", "no")
    with server.client() as client, client.pipeline() as pipe:
        for number in range(3000):
            pipe.set(f"record:{number}", "x" * 1000)
        pipe.execute()
        loads = threading.Thread(target=lambda: _quietly(lambda: client.execute_command("DEBUG RELOAD")), daemon=True)
        loads.start()
        end = time.monotonic() + 20
        found = steps.connect(job(server.url()))
        while "trouble" not in found and time.monotonic() < end:
            found = steps.connect(job(server.url()))
    assert found["trouble"] == "LOADING", found
    server.stop()


def _quietly(act: Callable[[], object]) -> None:
    """What is stopped under the one who waits for it."""
    with contextlib.suppress(Exception):
        act()


def test_something_else_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                client, _ = listener.accept()
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                client.close()

        threading.Thread(target=lambda: _quietly(answer), daemon=True).start()
        assert trouble(f"redis://127.0.0.1:{listener.getsockname()[1]}")[0] == "PROTOCOL"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, path


@pytest.fixture(scope="module")
def encrypted(durable: Server, authority: tuple[trustme.CA, Path]) -> Iterator[FaultProxy]:
    """The durable server behind TLS, as most managed services have it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    with FaultProxy(durable.address, tls=context) as proxy:
        yield proxy


def test_tls(encrypted: FaultProxy, authority: tuple[trustme.CA, Path]) -> None:
    url = f"rediss://app:{SECRET}@127.0.0.1:{encrypted.port}/0"
    assert "at" in steps.write(job(f"{url}?ssl_ca_certs={authority[1]}", value="00"))
    assert "at" in steps.connect(job(f"{url}?ssl_cert_reqs=none"))
    name, words = trouble(url)
    assert (name, "unable to get local issuer certificate" in words) == ("CERTIFICATE", True)
    assert trouble(f"{url}?ssl_ca_certs=/no/such/ca.pem") == ("FILE", "/no/such/ca.pem, which the URL names, cannot be read")


def test_a_certificate_for_another_host(encrypted: FaultProxy, authority: tuple[trustme.CA, Path]) -> None:
    url = f"valkeys://app:{SECRET}@localhost:{encrypted.port}/0?ssl_ca_certs={authority[1]}"
    name, words = trouble(url)
    assert (name, "localhost" in words) == ("CERTIFICATE", True)
    assert "at" in steps.connect(job(f"{url}&ssl_check_hostname=false"))


def test_tls_that_the_server_does_not_speak(durable: Server) -> None:
    name, words = trouble(durable.url(f"app:{SECRET}", scheme="rediss"))
    assert (name, "does not speak TLS" in words) == ("TLS", True)


def test_tls_that_the_url_does_not_say(encrypted: FaultProxy) -> None:
    name, words = trouble(f"redis://app:{SECRET}@127.0.0.1:{encrypted.port}/0")
    assert (name, "speaks TLS only" in words) == ("TLS", True)
