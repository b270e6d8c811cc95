"""Every remedy that a rule prints: the rules' own examples, scanned as they are and for three releases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from crewmem_doctor import examine
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.release import Version
from crewmem_doctor.rules import catalogue
from crewmem_doctor.rules.base import HERE, Example
from crewmem_doctor.settings import Settings

RELEASES = ("1.15.30", "1.9.3", "0.203.2")


@dataclass
class Printed:
    """One snippet of one rule, for which releases, and the trees that it is printed for."""

    rule: str
    snippet: str
    title: str
    releases: set[str] = field(default_factory=set)
    trees: list[tuple[Path, Finding]] = field(default_factory=list)


def lay_out(example: Example, root: Path) -> Path:
    for name, text in example.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.replace(HERE, "").rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")
    return root


def everything(root: Path) -> list[Printed]:
    found: dict[tuple[str, str], Printed] = {}
    for rule in catalogue():
        for number, example in enumerate(rule.bad):
            tree = lay_out(example, root / f"{rule.id}-{number}")
            for release in (None, *RELEASES):
                settings = Settings(crewai_version=Version.parse(release)) if release else Settings()
                for finding in examine(tree, settings).findings:
                    if finding.fix is None:
                        continue
                    key = (finding.rule, finding.fix.snippet)
                    one = found.setdefault(key, Printed(*key, finding.fix.title))
                    if release:
                        one.releases.add(release)
                    else:
                        one.trees.append((tree, finding))
    return list(found.values())
