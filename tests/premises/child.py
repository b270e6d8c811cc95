"""Runs inside an interpreter that has CrewAI, never inside the tests' own process. Its last line is JSON.

    child.py write|read (TOKEN ROLE SCOPE)…   records through memory's own API, with an embedder without network
    child.py api                              what the release makes of arguments, embedders and imports
    child.py silent                           a kickoff with memory and without any key
    child.py flow [ID]                        a flow with kept state, started twice: how often it has run then
    child.py agent                            the memory that Agent(memory=True) opens, beside the crew's own
    child.py collide                          what a memory of entities of type "short_term" finds of the short-term one
    child.py vectors WITH WITHOUT             one record into storages of vectors at these paths, with an embedder and without
    child.py lesson SAVED ASKED…              long-term memory, saved under one task description and asked with others
"""

import hashlib
import importlib
import json
import os
import sys

# What the tests set for the application must not be undone by CrewAI's own questions and telemetry.
os.environ.update(CREWAI_DISABLE_TELEMETRY="true", OTEL_SDK_DISABLED="true", CREWAI_TRACING_ENABLED="false")

import crewai
from crewai import Agent, Crew, Task
from crewai.llms.base_llm import BaseLLM

EMBEDDERS = ("openai", "anthropic", "openrouter", "google")
UNIFIED = hasattr(crewai, "Memory")


class NoLLM(BaseLLM):
    def call(self, *args, **kwargs):
        return "done"


def vectors(texts):
    return [[b / 255 for b in hashlib.sha256(t.encode()).digest()] for t in texts]


def hashed():
    """The class of an embedder that the releases before the unified memory take."""
    import numpy
    from chromadb.api.types import EmbeddingFunction
    from crewai.rag.embeddings.providers.custom.embedding_callable import CustomEmbeddingFunction

    class Hashed(CustomEmbeddingFunction, EmbeddingFunction):
        def __init__(self, *args, **kwargs):
            pass

        def __call__(self, input):
            return [numpy.array(v, dtype=numpy.float32) for v in vectors(input)]

    return Hashed


def record(role, scope):
    """The memory that one agent of that role has, with the ways to save into it and to search it."""
    if UNIFIED:
        memory = crewai.Memory(llm=NoLLM(model="none"), embedder=vectors)
        save = lambda text: memory.remember(text, scope=scope, categories=["test"], importance=0.1)  # noqa: E731
        search = lambda text: [m.record.content for m in memory.recall(text, scope=scope, depth="shallow")]  # noqa: E731
        return save, search
    from crewai.memory import ShortTermMemory

    crew = crew_of(role)
    embedder = {"provider": "custom", "config": {"embedding_callable": hashed()}}
    memory = ShortTermMemory(crew=crew, embedder_config=embedder)
    search = lambda text: [m["content"] for m in memory.search(text, score_threshold=0.0)]  # noqa: E731
    return (lambda text: memory.save(text, {})), search


def crew_of(role, **arguments):
    agent = Agent(role=role, goal="g", backstory="b", llm=NoLLM(model="none"))
    return Crew(agents=[agent], tasks=[Task(description="d", expected_output="e", agent=agent)], **arguments)


def outcome(action):
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "accepted"


def known(action):
    """Any other error comes from the provider's own client, which cannot connect here: its name is known."""
    try:
        action()
    except Exception as error:
        return "literal_error" not in str(error)
    return True


def api():
    names = ("crewai.Memory", "crewai.memory.Memory", "crewai.memory.LongTermMemory", "crewai.memory.ShortTermMemory",
             "crewai.memory.ExternalMemory", "crewai.memory.UserMemory", "crewai.memory.storage.RedisStorage",
             "crewai.memory.storage.rag_storage.RAGStorage", "crewai.memory.storage.lancedb_storage.LanceDBStorage")

    def load(name):
        module, _, attribute = name.rpartition(".")
        return lambda: getattr(importlib.import_module(module), attribute)

    def embed(provider):
        return lambda: crew_of("r", memory=True, embedder={"provider": provider, "config": {"api_key": "x"}})

    return {
        "memory=dict": outcome(lambda: crew_of("r", memory={"session_id": "x"})),
        "memory=text": outcome(lambda: crew_of("r", memory="redis")),
        "external_memory": hasattr(crew_of("r"), "external_memory"),
        "imports": {name: outcome(load(name)) == "accepted" for name in names},
        "embedders": {p: known(embed(p)) for p in EMBEDDERS},
    }


