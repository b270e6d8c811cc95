"""The program as a process: what it imports, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crewmem_doctor import __version__

SLOW = """
import sys, time, types
def examine(path, settings, probing=None):
    print("started", file=sys.stderr, flush=True)
    time.sleep(60)
sys.modules["crewmem_doctor.doctor"] = audit = types.ModuleType("crewmem_doctor.doctor")
audit.examine = examine
from crewmem_doctor.cli.main import run
sys.argv = ["crewmem-doctor", "scan", "."]
run()
"""
RUN = "import sys; sys.argv[1:] = {words!r}; from crewmem_doctor.cli.main import main; main(sys.argv[1:])"


def loaded(*words: str) -> set[str]:
    code = RUN.format(words=list(words)) + "; sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["scan", "--help"], ["explain", "CM201"], ["rules"]])
def test_cheap_commands_load_little(words: list[str]) -> None:
    modules = loaded(*words)
    assert not {"yaml", "libcst", "redis", "psycopg", "crewai", "rich.console", "crewmem_doctor.facts",
                "crewmem_doctor.sources", "crewmem_doctor.doctor"} & modules
    if words[-1] in ("--version", "--help"):
        assert not {"crewmem_doctor.rules", "rich.cells"} & modules


def test_version() -> None:
    words = [sys.executable, "-m", "crewmem_doctor", "--version"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == f"crewmem-doctor {__version__}\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C in the middle of an audit: status 130, nothing on either stream.

    A suite that was itself started in the background passes on an ignored SIGINT, hence its reset.
    """
    process = subprocess.Popen([sys.executable, "-c", SLOW], cwd=tmp_path, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert process.stderr is not None
    assert process.stderr.readline().strip() == b"started"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors.strip()) == (130, b"", b"")


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_reader_that_leaves(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "crewmem_doctor", "rules"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=30) == 0
