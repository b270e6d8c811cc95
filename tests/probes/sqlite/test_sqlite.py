"""The probe over real files: what it says of each, and that it neither changes the user's nor leaves any of its own."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crewmem_doctor.model.observation import Observation
from crewmem_doctor.probes import sqlite
from crewmem_doctor.probes.process import Worker
from crewmem_doctor.probes.session import Session
from crewmem_doctor.probes.sqlite import place, steps
from crewmem_doctor.probes.sqlite.integrity import check_copy
from crewmem_doctor.probes.target import parse
from crewmem_doctor.settings import Settings

from ...conftest import executable

Seen = dict[str, Observation]
NOBODY = 65534
AS_ROOT = os.name == "posix" and os.geteuid() == 0
CHECKS = ("writable", "filesystem", "journal-mode", "second-process-reads", "two-writers", "integrity", "cleanup")
needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")


def probed(url: str, root: Path = Path("/"), **settings: object) -> Seen:
    session = Session(parse(url, {}), Settings(**settings), {}, root)      # type: ignore[arg-type]
    with session:
        sqlite.probe(session)
    return {seen.check: seen for seen in session.observations}


def outcomes(seen: Seen) -> dict[str, str]:
    return {check: one.outcome for check, one in seen.items()}


def snapshot(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """All files with content, mode and time of change."""
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns)
            for path in sorted(folder.rglob("*")) if path.is_file()}


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    before = snapshot(folder)
    yield
    assert snapshot(folder) == before


def database(path: Path, mode: str = "delete", rows: int = 200) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute("CREATE TABLE memory (id INTEGER PRIMARY KEY, words TEXT)")
    connection.execute("CREATE INDEX by_words ON memory (words)")
    connection.executemany("INSERT INTO memory (words) VALUES (?)", [(f"the codeword is {n}" * 20,) for n in range(rows)])
    connection.commit()
    return connection


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder that is neither pytest's nor in RAM, and that any user may enter."""
    made = Path(tempfile.mkdtemp(prefix="crewmem", dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_that_is_kept(disk: Path, mode: str) -> None:
    connection = database(disk / "memory.db", mode)
    with unchanged(disk):       # while the application has it open, with all that stands beside it
        seen = probed(f"sqlite:///{disk}/memory.db")
    connection.close()
    found = outcomes(seen)
    kept = found.pop("filesystem")
    assert found == dict.fromkeys((check for check in CHECKS if check != "filesystem"), "pass")
    assert kept in ("pass", "fail", "skip")         # as this machine's disk is; `test_place` knows each kind
    assert ("WAL" in seen["journal-mode"].detail) is (mode == "wal")


def test_a_write_ahead_log_that_a_crash_left_is_not_touched(disk: Path) -> None:
    child = subprocess.run([sys.executable, "-c", f"""
import os, sqlite3
connection = sqlite3.connect({str(disk / 'memory.db')!r})
connection.execute("PRAGMA journal_mode = wal")
connection.execute("CREATE TABLE memory (words TEXT)")
connection.execute("INSERT INTO memory VALUES ('kept in the log only')")
connection.commit()
os._exit(0)"""], check=True)
    assert child.returncode == 0
    assert (disk / "memory.db-wal").stat().st_size
    (disk / "memory.db-shm").unlink()
    with unchanged(disk):
        assert outcomes(probed(f"sqlite:///{disk}/memory.db"))["integrity"] == "pass"


def test_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    seen = probed("sqlite:///memory.db", tmp_path)
    assert (seen["writable"].outcome, seen["journal-mode"].outcome, seen["integrity"].outcome) == ("pass", "skip", "skip")
    assert "not there yet" in seen["writable"].detail
    assert list(tmp_path.iterdir()) == []


def test_ready_writes_nothing_and_is_quick(tmp_path: Path) -> None:
    database(tmp_path / "memory.db").close()
    with unchanged(tmp_path):
        seen = probed("sqlite+aiosqlite:///memory.db", tmp_path, ready=True)
    assert tuple(seen) == ("writable", "filesystem", "journal-mode")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_database_in_ram(url: str, tmp_path: Path) -> None:
    seen = probed(url, tmp_path)
    assert outcomes(seen) == {"filesystem": "fail"}
    assert "RAM" in seen["filesystem"].detail


def test_a_url_that_names_no_file(tmp_path: Path) -> None:
    seen = probed("sqlite://memory.db", tmp_path)
    assert outcomes(seen) == {"writable": "error"}
    assert "three slashes" in seen["writable"].detail


@pytest.mark.parametrize("option", ["mode=ro", "immutable=1"])
def test_a_url_that_opens_it_read_only(tmp_path: Path, option: str) -> None:
    database(tmp_path / "memory.db").close()
    seen = probed(f"sqlite:///file:{tmp_path}/memory.db?{option}&uri=true", tmp_path)
    assert seen["writable"].outcome == "fail"
    assert option in seen["writable"].detail


def refused(seen: Seen, *words: str) -> None:
    """It cannot be written; that is said with a remedy; and there is nothing to clean up."""
    assert seen["writable"].outcome == "fail", seen["writable"]
    for word in words:
        assert word in seen["writable"].detail
    assert seen["writable"].remedy
    assert seen.get("cleanup") is None or seen["cleanup"].outcome == "pass"


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    seen = probed("sqlite:///data/memory/x.db", tmp_path)
    refused(seen, "does not exist", f"what exists is {tmp_path}")
    subprocess.run(seen["writable"].snippet, shell=True, check=True)
    assert outcomes(probed("sqlite:///data/memory/x.db", tmp_path, ready=True))["writable"] == "pass"


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "memory.db").mkdir()
    refused(probed("sqlite:///memory.db", tmp_path), "is a directory")


def test_a_file_where_its_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    refused(probed("sqlite:///data/memory.db", tmp_path))


def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "memory.db")
    refused(probed("sqlite:///memory.db", tmp_path), "no ordinary file")


