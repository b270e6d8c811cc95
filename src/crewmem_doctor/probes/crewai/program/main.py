"""The program itself: a job in, one framed answer for each step out."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from . import crew, disk, online, place, steps
from .channel import Channel, end_with, hold, reason
from .steps import State

Step = Callable[[State, Mapping[str, Any]], dict[str, Any]]
STEPS: Mapping[str, Step] = {
    "look": lambda state, step: place.look({"namespace": state.namespace, "path": state.given, **step}),
    "touch": lambda state, step: disk.touch(step),
    "see": lambda state, step: disk.see(step),
    "forget": lambda state, step: disk.forget(step), "guard": lambda state, step: disk.guard(step),
    "import": steps.load, "open": steps.open_store, "write": steps.write, "read": steps.read, "count": steps.count,
    "save-later": steps.save_later, "fork": steps.fork, "elsewhere": steps.elsewhere, "dimension": steps.dimension,
    "wait": steps.wait, "embed": online.embed, "ask": online.ask,
    "crew": crew.adopt, "crew-forget": crew.forget,
}


def main(job: Mapping[str, Any]) -> None:
    """Carries out `steps` in turn, up to the first that fails."""
    steps.clean_path()
    channel = Channel(job["nonce"])
    if job.get("lock"):
        hold(job["lock"])
    if job.get("life") is not None:
        end_with(job["life"])
    if job.get("alarm"):
        signal.alarm(job["alarm"])      # nobody kills what runs on another machine
    if job.get("uid"):
        os.setgroups([])
        os.setgid(job["uid"])
        os.setuid(job["uid"])
    state = State(job)
    for step in job["steps"]:
        try:
            answer = STEPS[step["do"]](state, step)
        except BaseException as error:
            answer = reason(error)
        channel.say({"do": step["do"], **answer})
        if "error" in answer:
            break
    if job.get("end") != "return":
        os._exit(0)     # threads of CrewAI's own may abort a normal end
