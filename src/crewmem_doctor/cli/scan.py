"""`crewmem-doctor scan`."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crewmem_doctor.cli.deliver import deliver
from crewmem_doctor.cli.options import WITH_EDITS, targets
from crewmem_doctor.cli.progress import waiting
from crewmem_doctor.errors import UsageError
from crewmem_doctor.settings import load_settings

if TYPE_CHECKING:
    from crewmem_doctor.model.observation import Observation
    from crewmem_doctor.model.project import Project


def scan(paths: Sequence[str], flags: Mapping[str, Any]) -> int:
    """Audits, writes every format, and returns the exit status. Usage errors come before the audit."""
    root, only = audited(paths)
    settings = load_settings(root if root.is_dir() else root.parent, flags, os.environ)
    settings = replace(settings, exclude=(*only, *settings.exclude))
    wanted = targets(settings)

    # Nearly all that an audit makes stays until its end, which is this process's end too: collecting finds nothing.
    gc.disable()
    # The audit's own rooms, which usage errors need not wait for.
    from crewmem_doctor import examine, policy

    policy.check(settings)
    if settings.probes:
        from crewmem_doctor.cli import probing

        probing.check(settings)
    with ExitStack() as bar:
        bar.enter_context(waiting("Auditing", quiet=settings.quiet))

        def observe(project: Project) -> tuple[Observation, ...]:
            bar.close()
            return probing.observe(root, settings, project)

        report = examine(root, settings, observe) if settings.probes else examine(root, settings)
        if report.offers_edits and any(target.format in WITH_EDITS for target in wanted):
            from crewmem_doctor.repair import with_edits

            report = with_edits(report, root, settings)
    deliver(report, wanted, settings)
    gc.freeze()  # the interpreter collects once more when it ends
    return report.exit_code


def audited(paths: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """What to audit. For several paths that is the folder that holds them, with patterns that leave out the rest."""
    found = [Path(path) for path in paths or ["."]]
    for path in found:
        if not path.exists():
            raise UsageError(f"{path} does not exist")
    if len(found) == 1:
        return found[0], ()
    resolved = [path.resolve() for path in found]
    common = Path(os.path.commonpath([path if path.is_dir() else path.parent for path in resolved]))
    return common, _only(sorted({path.relative_to(common).parts for path in resolved}))


def _only(wanted: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """.gitignore patterns that leave out everything but some paths: all of a folder, then again not what is wanted."""
    patterns: dict[str, None] = {}
    for parts in wanted:
        if any(parts[:end] in wanted for end in range(len(parts))):
            continue        # inside another one
        for depth in range(len(parts)):
            above, name = ("/".join(_quoted(part) for part in parts[:end]) for end in (depth, depth + 1))
            patterns.setdefault(f"/{above}/*" if above else "/*")
            patterns.setdefault(f"!/{name}")
    return tuple(patterns)


def _quoted(name: str) -> str:
    return re.sub(r"([\\*?\[\]!# ])", r"\\\1", name)
