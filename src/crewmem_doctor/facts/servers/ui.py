"""Servers of chat and data applications: streamlit, gradio, chainlit and their like. One process each."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.sources.shell import Word

NAMES = ("streamlit", "chainlit", "gradio", "panel", "mesop", "reflex", "solara")
_WITH_COMMAND = {
    "streamlit": ("run",),
    "chainlit": ("run",),
    "panel": ("serve",),
    "reflex": ("run",),
    "solara": ("run",),
}


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """The script they serve. Other subcommands (`streamlit config show`) are no server."""
    name = words[0].text.rpartition("/")[2]
    options = read_options(
        words[1:], {"-h": "host", "-p": "port"} if name == "chainlit" else {}, "-w --watch --headless"
    )
    rest = options.positional
    wanted = _WITH_COMMAND.get(name)
    if wanted is not None:
        if not rest or rest[0].text not in wanted:
            return ()
        rest = rest[1:]
    reload = name == "gradio" or bool({"-w", "--watch"} & options.flags)
    target = next((w for w in rest if w.text.endswith(".py")), rest[0] if rest else None)
    return (scene.process(words, name, scene.shown(target) if target is not None else "", reload=reload),)
