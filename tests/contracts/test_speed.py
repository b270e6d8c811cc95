"""Start-up stays cheap. Bounds are several times what is measured, so that only a real change trips them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("yaml", "libcst", "redis", "psycopg", "crewai", "rich.progress")


def cpu(command: list[str], cwd: Path) -> float:
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs wait4")
@pytest.mark.parametrize(("words", "goal"), [(["--version"], 0.15), (["--help"], 0.15),
                                             (["scan", "fixtures/deployments/fastapi-compose/broken"], 0.3)])
def test_cpu(words: list[str], goal: float, repository: Path) -> None:
    """The least of up to eight runs: what else the machine does, and byte code that is not there yet, only adds to it."""
    command = [sys.executable, "-m", "crewmem_doctor", *words]
    seconds: list[float] = []
    while len(seconds) < 8 and not (seconds and min(seconds) < 4 * goal):
        seconds.append(cpu(command, repository))
    assert min(seconds) < 4 * goal, seconds


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["rules"], ["explain", "CM201"]])
def test_what_start_up_loads(words: list[str], repository: Path) -> None:
    code = ("import sys, atexit\n"
            "atexit.register(lambda: print('LOADED', *sorted(sys.modules), file=sys.stderr))\n"
            "from crewmem_doctor.cli.main import run\n"
            f"sys.argv[1:] = {words!r}\n"
            "run()\n")
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    loaded = done.stderr.split("LOADED", 1)[1].split()
    assert [name for name in HEAVY if name in loaded] == []
