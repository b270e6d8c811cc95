"""The CrewAI probe against the survival table, on all fixtures.

    python tools/agreement.py PYTHON… [--each]

Every PYTHON has CrewAI; each fixture is probed with the one whose release it pins. Without --each, one fixture for each
distinct row of the table.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/probes/crewai/support"))

import comparison


def main(words: list[str]) -> int:
    pythons = {version_of(word): word for word in words if word != "--each"}
    done, wrong, seen = 0, 0, set()
    for folder, service, release, row, forks in comparison.described():
        pattern = (release, *sorted(row.items()), forks)
        if release not in pythons or (pattern in seen and "--each" not in words):
            continue
        seen.add(pattern)
        report = comparison.probed([str(Path(sys.executable).with_name("crewmem-doctor"))], folder, service, pythons[release], 120)
        differing = comparison.disagreements(row, forks, report)
        done, wrong = done + 1, wrong + bool(differing)
        print(f"{'✗' if differing else '✓'} {folder} {service} {release} {' '.join(row.values())}"
              + (f": {'; '.join(differing)}" if differing else ""), flush=True)
        if differing:
            for one in report["observations"]:
                print(f"    {one['check']} {one['outcome']} {one['detail'][:160]}", flush=True)
    print(f"{done} fixtures, {wrong} disagreements")
    return bool(wrong)


def version_of(python: str) -> str:
    code = "import importlib.metadata as m; print(m.version('crewai'))"
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
