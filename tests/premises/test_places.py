"""Where the records land, who shares them, and what is needed for that, shown by the real CrewAI."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest
from premise import MARKS, PYTHONS, Place, ask, end, heard, premise, version_of

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


class Kept:
    """One store that was filled once: by an application as it is, and by one with settings that move no memory."""

    def __init__(self, python: str, root: Path) -> None:
        self.python, self.root = python, root
        self.place = Place(python, root, OPENAI_API_KEY="none")
        self.first = self.place.run(CHILD, "first", "codeword amber")
        self.temporary = root / "tmp"
        self.temporary.mkdir()
        self.url = f"redis://127.0.0.1:{free_port()}/0"
        self.moved = Place(python, root, **self.settings).run(CHILD, "write", "codeword elder")
        self.second = Place(python, root).run(CHILD, "second", "codeword amber", "codeword elder")

    @property
    def settings(self) -> dict[str, str]:
        return {"CREWAI_MEMORY_BACKEND": "redis", "REDIS_URL": self.url, "TMPDIR": str(self.temporary)}


def free_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def kept(python: str, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(python, tmp_path_factory.mktemp("kept"))


@premise("CM201", "CM202", "CM209", "CM303")
def test_the_default_place_and_another_home(kept: Kept) -> None:
    """Below ~/.local/share/<working directory's name>, never at the two places that pages about CrewAI give; a home of
    another container is another store."""
    artefact = default_location(version_of(kept.python), "crew")
    assert artefact is not None
    found = below(kept.place.home / ".local/share/app")
    assert any(name.startswith(artefact.tail or "chroma.sqlite3") for name in found), found
    assert ("memory/memories.lance" in found) == unified(kept.python)
    assert not (kept.place.home / ".local/share/CrewAI").exists()
    assert not (kept.place.cwd / ".crewai").exists()
    assert kept.second["found"]["codeword amber"]
    other = Place(kept.python, kept.root, home="other").run(CHILD, "read", "codeword amber")
    assert not other["found"]["codeword amber"]


@premise("CM101", "CM301", "CM302", "CM501")
def test_a_storage_that_keeps_a_list_forgets_with_its_process(kept: Kept) -> None:
    assert kept.first["own"]
    assert not kept.second["own"]


@premise("CM107")
def test_a_url_is_taken_for_a_directory_or_refused(kept: Kept) -> None:
    """No scheme opens a server, and a backend's name is a file or directory below the working directory."""
    outcomes = kept.first["given"]
    assert outcomes["sqlite"] == "accepted"
    assert "sqlite" in below(kept.place.cwd)
    if unified(kept.python):
        assert outcomes["redis://localhost/0"] != "accepted"
        assert outcomes["s3://bucket/x"] != "accepted"
        assert any(name.startswith("s3:") for name in below(kept.place.cwd))


@premise("CM106", "CM107")
def test_a_url_in_the_storage_dir_is_a_directory_too(python: str, tmp_path: Path) -> None:
    """So whatever the variable says is another store (CM106)."""
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
    done = place.finish(CHILD, "import")
    assert ("NotADirectoryError" in done.stderr) == (done.returncode != 0), done.stderr[-800:]
    assert (done.returncode != 0) == import_needs_home(version_of(python)), done.stderr[-800:]


@premise("CM304", "CM603", "CM605")
def test_settings_that_move_no_memory_and_the_lock(kept: Kept, tmp_path: Path) -> None:
    """CREWAI_MEMORY_BACKEND and REDIS_URL leave the records where they are. The lock lies in the temporary directory
    without the redis package, and in Redis with it."""
    assert kept.moved["found"]["codeword elder"]
    assert kept.second["found"]["codeword elder"]
    moves = redis_url_moves_lock(version_of(kept.python))
    assert any(path.name.startswith("crewai:") for path in kept.temporary.iterdir()) == moves
    redis = importlib.util.find_spec("redis")
    assert redis is not None
    assert redis.origin is not None
    (tmp_path / "redis").symlink_to(Path(redis.origin).parent)
    done = Place(kept.python, tmp_path, PYTHONPATH=str(tmp_path), **kept.settings).finish(CHILD, "write", "codeword fir")
    assert ("ConnectionError" in done.stderr) == moves, done.stderr[-800:]
    assert (done.returncode != 0) == moves


@premise("CM305")
def test_a_forked_child_of_a_process_that_has_used_its_memory(python: str, tmp_path: Path) -> None:
    """It hangs or crashes; one that opens the memory itself ends well."""
    assert Place(python, tmp_path).run(CHILD, "fork") == {"own": True, "used": False}


@premise("CM306", "CM307")
def test_a_process_that_had_the_store_open_before(python: str, tmp_path: Path) -> None:
    """It does not find what another one wrote since; a process that opens afterwards does."""
    early = Place(python, tmp_path).start(CHILD, "listen")
    try:
        heard(early)
        assert not ask(early, "codeword gorse")["found"]
        assert Place(python, tmp_path).run(CHILD, "write", "codeword gorse")["found"]["codeword gorse"]
        assert not ask(early, "codeword gorse")["found"]
        late = Place(python, tmp_path).run(CHILD, "read", "codeword gorse")
        assert late["found"]["codeword gorse"]
    finally:
        end(early)


@premise("CM402", "CM403", "CM405")
def test_a_crews_name_is_its_scope(kept: Kept) -> None:
    named = keyed_by(version_of(kept.python), "crew_name") is not None
    assert (kept.first["scope"] == "/crew/support-v2") == named, kept.first


@premise("CM605")
def test_packages_that_crewai_does_not_bring_and_one_that_it_imports(kept: Kept) -> None:
    assert unified(kept.python) or kept.first["mem0"] in ("ImportError", "ModuleNotFoundError")
    assert kept.first["chromadb"]


@premise("CM605")
def test_an_old_sqlite_stops_the_import(python: str, tmp_path: Path) -> None:
    assert "sqlite3 >= 3.35.0" in Place(python, tmp_path).run(CHILD, "old-sqlite")["error"]


@premise("CM604")
def test_an_upgrade_over_the_engine_finds_nothing(tmp_path: Path) -> None:
    """1.9.3 writes, 1.15.30 asks at the same place; 1.9.3 still has it."""
    old, new = of("1.9.3"), of("1.15.30")
    Place(old, tmp_path).run(CHILD, "write", "codeword hazel")
    assert not Place(new, tmp_path).run(CHILD, "read", "codeword hazel")["found"]["codeword hazel"]
    assert Place(old, tmp_path).run(CHILD, "read", "codeword hazel")["found"]["codeword hazel"]


def of(release: str) -> str:
    wanted = Version.parse(release)
    found = next((python for python in PYTHONS if version_of(python) == wanted), "")
    return found or pytest.skip(f"CrewAI {release} is not installed")
