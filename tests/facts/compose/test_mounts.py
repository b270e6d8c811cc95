from __future__ import annotations

import pytest


def mount(read, item: str, volumes: str = "", path: str = "compose.yml"):
    found = read({path: f"services:\n  api:\n    image: a\n    volumes:\n      - {item}\n{volumes}"})["api"].mounts
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("item", "kind", "source", "target", "read_only"), [
    ("data:/data", "named", "data", "/data", False), ("data:/data:ro", "named", "data", "/data", True),
    ("./data:/data", "bind", "data", "/data", False), (".:/app", "bind", ".", "/app", False),
    ("./data:/data:rw,z", "bind", "data", "/data", False), ("/srv/data:/data/:ro", "bind", "/srv/data", "/data", True),
    ("~/data:/data", "bind", "~/data", "/data", False), ("../out:/data", "bind", "../out", "/data", False),
    ("/data", "anonymous", "", "/data", False), ("C:\\data:/data", "bind", "C:\\data", "/data", False),
    ("d:/data", "named", "d", "/data", False), ("D:/x:/data:ro", "bind", "D:/x", "/data", True),
    ("${PWD}/data:/data", "bind", "data", "/data", False), ("${DIR:-./data}:/data", "bind", "data", "/data", False),
    ("${HOME}/data:/data", "bind", "${HOME}/data", "/data", False),
    ("${DIR}:/data", "unknown", "${DIR}", "/data", False),
    ("data:${TARGET}", "named", "data", "${TARGET}", False), ("${ALL:-data:/data:ro}", "named", "data", "/data", True),
    ("sub/dir:/data", "bind", "sub/dir", "/data", False), ("data:/", "named", "data", "/", False),
])
def test_short_syntax(read, item: str, kind: str, source: str, target: str, read_only: bool):
    found = mount(read, item)
    assert (found.kind, found.source, found.target, found.read_only) == (kind, source, target, read_only)
    assert found.durable == (kind != "anonymous")
    assert found.shared == (kind in ("named", "bind"))
    assert (found.at.line, found.at.column) == (5, 9)


@pytest.mark.parametrize(("item", "kind", "source", "durable", "read_only"), [
    ("{type: volume, source: data, target: /data}", "named", "data", True, False),
    ("{source: data, target: /data, read_only: true}", "named", "data", True, True),
    ("{type: volume, target: /data}", "anonymous", "", False, False),
    ("{type: bind, source: ./data, target: /data, bind: {create_host_path: true}}", "bind", "data", True, False),
    ("{type: bind, source: data, target: /data}", "bind", "data", True, False),
    ("{type: tmpfs, target: /data, tmpfs: {size: 64m}}", "tmpfs", "", False, False),
    ("{type: image, source: acme/files, target: /data}", "unknown", "acme/files", False, False),
    ("{type: cluster, source: csi, target: /data}", "named", "csi", True, False),
    ("{type: volume, src: data, dst: /data}", "named", "data", True, False),
])
def test_long_syntax(read, item: str, kind: str, source: str, durable: bool, read_only: bool):
    found = mount(read, item)
    assert (found.kind, found.source, found.durable, found.read_only) == (kind, source, durable, read_only)
    assert found.target == "/data"


def test_sub_paths(read):
    assert mount(read, "{type: volume, source: d, target: /data, volume: {subpath: a/b}}").sub_path == "a/b"


@pytest.mark.parametrize(("text", "kind", "source", "durable", "network"), [
    ("", "named", "data", True, ""), ("{external: true}", "named", "data", True, ""),
    ("{driver: local, driver_opts: {type: tmpfs, device: tmpfs}}", "tmpfs", "data", False, ""),
    ("{driver_opts: {type: none, o: bind, device: ./store}}", "bind", "store", True, ""),
    ("{driver_opts: {type: none, o: 'rw,bind', device: '${PWD}/store'}}", "bind", "store", True, ""),
    ("{driver_opts: {type: nfs, o: 'addr=10.0.0.1', device: ':/x'}}", "nfs", "data", True, "nfs"),
    ("{driver_opts: {type: cifs, device: //h/x}}", "named", "data", True, "smb"),
    ("{driver: vieux/sshfs}", "named", "data", True, "sshfs"),
])
def test_named_volumes(read, text: str, kind: str, source: str, durable: bool, network: str):
    found = mount(read, "data:/data", f"volumes:\n  data: {text}\n")
    assert (found.kind, found.source, found.durable, found.network) == (kind, source, durable, network)


def test_binds_start_from_the_folder_of_the_file(read):
    assert mount(read, "./data:/data", path="deploy/compose.yml").source == "deploy/data"
    assert mount(read, "../data:/data", path="deploy/compose.yml").source == "data"


def test_memory_file_systems_of_the_host_are_not_durable(read):
    assert not mount(read, "/dev/shm/x:/data").durable


def test_tmpfs(read):
    found = read({"compose.yml": """
        services:
          a: {image: a, tmpfs: "/run"}
          b: {image: a, tmpfs: ["/tmp:size=64m", /run]}
    """})
    assert [(m.target, m.kind, m.durable) for m in found["a"].mounts] == [("/run", "tmpfs", False)]
    assert [m.target for m in found["b"].mounts] == ["/tmp", "/run"]


def test_the_last_mount_of_a_target_counts(read):
    found = read({"compose.yml": "services: {api: {image: a, volumes: [/data]}}",
                  "compose.override.yml": "services: {api: {volumes: ['d:/data']}}"})
    (only,) = found["api"].mounts
    assert (only.kind, only.at.path) == ("named", "compose.override.yml")


def test_secrets_and_configs(read):
    found = read({"compose.yml": """
        services:
          api:
            image: a
            secrets: [key, {source: pem, target: /etc/pem}, {source: token, target: t}]
            configs: [nginx, {source: c, target: /etc/c}]
    """})["api"].mounts
    assert [(m.target, m.kind) for m in found] == [
        ("/run/secrets/key", "secret"), ("/etc/pem", "secret"), ("/run/secrets/t", "secret"), ("/nginx", "configmap"),
        ("/etc/c", "configmap")]
    assert not any(m.durable for m in found)


def test_binds_bring_parts_of_the_tree(read):
    found = read({"compose.yml": "services: {api: {image: a, volumes: ['./src:/app', '/srv:/srv', 'd:/d', '.:/x']}}"})
    assert [(c.source, c.target) for c in found["api"].copies] == [("src", "/app"), ("", "/x")]
