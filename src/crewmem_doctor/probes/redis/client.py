"""How a worker gets to the server that a URL means: through sentinels, and over the redirections of a cluster."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AskError, MovedError, NoPermissionError
from redis.retry import Retry

from crewmem_doctor.probes.redis.troubles import Trouble, missing, named

T = TypeVar("T")
Client = redis.Redis
REDIRECTIONS = 5
ANSWER = 0.6        # of the time that is left, for one answer: a silent server is named before the worker is killed
OTHER_WAY = 1.0     # seconds at most, to see whether the server speaks TLS after all


class Budget:
    """The seconds that a step may take."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(self._end - time.monotonic(), 0.0)

    def share(self, part: float = ANSWER) -> float:
        return max(self.left * part, 0.05)


def reach(job: Mapping[str, Any], act: Callable[[Client], T]) -> tuple[T, str]:
    """What `act` returns on the server that answers for it, and where that is. The connection is a new one.

    Raises Trouble for whatever goes wrong.
    """
    budget = Budget(job["seconds"])
    _have_files(job)
    if job["mode"] == "sentinel":
        nodes = [_primary(job, budget)]
    else:
        nodes = [(host, port) for host, port in job["nodes"]] or [("", 0)]
    trouble: Trouble | None = None
    for number, node in enumerate(nodes):
        # With several nodes to try, one that is silent must not take all the time.
        try:
            return _follow(job, node, budget, ANSWER if number == len(nodes) - 1 else ANSWER / 2, act)
        except Trouble as error:
            trouble = error
            if error.name not in ("DNS", "REFUSED", "TIMEOUT", "UNREACHABLE", "CLOSED", "LOADING") or not budget.left:
                raise
    assert trouble is not None
    raise trouble


def _follow(job: Mapping[str, Any], node: tuple[str, int], budget: Budget, part: float,
            act: Callable[[Client], T]) -> tuple[T, str]:
    asking = False
    came_from = ""
    for _ in range(REDIRECTIONS):
        at = where(job, node)
        client = connection(job, node, budget.share(part))
        try:
            if asking:
                run(client, "ASKING")
            return act(client), at
        except (MovedError, AskError) as error:
            # A node that does not know its own address says only the port.
            node, asking = (error.host or node[0], int(error.port)), not isinstance(error, MovedError)
            came_from = at
        except Exception as error:
            trouble = named(error, at)
            if trouble.name in ("CLOSED", "TLS", "PROTOCOL", "TIMEOUT"):
                trouble = _mismatch(job, node, budget) or trouble
            if came_from:
                trouble.args = (f"{came_from} sends its clients on to {at}: {trouble.words}",)
                trouble.words = trouble.args[0]
            raise trouble from None
        finally:
            client.close()
    raise Trouble("MOVED", f"{where(job, node)} keeps sending its clients on (MOVED)")


def where(job: Mapping[str, Any], node: tuple[str, int]) -> str:
    host = f"[{node[0]}]" if ":" in node[0] else node[0]
    return f"unix:{job['socket']}" if job["socket"] else f"{host}:{node[1]}"


def connection(job: Mapping[str, Any], node: tuple[str, int], seconds: float, *, sentinel: bool = False) -> Client:
    """A client that tries nothing twice. RESP2 is what every server and every proxy speaks."""
    user, password = ("sentinel_username", "sentinel_password") if sentinel else ("username", "password")
    place: dict[str, Any] = {"unix_socket_path": job["socket"]} if job["socket"] else {"host": node[0], "port": node[1]}
    if job["tls"] is not None:
        place |= {"ssl": True, **job["tls"]}
    return Client(
        **place, db=0 if sentinel else job["db"], username=job[user] or None, password=job[password] or None,
        socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0), protocol=2)


def _primary(job: Mapping[str, Any], budget: Budget) -> tuple[str, int]:
    """Where the sentinels say that the primary is: the first that answers is believed."""
    said: list[str] = []
    for number, (host, port) in enumerate(job["nodes"]):
        at = where(job, (host, port))
        client = connection(job, (host, port), budget.share(0.5 / (len(job["nodes"]) - number)), sentinel=True)
        try:
            found = run(client, "SENTINEL GET-MASTER-ADDR-BY-NAME", job["service"])
        except Exception as error:
            trouble = named(error, at)
            if trouble.name == "ERR" and "unknown command" in trouble.words:
                trouble = Trouble("SENTINEL", f"{at} is no sentinel")
            said.append(trouble.words)
            continue
        finally:
            client.close()
        if found:
            first, second = (word.decode() if isinstance(word, bytes) else str(word) for word in found)
            return first, int(second)
        said.append(f"the sentinel at {at} knows no service {job['service']}")
    raise Trouble("SENTINEL", "no sentinel says where the primary is: " + "; ".join(dict.fromkeys(said)))


def _mismatch(job: Mapping[str, Any], node: tuple[str, int], budget: Budget) -> Trouble | None:
    """TLS on one side only, shown by trying it the other way."""
    if job["socket"]:
        return None
    at = where(job, node)
    try:
        with socket.create_connection(node, min(budget.share(0.5), OTHER_WAY)) as plain:
            if job["tls"] is not None:
                plain.sendall(b"PING\r\n")
                if plain.recv(64)[:1] in (b"+", b"-"):
                    return Trouble("TLS", f"{at} does not speak TLS: the URL begins with rediss:// (or valkeys://), "
                                          "and the server answers in plain text")
                return None
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(plain, server_hostname=node[0]):
                return Trouble("TLS", f"{at} speaks TLS only, and the URL says redis:// (or valkey://)")
    except ssl.SSLError as error:
        if job["tls"] is None and "CERTIFICATE_REQUIRED" in str(error):
            return Trouble("TLS", f"{at} speaks TLS only, and asks for a client certificate")
        return None
    except OSError:
        return None


def _have_files(job: Mapping[str, Any]) -> None:
    tls = job["tls"] or {}
    gone = missing(tls[name] for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") if name in tls)
    if gone is not None:
        raise Trouble("FILE", f"{gone}, which the URL names, cannot be read")


def run(client: Client, *words: Any) -> Any:
    """A command's answer, as the driver reads it."""
    return client.execute_command(*words)       # type: ignore[no-untyped-call]


def allowed(act: Callable[[], T], otherwise: T) -> T:
    """What `act` returns, or `otherwise` where the user has no permission for the command or the key."""
    try:
        return act()
    except NoPermissionError:
        return otherwise
