"""URLs of Redis and Valkey, as applications write them."""

from __future__ import annotations

import pytest

from crewmem_doctor.probes.redis.address import BadAddress, read


def test_a_plain_url() -> None:
    address = read("redis://cache.example.com:6380/3")
    assert (address.mode, address.nodes, address.db, address.tls) == ("single", (("cache.example.com", 6380),), 3, None)


@pytest.mark.parametrize(("url", "username", "password"), [
    ("redis://:s%40crt@h", "", "s@crt"), ("redis://app:pw@h", "app", "pw"), ("redis://h?username=app&password=pw", "app", "pw"),
    ("redis://h", "", ""), ("redis://app@h", "app", ""), ("redis://:a:b@h", "", "a:b"),
])
def test_credentials(url: str, username: str, password: str) -> None:
    address = read(url)
    assert (address.username, address.password) == (username, password)


@pytest.mark.parametrize("scheme", ["rediss", "valkeys", "rediss+cluster", "rediss+sentinel"])
def test_schemes_of_tls(scheme: str) -> None:
    assert read(f"{scheme}://h{'/main' if 'sentinel' in scheme else ''}").tls is not None


@pytest.mark.parametrize(("query", "tls"), [
    ("ssl_cert_reqs=none", {"ssl_cert_reqs": "none", "ssl_check_hostname": False}),
    ("ssl_cert_reqs=CERT_NONE", {"ssl_cert_reqs": "none", "ssl_check_hostname": False}),
    ("ssl_cert_reqs=required&ssl_check_hostname=false", {"ssl_cert_reqs": "required", "ssl_check_hostname": False}),
    ("ssl_ca_certs=/ca.pem", {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": "/ca.pem"}),
])
def test_options_of_tls(query: str, tls: dict[str, object]) -> None:
    assert read(f"rediss://h:6379/0?{query}").tls == tls


def test_sentinels_and_their_service() -> None:
    address = read("redis+sentinel://app:pw@a:26379,b,c:26380/main/2?sentinel_password=other")
    assert address.mode == "sentinel"
    assert address.nodes == (("a", 26379), ("b", 26379), ("c", 26380))
    assert (address.service, address.db) == ("main", 2)
    assert set(address.secrets) == {"pw", "other"}


def test_a_cluster_and_its_nodes() -> None:
    address = read("redis+cluster://h:7000,h2:7001")
    assert (address.mode, address.nodes) == ("cluster", (("h", 7000), ("h2", 7001)))


def test_a_unix_socket() -> None:
    address = read("redis:///run/redis/redis.sock?db=2")
    assert (address.socket, address.db, address.nodes) == ("/run/redis/redis.sock", 2, ())


def test_an_ipv6_address() -> None:
    assert read("redis://[::1]:6380/0").nodes == (("::1", 6380),)


@pytest.mark.parametrize("url", [
    "redis://h:port/0", "redis://:pa/ss@h:6379/0", "redis://h/zero", "redis+sentinel://a:1,b:2", "rediss://h?ssl_cert_reqs=maybe",
    "redis://[::1/0", "redis://:p#ss@h:6379/0", "redis://:pa?s@h/0", "redis://:1#ss@h:6379/0", "redis://:1/ss@h:6379/0", "redis://:1?ss@h:6379/0",
])
def test_what_cannot_be_read_is_said_without_secrets(url: str) -> None:
    with pytest.raises(BadAddress) as raised:
        read(url)
    assert "ss@" not in str(raised.value)
    assert "pa" not in str(raised.value).replace("password", "")


@pytest.mark.parametrize(("url", "command"), [
    ("redis://h:6380/3", "redis-cli -h h -p 6380 -n 3 DEL k"),
    ("rediss://app:s3cret@h?ssl_cert_reqs=none", 'redis-cli -h h -p 6379 --tls --insecure --user "$REDIS_USER" --askpass DEL k'),
    ("redis+cluster://a:1,b:2", "redis-cli -h a -p 1 -c DEL k"), ("redis:///run/r.sock", "redis-cli -s /run/r.sock DEL k"),
    ("redis+sentinel://:s3cret@a/main", "redis-cli -h PRIMARY -p 6379 --askpass DEL k"),
])
def test_the_command_that_removes_a_key_holds_no_secret(url: str, command: str) -> None:
    assert read(url).command("DEL", "k") == command
