"""Where the records land, who shares them, and what is needed for that, shown by the real CrewAI."""

from __future__ import annotations

import importlib.util
import socket
import sqlite3
from pathlib import Path

import pytest
from proof import MARKS, PYTHONS, Place, ask, end, heard, premise, version_of

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.eras import era
from crewmem_doctor.releases.keys import keyed_by
from crewmem_doctor.releases.paths import default_location, import_needs_home
from crewmem_doctor.releases.variables import redis_url_moves_lock

pytestmark = MARKS
CHILD = "places.py"


@pytest.fixture(scope="module", params=PYTHONS or ["none"])
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def unified(python: str) -> bool:
    return era(version_of(python)).unified


def below(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


@premise("CM201", "CM202", "CM209", "CM303")
def test_the_default_place_and_another_home(python: str, tmp_path: Path) -> None:
    """Below ~/.local/share/<working directory's name>, never at the two places that pages about CrewAI give; a home of
    another container is another store."""
    place = Place(python, tmp_path)
    assert place.run(CHILD, "write", "codeword amber")["found"]
    artefact = default_location(version_of(python), "crew")
    assert artefact is not None
    data = place.home / ".local/share/app"
    found = below(data)
    assert any(name.startswith(artefact.tail or "chroma.sqlite3") for name in found), found
    assert ("memory/memories.lance" in found) == unified(python)
    assert not (place.home / ".local/share/CrewAI").exists()
    assert not (place.cwd / ".crewai").exists()
    other = Place(python, tmp_path, home="other")
    assert not other.run(CHILD, "read", "codeword amber")["found"]


@premise("CM101", "CM301", "CM302", "CM501")
def test_a_storage_that_keeps_a_list_forgets_with_its_process(python: str, tmp_path: Path) -> None:
    assert Place(python, tmp_path).run(CHILD, "own", "codeword birch")["found"]
    assert not Place(python, tmp_path).run(CHILD, "own-read", "codeword birch")["found"]


@premise("CM106", "CM107")
def test_a_url_is_taken_for_a_directory_or_refused(python: str, tmp_path: Path) -> None:
    """No scheme opens a server, and a backend's name is a directory below the working directory."""
    place = Place(python, tmp_path)
    outcomes = place.run(CHILD, "given")["outcomes"]
    assert outcomes["sqlite"] == "accepted"
    assert "sqlite" in below(place.cwd)
    if unified(python):
        assert outcomes["redis://localhost/0"] != "accepted"
        assert outcomes["s3://bucket/x"] != "accepted"
        assert any(name.startswith("s3:") for name in below(place.cwd))


@premise("CM106", "CM107")
def test_a_url_in_the_storage_dir_is_a_directory_too(python: str, tmp_path: Path) -> None:
    place = Place(python, tmp_path, CREWAI_STORAGE_DIR="redis://localhost:1/0")
    saved = place.finish(CHILD, "write", "codeword cedar")
    made = [name for name in (*below(place.cwd), *below(place.home / ".local/share")) if "redis:" in name]
    assert made, saved.stderr[-500:]


@premise("CM204")
def test_a_home_that_cannot_be_written(python: str, tmp_path: Path) -> None:
    """From 1.9.3 on the import itself fails, whatever CREWAI_STORAGE_DIR says."""
    place = Place(python, tmp_path, CREWAI_STORAGE_DIR=str(tmp_path / "store"))
    blocked = tmp_path / "file"
    blocked.touch()
    place.env["HOME"] = str(blocked / "home")
    done = place.finish(CHILD, "mem0" if not unified(python) else "given")
    fails = "NotADirectoryError" in done.stderr and done.returncode != 0
    assert fails == import_needs_home(version_of(python)), done.stderr[-800:]


@premise("CM207")
def test_sqlite_writes_ahead_beside_its_file(python: str, tmp_path: Path) -> None:
    """The journal mode is kept in the file itself."""
    place = Place(python, tmp_path)
    place.run("child.py", "flow", "one")
    modes = {}
    for name in ("flow_states.db",):
        with sqlite3.connect(place.home / ".local/share/app" / name) as database:
            modes[name] = database.execute("PRAGMA journal_mode").fetchone()[0]
    assert modes["flow_states.db"] == ("wal" if unified(python) else "delete")


@premise("CM304", "CM603", "CM605")
def test_settings_that_move_no_memory_and_the_lock(python: str, tmp_path: Path) -> None:
    """CREWAI_MEMORY_BACKEND and REDIS_URL leave the records where they are. The lock lies in the temporary directory
    without the redis package, and in Redis with it."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"  # bound, and nobody listens
        settings = {"CREWAI_MEMORY_BACKEND": "redis", "REDIS_URL": url, "TMPDIR": str(temporary)}
        assert Place(python, tmp_path, **settings).run(CHILD, "write", "codeword elder")["found"]
        assert Place(python, tmp_path).run(CHILD, "read", "codeword elder")["found"]
        moves = redis_url_moves_lock(version_of(python))
        assert any(path.name.startswith("crewai:") for path in temporary.iterdir()) == moves
        redis = importlib.util.find_spec("redis")
        assert redis is not None
        assert redis.origin is not None
        packages = tmp_path / "packages"
        packages.mkdir()
        (packages / "redis").symlink_to(Path(redis.origin).parent)
        with_redis = Place(python, tmp_path, PYTHONPATH=str(packages), **settings)
        done = with_redis.finish(CHILD, "write", "codeword fir")
        assert ("ConnectionError" in done.stderr and done.returncode != 0) == moves, done.stderr[-800:]


@premise("CM305")
def test_a_forked_child_of_a_process_that_has_used_its_memory(python: str, tmp_path: Path) -> None:
    """It hangs or crashes; one that opens the memory itself ends well."""
    said = Place(python, tmp_path).run(CHILD, "fork")
    assert said == {"own": True, "used": False}


@premise("CM306", "CM307")
def test_a_process_that_had_the_store_open_before(python: str, tmp_path: Path) -> None:
    """It does not find what another one wrote since; a process that opens afterwards does."""
    early = Place(python, tmp_path).start(CHILD, "listen")
    try:
        heard(early)
        assert not ask(early, "search codeword gorse")["found"]
        assert Place(python, tmp_path).run(CHILD, "write", "codeword gorse")["found"]
        assert not ask(early, "search codeword gorse")["found"]
        assert Place(python, tmp_path).run(CHILD, "read", "codeword gorse")["found"]
    finally:
        end(early)


@premise("CM402", "CM403", "CM405")
def test_a_crews_name_is_its_scope(python: str, tmp_path: Path) -> None:
    version = version_of(python)
    scope = Place(python, tmp_path, OPENAI_API_KEY="none").run(CHILD, "named", "support v2")["scope"]
    assert (scope == "/crew/support-v2") == (keyed_by(version, "crew_name") is not None), scope


@premise("CM605")
def test_a_package_that_is_not_there(python: str, tmp_path: Path) -> None:
    """mem0 is not brought by crewai; Chroma is, even where nothing is remembered with it."""
    if not unified(python):
        said = Place(python, tmp_path).run(CHILD, "mem0")
        assert said == {"outcome": "ImportError", "chromadb": True} or said["outcome"] == "ModuleNotFoundError"


@premise("CM605")
def test_an_old_sqlite_stops_the_import(python: str, tmp_path: Path) -> None:
    assert "sqlite3 >= 3.35.0" in Place(python, tmp_path).run(CHILD, "old-sqlite")["error"]


def of(release: str) -> str:
    wanted = Version.parse(release)
    found = next((python for python in PYTHONS if version_of(python) == wanted), "")
    return found or pytest.skip(f"CrewAI {release} is not installed")


@premise("CM604")
def test_an_upgrade_over_the_engine_finds_nothing(tmp_path: Path) -> None:
    """1.9.3 writes, 1.15.30 asks at the same place; 1.9.3 still has it."""
    old, new = of("1.9.3"), of("1.15.30")
    assert Place(old, tmp_path).run(CHILD, "write", "codeword hazel")["found"]
    assert not Place(new, tmp_path).run(CHILD, "read", "codeword hazel")["found"]
    assert Place(old, tmp_path).run(CHILD, "read", "codeword hazel")["found"]
