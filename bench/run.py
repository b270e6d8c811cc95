"""Measure crewmem-doctor beside ruff and bandit, in CPU seconds and peak memory, on the trees of build_tree.py.

    python bench/run.py DIR [--rounds 5] [--bandit-rounds 1] [--output FILE.md]

Each round runs the tools in turn. CPU is user plus system time of the whole process tree, peak memory is that of its
largest process; both come from wait4. Ratios of CPU are the claim: wall time depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

OK = {0, 1, 2, 3}      # findings are no failure


@dataclass(frozen=True)
class Sample:
    cpu: float
    wall: float
    peak: float         # MiB


@dataclass
class Case:
    name: str
    command: list[str]
    rounds: int
    samples: list[Sample] = field(default_factory=list)

    def median(self, what: str) -> float:
        return statistics.median(getattr(sample, what) for sample in self.samples)


def measure(command: list[str], cwd: Path) -> Sample:
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode not in OK:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Sample(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * scale / 1024 / 1024)


def tool(name: str) -> str:
    """The command beside this interpreter, else on PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise SystemExit(f"{name} is not installed: pip install {name}")
    return found


def cases(base: Path, rounds: int, bandit_rounds: int) -> list[Case]:
    doctor = tool("crewmem-doctor")
    found = [
        Case("scan, 10,000 files", [doctor, "scan", str(base / "mono")], rounds),
        Case("ruff check --no-cache", [tool("ruff"), "check", "--no-cache", "--isolated", str(base / "mono")], rounds),
        Case("scan, 60 files", [doctor, "scan", str(base / "small")], rounds),
        Case("--version", [doctor, "--version"], rounds),
        Case("--help", [doctor, "--help"], rounds),
        Case("explain CM201", [doctor, "explain", "CM201"], rounds),
    ]
    if bandit_rounds:
        found.append(Case("bandit -r", [tool("bandit"), "-q", "-r", str(base / "mono")], bandit_rounds))
    return found


def table(measured: list[Case]) -> str:
    own = measured[0].median("cpu")
    lines = ["| what | rounds | CPU s | wall s | peak MiB | CPU, scan = 1 |", "|---|--:|--:|--:|--:|--:|"]
    for case in measured:
        cpu = case.median("cpu")
        lines.append(f"| {case.name} | {len(case.samples)} | {cpu:.2f} | {case.median('wall'):.2f} "
                     f"| {case.median('peak'):.0f} | {cpu / own:.2f} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bandit-rounds", type=int, default=1, help="0 leaves bandit out; it takes minutes")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    base = options.directory.resolve()
    todo = cases(base, options.rounds, options.bandit_rounds)
    for case in todo:
        if case.name != "bandit -r":
            measure(case.command, base)                   # warms the page cache and the .pyc files
    for number in range(max(case.rounds for case in todo)):
        for case in todo:
            if number < case.rounds:
                case.samples.append(measure(case.command, base))
    text = f"Python {platform.python_version()}, {os.cpu_count()} cores. Medians.\n\n{table(todo)}\n"
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
