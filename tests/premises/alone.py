"""Runs inside an interpreter that has CrewAI, like `child.py`. Its last line is JSON.

alone.py ARGUMENT[+ARGUMENT …]…     for each set of arguments a crew that is given these memories and nothing else (`memory` is
                                    memory=True): which of them a kickoff saves into, and which it searches
"""

import json
import os
import sys

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", OTEL_SDK_DISABLED="true", CREWAI_TRACING_ENABLED="false")

import crewai
from crewai import Agent, Crew, Task
from crewai.llms.base_llm import BaseLLM
from crewai.memory import EntityMemory, ExternalMemory, LongTermMemory, ShortTermMemory

CLASSES = {
    "short_term_memory": ShortTermMemory,
    "long_term_memory": LongTermMemory,
    "entity_memory": EntityMemory,
    "external_memory": ExternalMemory,
}
ADA = {"name": "Ada", "type": "person", "description": "a person", "relationships": []}
LESSON = {"suggestions": ["say more"], "quality": 9, "entities": [ADA]}


class Judge(BaseLLM):
    """Answers every task, and every question what is to be learnt from it, with one lesson about one person."""

    def call(self, *args, **kwargs):
        return json.dumps(LESSON)

    def supports_function_calling(self):
        return False


class Recording:
    """The storage of any of the four."""

    def __init__(self):
        self.done = set()

    def save(self, *args, **kwargs):
        self.done.add("saved")

    def search(self, *args, **kwargs):
        self.done.add("searched")
        return []

    load = search

    def reset(self):
        pass


def kickoff(names):
    storages = {name: Recording() for name in names if name != "memory"}
    given = {name: CLASSES[name](storage=storage) for name, storage in storages.items()}
    one = Agent(role="r", goal="g", backstory="b", llm=Judge(model="none"))
    task = Task(description="d", expected_output="e", agent=one)
    Crew(agents=[one], tasks=[task], **given, **({"memory": True} if "memory" in names else {})).kickoff()
    return {name: sorted(storage.done) for name, storage in storages.items()}


result = {words: kickoff(words.split("+")) for words in sys.argv[1:]}
sys.stdout.flush()
os.write(1, ("\n" + json.dumps({"version": crewai.__version__, "sets": result}) + "\n").encode())
os._exit(0)
