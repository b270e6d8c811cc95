"""Where the scan's survival table and the probe speak of the same memory, they must say the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from crewmem_doctor import doctor
from crewmem_doctor.model.project import Run
from crewmem_doctor.probes.crewai.subject import ENGINES, KINDS
from crewmem_doctor.settings import Settings
from crewmem_doctor.survival import remembers, survival

FIXTURES = Path(__file__).resolve().parents[4] / "fixtures"
EVENTS = ("request", "worker", "restart", "replica")


def described(only: str = "") -> Iterator[tuple[str, str, str, dict[str, str], bool]]:
    """Each fixture with a memory that a path keeps in a service: its folder, the service, the exact release, the words
    of the survival table, and whether the service forks with memory made. `only`: of that folder."""
    for file in sorted(FIXTURES.rglob("expect.yaml")):
        for folder in sorted(path for path in file.parent.iterdir() if path.is_dir()):
            if only and folder != FIXTURES / only:
                continue
            project = doctor.read(folder, Settings())
            seen = set()
            for run in project.runs:
                memory = run.memory
                mine = memory.kind in KINDS and memory.store.kind == "path" and memory.store.engine in ENGINES
                if not (mine and remembers(memory, project.release)) or run.service.id in seen:
                    continue
                seen.add(run.service.id)
                words = {event: survival(run, project.release)[event].word for event in EVENTS}
                release = project.release.exact or project.release.newest
                yield str(folder.relative_to(FIXTURES)), run.service.id, str(release), words, forks(run)


def forks(run: Run) -> bool:
    process = run.process
    preloads = process is not None and process.forks and process.preload is not None and process.preload.value
    return bool(preloads and run.loads_at_import)


def probed(command: Sequence[str], folder: str, service: str, python: str, seconds: float) -> Mapping[str, Any]:
    """The report of the probe in a copy of that service's directories."""
    done = subprocess.run(
        [*command, "probe", f"crewai:{FIXTURES / folder}", "--service", service, "--python", python, "--timeout",
         str(seconds), "--format", "json"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=seconds * 12, check=False)
    assert done.stdout, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def disagreements(words: Mapping[str, str], forked: bool, report: Mapping[str, Any]) -> list[str]:
    """What the table and the probe say differently."""
    seen = {one["check"]: one["outcome"] for one in report["observations"]}
    errors = {finding["evidence"] for finding in report["findings"] if finding["severity"] == "error"}
    if seen.get("import") == "skip":
        return []       # it says that it cannot stand in for that memory
    if seen.get("import") == "fail" or seen.get("write") == "fail":
        return [] if words["request"] == "lost" else [f"request is {words['request']}, and nothing can be written"]
    wrong = []
    if words["request"] != "kept":
        wrong.append(f"request is {words['request']}, and records can be written")
    if seen.get("second-process-reads") != "pass":
        wrong.append(f"second-process-reads is {seen.get('second-process-reads')}")
    if seen.get("two-writers") != "pass":
        wrong.append(f"two-writers is {seen.get('two-writers')}")
    stale = "stale" in (words["worker"], words["replica"])
    if stale != ("early-reader" in errors):
        wrong.append(f"worker is {words['worker']}, replica {words['replica']}, and early-reader is "
                     f"{seen.get('early-reader')}")
    if forked != ("forked-child" in errors):
        wrong.append(f"the service {'forks' if forked else 'does not fork'}, and forked-child is {seen.get('forked-child')}")
    if seen.get("cleanup") != "pass":
        wrong.append(f"cleanup is {seen.get('cleanup')}")
    return wrong
