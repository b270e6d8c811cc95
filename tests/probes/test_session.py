"""What every probe rests on: observations, deadlines, secrets, and nothing left behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crewmem_doctor.errors import Terminated, UsageError
from crewmem_doctor.probes.process import StepFailed, StepTimedOut, Worker
from crewmem_doctor.probes.session import Blind, Session
from crewmem_doctor.probes.target import parse
from crewmem_doctor.settings import Settings


def session_of(tmp_path: Path, target: str = "redis://:hunter2@localhost:1/0", **settings: object) -> Session:
    return Session(parse(target, {}), Settings(**settings), {}, tmp_path)  # type: ignore[arg-type]


def outcomes(session: Session) -> list[tuple[str, str]]:
    return [(seen.check, seen.outcome) for seen in session.observations]


def test_a_check_has_the_outcome_that_was_said(tmp_path: Path) -> None:
    with session_of(tmp_path) as session:
        with session.check("connect") as check:
            check.passed("Redis 8")
        with session.check("persistence") as check:
            check.failed("nothing is saved", remedy="Turn on appendonly")
        with session.check("eviction") as check:
            check.skipped("CONFIG is hidden")
    assert outcomes(session) == [("connect", "pass"), ("persistence", "fail"), ("eviction", "skip")]


def test_what_goes_wrong_in_a_step_is_an_error_and_the_probe_goes_on(tmp_path: Path) -> None:
    with session_of(tmp_path) as session, Worker() as worker:
        with session.check("connect"):
            worker.ask("files.remove", {"paths": ["/etc/passwd"]}, 20)
        with session.check("write") as check:
            check.passed("it went on")
    assert outcomes(session) == [("connect", "error"), ("write", "pass")]
    assert "not a probe's own" in session.observations[0].detail


def test_blind_ends_the_probe(tmp_path: Path) -> None:
    with session_of(tmp_path) as session:
        with session.check("connect"):
            raise Blind("refused")
        pytest.fail("the probe goes on")        # type: ignore[unreachable]
    assert outcomes(session) == [("connect", "error")]


def test_a_check_that_only_informs_cannot_fail(tmp_path: Path) -> None:
    with session_of(tmp_path) as session, pytest.raises(AssertionError), session.check("database") as check:
        check.failed("0", remedy="none")


def test_secrets_are_taken_out_of_details(tmp_path: Path) -> None:
    with session_of(tmp_path) as session:
        session.secret("t0ps3cret")
        with session.check("connect") as check:
            check.blind("AUTH hunter2 failed with t0ps3cret", remedy="try t0ps3cret")
    told = repr(session.observations)
    assert "hunter2" not in told
    assert "t0ps3cret" not in told


@pytest.mark.parametrize(("password", "said", "shown"), [
    ("p", "Check host and port; p is wrong (password=p)", "Check host and port; *** is wrong (password=***)"),
    ("postgres", "postgresql at host: no such user 'postgres'", "postgresql at host: no such user '***'"),
    ("s3cr3t-long", "got\\ns3cr3t-longs", "got\\n***s"),
])
def test_a_password_that_is_part_of_words(tmp_path: Path, password: str, said: str, shown: str) -> None:
    with session_of(tmp_path) as session:
        session.secret(password)
        assert session.clean(said) == shown


def test_blind_may_know_what_to_do(tmp_path: Path) -> None:
    with session_of(tmp_path) as session, session.check("connect"):
        raise Blind("there is no server", "Start one")
    assert [seen.remedy for seen in session.observations] == ["Start one"]


def test_the_whole_probe_has_a_deadline(tmp_path: Path) -> None:
    session = session_of(tmp_path, timeout=0.001)
    with session:
        time.sleep(0.05)
        with session.check("connect") as check:
            check.passed(f"{session.seconds}")
    assert outcomes(session) == [("connect", "error")]
    assert "deadline" in session.observations[0].detail


def test_a_step_that_hangs_is_killed(tmp_path: Path) -> None:
    worker = Worker()
    with pytest.raises(StepTimedOut):
        worker.ask("files.remove", {"paths": []}, 0.0)      # no interpreter starts in no time
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)


def test_a_step_that_does_not_exist_is_said() -> None:
    with Worker() as worker, pytest.raises(StepFailed):
        worker.ask("files.nothing", {}, 20)


def test_what_was_written_is_gone_and_said_to_be(tmp_path: Path) -> None:
    with session_of(tmp_path) as session:
        written = tmp_path / session.namespace
        session.undo("files.remove", {"paths": [str(written)]}, f"rm -r {written}")
        written.mkdir()
    assert not written.exists()
    assert outcomes(session) == [("cleanup", "pass")]


def test_what_cannot_be_removed_is_said_with_the_command(tmp_path: Path) -> None:
    with session_of(tmp_path) as session:
        session.undo("files.remove", {"paths": ["/proc/1"]}, "rm -r /proc/1")
    assert outcomes(session) == [("cleanup", "error")]
    assert "rm -r /proc/1" in session.observations[0].detail


@pytest.mark.parametrize("error", [KeyboardInterrupt, Terminated, RuntimeError])
def test_what_was_written_is_gone_after_an_interruption(tmp_path: Path, error: type[BaseException]) -> None:
    session = session_of(tmp_path)
    written = tmp_path / session.namespace

    def write_and_be_interrupted() -> None:
        with session:
            session.undo("files.remove", {"paths": [str(written)]}, f"rm -r {written}")
            written.mkdir()
            raise error

    with pytest.raises(error):
        write_and_be_interrupted()
    assert not written.exists()


def test_an_interrupted_probe_says_what_it_could_not_remove(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    told: list[str] = []
    session.warn = told.append

    def write_and_be_interrupted() -> None:
        with session:
            session.undo("files.remove", {"paths": ["/proc/1"]}, "rm -r /proc/1 hunter2")
            raise Terminated

    with pytest.raises(Terminated):
        write_and_be_interrupted()
    assert len(told) == 1
    assert "remove it with: rm -r /proc/1 ***" in told[0]


PROBE = """
import pathlib, sys, time
from crewmem_doctor.probes.session import Session
from crewmem_doctor.probes.target import parse
from crewmem_doctor.settings import Settings
with Session(parse("crewai", {}), Settings(), {}, pathlib.Path(sys.argv[1])) as session:
    written = pathlib.Path(sys.argv[1], session.namespace)
    session.undo("files.remove", {"paths": [str(written)]}, "rm")
    written.mkdir()
    print("written", flush=True)
    time.sleep(60)