def silent():
    crew = crew_of("r", memory=True)
    done = str(crew.kickoff())
    if UNIFIED:
        memory = crewai.Memory(llm=NoLLM(model="none"), embedder=vectors)
        return {"done": done, "records": len(memory.list_records())}
    return {"done": done, "records": len(crew._short_term_memory.search("done"))}


def flow(words):
    from crewai.flow.flow import Flow, start
    from crewai.flow.persistence import persist

    @persist()
    class Counter(Flow):
        @start()
        def count(self):
            self.state["runs"] = self.state.get("runs", 0) + 1
            return self.state["runs"]

    return {"runs": [Counter().kickoff(inputs={"id": words[0]} if words else None) for _ in range(2)]}


def agent():
    """The views that a crew and an agent with a flag of its own have of the store."""
    member = Agent(role="r", goal="g", backstory="b", llm=NoLLM(model="none"), memory=True)
    task = Task(description="d", expected_output="e", agent=member)
    crew = Crew(agents=[member], tasks=[task], memory=True)
    own = getattr(crew.agents[0], "memory", None)
    if own is None or isinstance(own, bool):
        return {"version": crewai.__version__, "own": False}
    roots = [getattr(m, "root_scope", None) for m in (own, crew._memory)]
    return {"version": crewai.__version__, "own": own is not crew._memory, "scopes": roots}


def collide():
    from crewai.memory import EntityMemory, ShortTermMemory
    from crewai.memory.storage.rag_storage import RAGStorage

    embedder = {"provider": "custom", "config": {"embedding_callable": hashed()}}
    kinds = {}
    for kind, name in ((ShortTermMemory, "short_term"), (EntityMemory, "short_term"), (EntityMemory, "entities")):
        storage = RAGStorage(type=name, embedder_config=embedder, path=os.path.abspath("both"))
        kinds[kind.__name__, name] = kind(storage=storage)
    kinds["ShortTermMemory", "short_term"].save("codeword maple", {})
    ask = lambda memory: ["maple" in m["content"] for m in memory.search("codeword maple", score_threshold=0.0)]  # noqa: E731
    return {name: any(ask(memory)) for (kind, name), memory in kinds.items() if kind == "EntityMemory"}


def vectors_at(own, lent):
    """The second storage has no embedder; the memory around it has one."""
    from crewai.memory import ShortTermMemory
    from crewai.memory.storage.rag_storage import RAGStorage

    embedder = {"provider": "custom", "config": {"embedding_callable": hashed()}}
    ShortTermMemory(storage=RAGStorage(type="short_term", path=own, embedder_config=embedder)).save("one", {})
    storage = RAGStorage(type="short_term", path=lent)
    return {"without": outcome(lambda: ShortTermMemory(storage=storage, embedder_config=embedder).save("two", {}))}


def lesson(saved, *asked):
    from crewai.memory import LongTermMemory
    from crewai.memory.long_term.long_term_memory_item import LongTermMemoryItem

    memory = LongTermMemory()
    item = LongTermMemoryItem("r", saved, "e", "1", quality=9, metadata={"quality": 9})
    memory.save(item)
    return {"found": [bool(memory.search(text)) for text in asked]}


def main(words):
    if words[0] == "flow":
        return flow(words[1:])
    if words[0] == "agent":
        return agent()
    if words[0] == "collide":
        return collide()
    if words[0] == "vectors":
        return vectors_at(*words[1:])
    if words[0] == "lesson":
        return lesson(*words[1:])
    if words[0] == "api":
        return {"version": crewai.__version__, **api()}
    if words[0] == "silent":
        return silent()
    found = []
    for token, role, scope in zip(words[1::3], words[2::3], words[3::3], strict=True):
        save, search = record(role, scope)
        found.append(save(token) if words[0] == "write" else token in search(token))
    return {} if words[0] == "write" else {"found": found}


result = main(sys.argv[1:])
sys.stdout.flush()
os.write(1, ("\n" + json.dumps(result) + "\n").encode())
os._exit(0)
