"""An agent without an LLM: it repeats the codeword that its memory holds, and keeps everything that it is told or asked."""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from functools import cache
from typing import Any

from memories import KINDS


class Agent:
    """Its habit: "" files under the user, "forgets" under something new each time, "shares" under one key for all, "late"
    saves some time after the reply (APP_LATE, in seconds), "silent" says the same whatever it hears."""

    def __init__(self, memory: Any, habit: str = "") -> None:
        self.memory = memory
        self.habit = habit

    def answer(self, user: str, message: str) -> str:
        key = {"forgets": uuid.uuid4().hex, "shares": "everybody"}.get(self.habit, user)
        time.sleep(float(os.environ.get("APP_THINKS", "0")))        # as long as an LLM would
        if self.habit == "silent":
            return "Welcome."
        if re.search("remember", message, re.IGNORECASE):
            self._save(key, message)
            return "I will keep that in mind."
        known = re.findall(r"my codeword is ([\w-]+)", "\n".join(self.memory.recall(key)))
        self._save(key, message)
        return f"**{known[-1].upper().replace('-', ' ')}**" if known else "I don't know of any codeword."

    def _save(self, key: str, message: str) -> None:
        if self.habit == "late":
            threading.Timer(float(os.environ["APP_LATE"]), self.memory.remember, (key, message)).start()
        else:
            self.memory.remember(key, message)


@cache
def agent(kind: str) -> Agent:
    """The process's agent for a memory and a habit: "redis", "module-forgets"."""
    memory, _, habit = kind.partition("-")
    return Agent(KINDS[memory](), habit)
