"""Writes docs/deployments.md: what is read of every kind of deployment, which events it decides, what stays unknown.

`python tools/deployments.py` writes, `--check` fails where the file is not what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from crewmem_doctor.facts.compose.dialect import DIALECT as COMPOSE
from crewmem_doctor.facts.dockerfile.dialect import DIALECT as DOCKERFILE
from crewmem_doctor.facts.kubernetes.dialects import DIALECTS as KUBERNETES
from crewmem_doctor.facts.platforms import platforms
from crewmem_doctor.facts.platforms.disks import DISKS

TARGET = Path(__file__).resolve().parents[1] / "docs" / "deployments.md"
BEFORE = """\
# Deployments

Written by `tools/deployments.py` from the readers themselves. *Decides* lists the events of the survival table that a
file of this kind can answer; what it leaves open is `unknown` there and listed under "not seen".
"""
DISKS_OF_PLATFORMS = """\
## Disks of platforms

What each platform says of the file system under a service, and what outlives it there.
"""
AFTER = """\
A machine of one's own (systemd, supervisord, cron) keeps its disk: only /tmp, /var/tmp, /run and /dev/shm pass, and
what a unit's sandbox closes. Makefiles and Streamlit apps are weak evidence: they count only where nothing else deploys
the code, and as development.

Not read: programs that make deployments (Pulumi, CDK in other languages than Python), since what they deploy is the
outcome of running them; what CDK synthesizes is CloudFormation, which is read where it lies in the tree as YAML or
template.json. Run commands in README files are prose. A service that only they describe is judged by its Dockerfile, if
there is one.
"""


def page() -> str:
    dialects = [COMPOSE, DOCKERFILE, *KUBERNETES, *sorted((p.dialect for p in platforms()), key=lambda d: d.title.lower())]
    rows = [(d.title, d.files, d.read, d.decides, d.unknown) for d in dialects]
    disks = [(name, d.ephemeral, d.durable or "nothing: use a server", f"<{d.page}>") for name, d in DISKS.items()]
    kinds = table(("kind", "files", "what is read", "decides", "stays unknown"), rows)
    lasting = table(("platform", "without a disk", "what lasts", "source"), disks)
    return "\n".join((BEFORE, kinds, DISKS_OF_PLATFORMS, lasting, AFTER))


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def main() -> int:
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.exists() and TARGET.read_text(encoding="utf-8") == page() else 1
    TARGET.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
