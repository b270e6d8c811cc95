"""What a restart with the user's own command shows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .conftest import failing, outcomes, probed
from .servers import APPS, command, free_port, ready, start, stop

RESTART = """
import os, signal, subprocess, sys
os.killpg(int(open({pid!r}).read()), signal.SIGKILL)
child = subprocess.Popen({words!r}, env={{**os.environ, **{environment!r}}}, cwd={cwd!r}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
open({pid!r}, "w").write(str(child.pid))
"""


@pytest.mark.parametrize(("kind", "outcome"), [("module", "fail"), ("redis", "pass")])
def test_a_restart_shows_what_outlives_the_process(tmp_path: Path, valkey: str, kind: str, outcome: str) -> None:
    port = free_port()
    words = command("gunicorn", "web", 1, port)
    environment = {"APP_REDIS": valkey}
    process = start(words, environment, APPS)
    try:
        assert ready(process, port, 1, 60)
        (tmp_path / "pid").write_text(str(process.pid))
        (tmp_path / "restart.py").write_text(RESTART.format(words=words, environment={**environment, "PYTHONPATH": str(APPS)}, cwd=str(APPS), pid=str(tmp_path / "pid")))
        seen = probed(f"http://127.0.0.1:{port}", {"path": f"/{kind}/chat"}, restart_command=f"{sys.executable} {tmp_path}/restart.py",
                      timeout=60.0)
        assert failing(seen) == ({"recall-after-restart"} if outcome == "fail" else set())
        assert outcomes(seen)["recall-after-restart"] == outcome, seen["recall-after-restart"]
    finally:
        stop(process)
        try:
            os.killpg(int((tmp_path / "pid").read_text()), 9)
        except ProcessLookupError:
            pass
