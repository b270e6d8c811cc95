"""Runs inside an interpreter that has CrewAI, like `child.py`. Its last line is JSON.

failing.py unwritable        a crew with memory whose directory cannot be written
failing.py late DIR          CREWAI_STORAGE_DIR set after the import, one record saved
failing.py remember many|one|drained, failing.py count DIR…     background saves and a normal exit
failing.py agent, failing.py crew    the same for kickoffs
failing.py mixed             a second embedder with vectors of another length
failing.py reset             reset_memories of a crew that has saved
"""

import json
import os
import sys
import time

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", OTEL_SDK_DISABLED="true", CREWAI_TRACING_ENABLED="false")

import crewai
from crewai import Agent, Crew, Task
from crewai.llms.base_llm import BaseLLM

UNIFIED = hasattr(crewai, "Memory")


class NoLLM(BaseLLM):
    def call(self, *args, **kwargs):
        return "done"


def vectors(texts, length=32):
    time.sleep(0.3)  # a real embedder takes its time
    return [[(len(t) % 7 + i) / 40 for i in range(length)] for t in texts]


def memory(embedder=vectors, **arguments):
    return crewai.Memory(llm=NoLLM(model="none"), embedder=embedder, **arguments)


def agent(**arguments):
    return Agent(role="r", goal="g", backstory="b", llm=NoLLM(model="none"), **arguments)


def crew(**arguments):
    one = agent()
    return Crew(agents=[one], tasks=[Task(description="d", expected_output="e", agent=one)], **arguments)


def outcome(action):
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "accepted"


def save(store, text):
    store.remember(text, scope="/s", categories=["test"], importance=0.1)


def many(store):
    store.remember_many(["one red fox", "two green frogs and more"], scope="/s", categories=["test"], importance=0.1)


def mixed():
    save(memory(), "one")
    return outcome(lambda: save(memory(lambda texts: vectors(texts, 16)), "two"))


def reset():
    store = memory()
    save(store, "one")
    before = len(store.list_records())
    crew(memory=store).reset_memories(command_type="all")
    return [before, len(memory().list_records())]


def late(directory):
    os.environ["CREWAI_STORAGE_DIR"] = directory
    if UNIFIED:
        save(memory(), "one")
    else:
        from chromadb.api.types import EmbeddingFunction
        from crewai.memory import ShortTermMemory
        from crewai.rag.embeddings.providers.custom.embedding_callable import CustomEmbeddingFunction

        class Fixed(CustomEmbeddingFunction, EmbeddingFunction):
            def __init__(self, *args, **kwargs):
                pass

            def __call__(self, input):
                import numpy

                return [numpy.array(v, dtype=numpy.float32) for v in vectors(input)]

        embedder = {"provider": "custom", "config": {"embedding_callable": Fixed}}
        ShortTermMemory(crew=crew(), embedder_config=embedder).save("one", {})


def main(words):
    said = {"version": crewai.__version__, "unified": UNIFIED}
    if words[0] == "unwritable":
        os.environ["CREWAI_STORAGE_DIR"] = os.path.join(os.path.abspath(__file__), "store")  # below a file
        return {**said, "building": outcome(lambda: crew(memory=True))}
    if words[0] == "late":
        return {**said, "done": late(words[1])}
    if not UNIFIED:
        return said
    if words[0] == "remember":
        store = memory()
        many(store) if words[1] != "one" else save(store, "one red fox")
        store.drain_writes() if words[1] == "drained" else None
    elif words[0] == "count":
        return {**said, "records": [len(memory(storage=place).list_records()) for place in words[1:]]}
    elif words[0] == "agent":
        agent(memory=memory()).kickoff("What do you know of the red fox, please?")
    elif words[0] == "crew":
        crew(memory=memory()).kickoff()
    elif words[0] == "mixed":
        return {**said, "second": mixed()}
    elif words[0] == "reset":
        return {**said, "records": reset()}
    return said


result = main(sys.argv[1:])
sys.stdout.flush()
os.write(1, ("\n" + json.dumps(result) + "\n").encode())
if sys.argv[1] not in ("remember", "agent", "crew"):
    os._exit(0)
