"""What the tree's own .env files set."""

from __future__ import annotations

from crewmem_doctor.model.deployment import Setting
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.dotenv import parse


def read_dotenv(tree: Tree) -> tuple[Setting, ...]:
    """The assignments of every file called `.env` (examples and templates set nothing), those nearest to the root
    first. A value that refers to other variables is Unknown."""
    found = []
    for path in sorted(tree.match(".env"), key=lambda p: (p.count("/"), p)):
        for variable in parse(tree.text(path) or "", path):
            if variable.value is None:
                continue
            value: Answer[str] = Known(variable.value, variable.at)
            if variable.expands and "$" in variable.value:
                value = Unknown(f"{variable.name} refers to other variables", variable.at)
            found.append(Setting(variable.name, value, variable.at))
    return tuple(found)