@needs_root
@pytest.mark.parametrize(("owner", "what"), [("folder", "journal beside"), ("file", "may not write it"), ("-wal", "-wal belongs"),
                                             ("closed", "may not look into")])
def test_what_belongs_to_another_user(disk: Path, owner: str, what: str) -> None:
    """As the user nobody, over files of root's and its own."""
    folder = disk / "data"
    folder.mkdir()
    connection = database(folder / "memory.db", "wal")
    for path in (folder, *folder.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    chosen = {"folder": folder, "closed": folder, "file": folder / "memory.db", "-wal": folder / "memory.db-wal"}[owner]
    os.chown(chosen, 0, 0)
    if owner == "closed":
        folder.chmod(0o700)
    facts = as_nobody(f"steps.look({{'path': {str(folder / 'memory.db')!r}, 'environ': {{}}}})")
    connection.close()
    obstacle = place.obstacle(str(folder / "memory.db"), facts)
    assert obstacle is not None
    assert what in obstacle[0]
    assert f"uid {NOBODY}" in obstacle[0]


def as_nobody(expression: str) -> dict[str, object]:
    """What an expression over `steps` comes to in a process of another user, forked since this interpreter may be root's alone."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writing, json.dumps(eval(expression, {"steps": steps})).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    found = json.loads(answer)
    assert isinstance(found, dict)
    return found


@contextmanager
def mounted(at: Path, options: str) -> Iterator[None]:
    at.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


@needs_root
def test_a_read_only_mount(disk: Path) -> None:
    with mounted(disk / "data", "size=4m"):
        database(disk / "data/memory.db").close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk / "data")], check=True)
        seen = probed(f"sqlite:///{disk}/data/memory.db")
    refused(seen, "mounted read-only")
    assert seen["integrity"].outcome == "pass"


@needs_root
def test_ram_is_no_place_for_memory(disk: Path) -> None:
    with mounted(disk / "data", "size=4m"):
        seen = probed(f"sqlite:///{disk}/data/memory.db", ready=True)
    assert seen["filesystem"].outcome == "fail"
    assert "tmpfs" in seen["filesystem"].detail


@needs_root
@pytest.mark.parametrize("left", [0, 1_100_000])
def test_a_full_disk(disk: Path, left: int) -> None:
    with mounted(disk / "data", "size=4m"):
        (disk / "data/filling").write_bytes(b"x" * (4 * 1024 ** 2 - left))
        seen = probed(f"sqlite:///{disk}/data/memory.db")
    refused(seen, "full") if not left else None
    assert seen["writable"].outcome == ("pass" if left else "fail")


def test_a_file_that_grows_into_a_full_disk_is_named(tmp_path: Path) -> None:
    """The write itself, as it goes where the disk fills up after the look: by a limit on the size of files."""
    job = {"file": str(tmp_path / "crewmem_probe_x.db"), "journal": "", "options": "", "busy": 5, "words": "x"}
    script = f"""
import json, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from crewmem_doctor.probes.sqlite import place, steps
from crewmem_doctor.probes.sqlite.integrity import check_copy
print(json.dumps(steps.write({job!r})))"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "full" in json.loads(done.stdout)["refused"] or "I/O" in json.loads(done.stdout)["refused"]


def test_locks_that_do_not_hold_are_found_out(tmp_path: Path) -> None:
    """SQLite opened without locks, as on a file system that has none: two writers overwrite each other."""
    database(tmp_path / "memory.db").close()
    for _ in range(5):      # they do not have to meet
        seen = probed(f"sqlite:///file:{tmp_path}/memory.db?nolock=1&uri=true", tmp_path)
        if seen["two-writers"].outcome == "fail":
            break
    assert seen["two-writers"].outcome == "fail"
    assert seen["cleanup"].outcome == "pass"


def test_a_writer_that_may_not_wait_gives_up(tmp_path: Path) -> None:
    for _ in range(5):
        seen = probed("sqlite:///memory.db?timeout=0", tmp_path)
        if seen["two-writers"].outcome == "fail":
            break
    assert "gave up after waiting 0 seconds" in seen["two-writers"].detail
    assert "busy" in seen["two-writers"].remedy


def integrity(path: Path) -> Observation:
    session = Session(parse(f"sqlite:///{path}", {}), Settings(), {}, Path("/"))
    before = path.stat(), list(path.parent.iterdir())
    with session, Worker() as worker:
        check_copy(session, steps.look({"path": str(path), "environ": {}}), worker)
    seen = session.observations[0]
    assert (path.stat().st_mtime_ns, list(path.parent.iterdir())) == (before[0].st_mtime_ns, before[1])
    assert all(one.outcome == "pass" for one in session.observations[1:])       # the copy is gone
    return seen


def test_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    database(path).close()
    content = bytearray(path.read_bytes())
    content[4096 * 2:4096 * 3] = random.Random(1).randbytes(4096)
    path.write_bytes(content)
    seen = integrity(path)
    assert seen.outcome == "fail"
    assert "damaged" in seen.detail
    assert ".recover" in seen.snippet


def test_a_database_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    database(path).close()
    os.truncate(path, 4096 * 3)
    assert integrity(path).outcome == "fail"


@pytest.mark.parametrize(("content", "outcome", "said"), [
    (b"", "skip", "no content"), (b"\0" * 8192, "fail", "zeros"), (b"\x1f\x8b\x08" + b"x" * 600, "fail", "gzip"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "fail", "Git LFS"), (b'{"memories": []}\n', "fail", "text file"),
    ("Erinnerung äöü 東京\n".encode() * 40, "fail", "text file"), (random.Random(2).randbytes(8192), "skip", "encrypted"),
    (random.Random(3).randbytes(777), "fail", "neither"),
])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes, outcome: str, said: str) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(content)
    seen = integrity(path)
    assert (seen.outcome, said in seen.detail) == (outcome, True), seen