"""


def test_what_was_written_is_gone_after_sigkill(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", PROBE, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"written\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    end = time.monotonic() + 20
    while list(tmp_path.iterdir()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("word", "kind", "shown"), [
    ("redis://user:pw@h:6379/0?x=1", "redis", "redis://h:6379/0"), ("valkeys://h", "redis", "valkeys://h"),
    ("postgresql+psycopg://u:p@h/db", "postgres", "postgresql+psycopg://h/db"),
    ("rediss+sentinel://:p@a:1,b:2/main", "redis", "rediss+sentinel://a:1,b:2/main"),
    ("sqlite:////data/m.db", "sqlite", "sqlite:////data/m.db"), ("https://x.example/chat?k=s", "http", "https://x.example/chat"),
    ("crewai", "crewai", "crewai"), ("crew:app.crew:build", "crew", "crew:app.crew:build"),
    ("k8s:prod/api", "k8s", "k8s:prod/api"), ("exec:ssh a::ssh b", "exec", "exec:ssh a::ssh b"),
])
def test_targets(word: str, kind: str, shown: str) -> None:
    target = parse(word, {})
    assert (target.kind, target.shown) == (kind, shown)


def test_a_target_may_stand_in_the_environment_or_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:s%40crt@h/db\n")
    assert parse("env:URL", {"URL": "redis://h"}).kind == "redis"
    target = parse(f"file:{tmp_path / 'url'}", {})
    assert set(target.secrets) == {"s%40crt", "s@crt"}


@pytest.mark.parametrize("word", ["", "mysql://h/db", "redsi", "crew:nothing", "k8s:api", "exec:ssh a", "compose:", "env:NO",
                                  "file:/no/such/file"])
def test_words_that_name_no_target_are_refused(word: str) -> None:
    with pytest.raises(UsageError):
        parse(word, {})


def test_what_could_not_be_removed_is_tried_once_more_afterwards(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(worker: Worker, *words: object) -> None:
        worker.kill()
        raise StepTimedOut("no answer within 0 seconds")

    with session_of(tmp_path) as session:
        written = tmp_path / session.namespace
        session.undo("files.remove", {"paths": [str(written)]}, f"rm -r {written}")
        written.mkdir()
        monkeypatch.setattr(Worker, "ask", late)
    assert outcomes(session)[-1] == ("cleanup", "error")
    end = time.monotonic() + 30
    while written.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not written.exists()


def test_what_could_not_be_removed_is_tried_until_the_fault_has_ended(tmp_path: Path) -> None:
    way = tmp_path / "way"
    way.symlink_to(way)         # to nowhere, for everybody
    with session_of(tmp_path) as session:
        written = tmp_path / session.namespace
        written.mkdir()
        session.undo("files.remove", {"paths": [str(way / session.namespace)]}, f"rm -r {written}")
    assert outcomes(session)[-1] == ("cleanup", "error")
    time.sleep(1)               # in which it is tried again in vain
    assert written.exists()
    way.unlink()
    way.symlink_to(tmp_path)
    end = time.monotonic() + 30
    while written.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not written.exists()
