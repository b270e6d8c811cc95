"""Commands that a package of the tree installs: `[project.scripts]`, and CrewAI's own `crewai run`."""

from __future__ import annotations

from collections.abc import Mapping

from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.sources.shell import Word
from crewmem_doctor.sources.toml import Document, load

NAMES = ("crewai",)
# What each `crewai` subcommand runs of the project's scripts, in the order it tries them.
_RUNS = {
    ("run",): ("run_crew", "kickoff", "run"),
    ("flow", "kickoff"): ("kickoff",),
    ("train",): ("train",),
    ("chat",): ("run_crew",),
    ("replay",): ("replay",),
    ("test",): ("test",),
    ("flow", "run"): ("kickoff",),
}


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """`crewai run` and its kin, with the function of the project that they call as the target."""
    given = tuple(w.text for w in words[1:] if not w.text.startswith("-"))
    wanted = _RUNS.get(given[:1]) or _RUNS.get(given[:2])
    if wanted is None:
        return ()
    scripts = project_scripts(scene)
    target = next((scripts[name] for name in wanted if name in scripts), "")
    return (scene.process(words, "crewai", target),)


def read_script(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """A console script of the tree's own package; nothing where there is none of that name."""
    target = project_scripts(scene).get(words[0].text.rpartition("/")[2])
    return (scene.process(words, "python", target),) if target else ()


def project_scripts(scene: Scene) -> dict[str, str]:
    """The console scripts of the pyproject.toml that lies in the working directory, or in the build's folder."""
    found = scene.read("pyproject.toml") or scene.read("/app/pyproject.toml")
    text = found[1].text if found is not None else None
    if text is None and scene.tree is not None:
        path = f"{scene.directory}/pyproject.toml" if scene.directory else "pyproject.toml"
        text = scene.tree.text(path) if scene.tree.exists(path) else None
    document = load(text, "pyproject.toml") if text is not None and "scripts" in text else None
    out: dict[str, str] = {}
    if isinstance(document, Document):
        for keys in (("tool", "poetry", "scripts"), ("project", "scripts")):
            table = document.get(*keys)
            if isinstance(table, Mapping):
                out.update({str(name): value for name, value in table.items() if isinstance(value, str)})
    return out