def test_a_rule_that_rows_break_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE t (n INTEGER CHECK (n > 0)); PRAGMA ignore_check_constraints = on; INSERT INTO t VALUES (-1);")
    connection.close()
    assert integrity(path).outcome == "pass"


def test_a_huge_file_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    database(path).close()
    os.truncate(path, 3 * 1024 ** 3)        # sparse
    seen = integrity(path)
    assert seen.outcome == "skip"
    assert "3072 MiB" in seen.detail


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_under_load_is_never_called_damaged(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "memory.db"
    connection = database(path, mode)
    connection.execute("PRAGMA wal_autocheckpoint = 5")
    connection.close()
    end = threading.Event()
    refused: list[str] = []

    def write() -> None:
        with sqlite3.connect(path, timeout=5) as connection:
            connection.execute("PRAGMA synchronous = off")
            connection.execute("PRAGMA wal_autocheckpoint = 5")
            while not end.is_set():
                try:
                    connection.execute("INSERT INTO memory (words) VALUES (?)", ("w" * 3000,))
                    connection.execute("DELETE FROM memory WHERE id % 7 = 0")
                    connection.commit()
                except sqlite3.Error as error:
                    refused.append(str(error))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        states = [steps.examine({"path": str(path), "folder": str(tmp_path / f"crewmem_probe_{n}"), "seconds": 5})["state"]
                  for n in range(6)]
    finally:
        end.set()
        writer.join()
    assert set(states) <= {"whole", "busy"}
    assert refused == []        # the copying keeps nobody waiting


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_probe_that_is_killed_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    database(tmp_path / "memory.db").close()
    with unchanged(tmp_path):
        command = subprocess.Popen([*executable(), "probe", f"sqlite:///{tmp_path}/memory.db"], cwd="/", stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not list(tmp_path.glob("crewmem_probe_*")):
            assert time.monotonic() < end
            assert command.poll() is None
            time.sleep(0.005)
        command.send_signal(number)
        command.wait(60)
        while list(tmp_path.glob("crewmem_probe_*")) and time.monotonic() < end + 30:
            time.sleep(0.05)


def test_copies_are_nobody_elses(tmp_path: Path) -> None:
    database(tmp_path / "memory.db").close()
    folder = tmp_path / "crewmem_probe_copy"
    steps.examine({"path": str(tmp_path / "memory.db"), "folder": str(folder), "seconds": 20})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
