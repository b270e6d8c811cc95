"""Runs remedies, as they are printed, with the real CrewAI. See standins.obey."""

import ast
import asyncio
import contextlib
import importlib
import inspect
import json
import logging
import os
import re
import textwrap

import crewai
import standins
from crewai import Agent, Crew, Task

DESCRIPTION = "Tell the codeword of the project"
LEARNT = "The codeword of the project is hazel"
# Where the names of the snippets come from. A name that this release lacks is missing there too, and the snippet fails.
SOURCES = {
    "Memory": "crewai.memory", "LongTermMemory": "crewai.memory", "ShortTermMemory": "crewai.memory", "EntityMemory": "crewai.memory",
    "ExternalMemory": "crewai.memory.external.external_memory", "LTMSQLiteStorage": "crewai.memory.storage.ltm_sqlite_storage",
    "RAGStorage": "crewai.memory.storage.rag_storage", "SQLiteFlowPersistence": "crewai.flow.persistence", "persist": "crewai.flow.persistence",
    "Flow": "crewai.flow.flow", "start": "crewai.flow.flow", "CheckpointConfig": "crewai.state.checkpoint_config",
    "PostgresStorage": "postgres_storage", "RedisStorage": "redis_storage", "PostgresFlowPersistence": "postgres_flow_persistence",
    "PostgresExternalStorage": "postgres_external_storage",
}


def _names(**more):
    names = {"__name__": "app", "os": os, "crewai": crewai, "Agent": Agent, "Task": Task, "Crew": _crew, "logger": logging.getLogger("app"), **more}
    for name, module in SOURCES.items():
        with contextlib.suppress(ImportError, AttributeError):
            names.setdefault(name, getattr(importlib.import_module(module), name))
    return names


def _run(snippet, root, **more):
    """Execute the snippet with its /data in `root`. The value of its last expression, and its names."""
    tree = ast.parse(snippet.replace("/data", root))
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    names = _names(**more)
    exec(compile(tree, "snippet", "exec"), names)
    value = eval(compile(ast.Expression(last.value), "snippet", "eval"), names) if last is not None else None
    return value, names


def _crew(**given):
    """A crew as the snippet builds it. Only what has no network here is put in: an embedder where none is given."""
    if given.get("memory") is True:
        given.setdefault("embedder", standins.legacy_embedder())
    crew = Crew(**given)
    for agent in crew.agents:
        _offline(getattr(agent, "memory", None))
    _offline(crew.memory)
    return crew


def _offline(memory):
    memory = getattr(memory, "_memory", None) or memory
    if hasattr(memory, "_embedder_instance"):
        memory._embedder_instance = memory._embedder_instance or standins.embed
        memory._llm_instance = memory._llm_instance or standins.llm(standins.ANSWER[0])
    return memory


def _team(description=DESCRIPTION):
    agent = Agent(role="helper", goal="help", backstory="helps", llm=standins.llm(standins.ANSWER[0]))
    return {"agents": [agent], "tasks": [Task(description=description, expected_output="an answer", agent=agent)]}


def _request(write):
    standins.ASKED.clear()
    standins.ANSWER[0] = LEARNT if write else "done"
    return _team("Note the codeword" if write else DESCRIPTION)


def memory(snippet, root, write, user_id="1"):
    """A Memory: remember, or recall."""
    value, names = _run(snippet, root, user_id=user_id)
    one = value if value is not None else names["memory"]
    _offline(one)
    if write:
        one.remember(LEARNT, scope="/s", categories=["c"], importance=0.5)
    return [match.record.content for match in one.recall("codeword", scope="/s", depth="shallow")]


def crew(snippet, root, write, user_id="1", **more):
    """A crew that is told something, or asked: whether its model was given what was told. The snippet may kick off itself."""
    team = _request(write)
    shared = dict(team, user_id=user_id, question="?", brand="b", goal="g", backstory="b", role="helper", **more)
    shared["build_crew"] = lambda *_: _crew(memory=True, **team)
    if "Memory()" in snippet:
        from crewai.memory import Memory

        shared["Memory"] = lambda **given: _offline(Memory(**given))
    value, names = _run(snippet, root, **shared)
    if not standins.ASKED:
        found = value if isinstance(value, Crew) else names.get("crew")
        for agent in found.agents:
            agent.llm = standins.llm(standins.ANSWER[0])
        _offline(found.memory)
        found.kickoff()
    said = "\n".join(standins.ASKED)
    standins.ANSWER[0] = "done"
    return "hazel" in said


def completed(snippet, root):
    """Whether a kickoff saves into the memory that the snippet hands to the crew."""
    saved = []

    class Recording:
        def save(self, *args, **kwargs):
            saved.append(args)

        def search(self, *args, **kwargs):
            return []

        load = search

    kind = re.search(r"memory=True, (\w+)=", snippet)[1]
    word = "".join(part.capitalize() for part in kind.split("_"))
    person = {"name": "Ada", "type": "person", "description": "a person", "relationships": []}
    standins.ANSWER[0] = json.dumps({"suggestions": ["say more"], "quality": 9, "entities": [person]})
    given = getattr(importlib.import_module(SOURCES[word]), word)(storage=Recording())
    team = _team()
    team["agents"][0].llm.supports_function_calling = lambda: False  # what was learnt is asked for in JSON
    value, _ = _run(snippet, root, **team, **{kind: given})
    value.kickoff()
    standins.ANSWER[0] = "done"
    return bool(saved)


def plain(write):
    """Crew(memory=True) and nothing else: the environment says where."""
    return crew("Crew(agents=agents, tasks=tasks, memory=True)", "", write)


def long_term(snippet, root, write):
    from crewai.memory.long_term.long_term_memory_item import LongTermMemoryItem

    value, _ = _run(snippet, root)
    if write:
        value.save(LongTermMemoryItem("r", "the task", "e", "1", quality=9, metadata={"quality": 9}))
    return len(value.search("the task") or [])


def flow(snippet, root, id):
    """A flow below the snippet as its decorator: how often it has run."""
    code = snippet + textwrap.dedent("""
        class Counter(Flow):
            @start()
            def count(self):
                self.state["runs"] = self.state.get("runs", 0) + 1
                return self.state["runs"]
        """)
    _, names = _run(code, root)
    return names["Counter"]().kickoff(inputs={"id": id})


def resumed(snippet, root, conversation_id):
    from crewai.flow.flow import Flow, start
    from crewai.flow.persistence import persist

    @persist()
    class Counter(Flow):
        @start()
        def count(self):
            self.state["runs"] = self.state.get("runs", 0) + 1
            return self.state["runs"]

    return _run(snippet, root, flow=Counter(), conversation_id=conversation_id)[0]


def entities(snippet, root):
    """Whether the memory of entities finds a record of the short-term one beside it."""
    embedder = standins.legacy_embedder()
    value, names = _run(snippet, root, embedder=embedder)
    short = names["ShortTermMemory"](storage=names["RAGStorage"](type="short_term", embedder_config=embedder))
    short.save(LEARNT, {})
    return [bool(m.search("codeword", score_threshold=0.0)) for m in (short, value)]


def description(snippet, root):
    """The description of the task is the same for every question, so that a lesson is found again."""
    team = _team("What is asked: ?")
    value, _ = _run(snippet, root, question=team["tasks"][0], agent=team["agents"][0])
    from crewai.memory import LongTermMemory
    from crewai.memory.long_term.long_term_memory_item import LongTermMemoryItem

    LongTermMemory().save(LongTermMemoryItem("r", value.description, "e", "1", quality=9, metadata={"quality": 9}))
    return bool(LongTermMemory().search(_run(snippet, root, question=team["tasks"][0], agent=team["agents"][0])[0].description))


def roles(snippet, root):
    return [_run(snippet, root, goal="g", backstory="b", brand=brand)[0].role for brand in ("a", "b")]


def keywords(snippet, root, write, user_id):
    """Arguments on their own: of remember and recall, or of Memory."""
    from crewai.memory import Memory

    given, _ = _run(f"dict({snippet})", root, user_id=user_id)
    if "root_scope" in given:
        one, scope = _offline(Memory(**given)), {"scope": "/"}
    else:
        one, scope = _offline(Memory()), given
    if write:
        one.remember(f"{LEARNT} {user_id}", categories=["c"], importance=0.5, **scope)
    return [match.record.content for match in one.recall("codeword", depth="shallow", **({} if "root_scope" in given else scope))]


def embedder(snippet, root):
    """Whether a crew takes the embedder. What its provider's own client lacks here, a package or a network, is no refusal."""
    try:
        if snippet.startswith("embedder="):
            given, _ = _run(f"dict({snippet})", root)
            Crew(memory=True, **_team(), **given)
        else:
            _run(snippet, root, **_team())
    except Exception as error:
        own = isinstance(error, ImportError) or "not installed" in str(error) or "validation" not in str(error).lower()
        return "taken" if own else str(error)
    return "taken"


def drained(snippet, root):
    from crewai.memory import Memory

    one = _offline(Memory(storage=f"{root}/memory"))
    standins.ANSWER[0] = LEARNT
    Agent(role="helper", goal="help", backstory="helps", llm=standins.llm(LEARNT), memory=one).kickoff("Note the codeword")
    _run(snippet, root, memory=one)
    standins.ANSWER[0] = "done"
    return len(one._pending_saves)


def stored(root):
    from crewai.memory import Memory

    return len(_offline(Memory(storage=f"{root}/memory")).list_records())


def kickoff(snippet, root, write):
    """What the tasks need reaches the model through the inputs."""
    team = _request(write)
    team["tasks"][0].description = "Answer {question}"
    _run(snippet, root, crew=Crew(**team), question="where is the hazel?")
    return "hazel" in "\n".join(standins.ASKED)


def raising(snippet, root):
    """What the handler of an exception, or the reading of a variable, does with trouble."""
    code = f"try:\n    raise OSError('the store is gone')\n{snippet}" if snippet.startswith("except") else snippet
    url = os.environ.pop("DATABASE_URL")
    try:
        _run(code, root)
    finally:
        os.environ["DATABASE_URL"] = url


def lifespan(snippet, root):
    def check_memory():
        raise OSError("the store is gone")

    class FastAPI:
        def __init__(self, lifespan):
            self.lifespan = lifespan

    _, names = _run(snippet, root, check_memory=check_memory, FastAPI=FastAPI, asynccontextmanager=contextlib.asynccontextmanager)

    async def begin():
        async with names["app"].lifespan(names["app"]):
            return "started"

    return asyncio.run(begin())


def builds(snippet, root):
    made = []

    class Built:
        def kickoff(self):
            return len(made)

    _, names = _run(snippet, root, build_crew=lambda topic: made.append(topic) or Built())
    return [names["chat"]("a"), names["chat"]("b")]


def messages(snippet, root, answer):
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        database.execute("CREATE TABLE IF NOT EXISTS messages (id bigserial, session_id text, content text)")
        return [row[0] for row in _run(snippet, root, database=database, session_id="s", answer=answer)[1]["earlier"]]


def flow_scope(snippet, root, user_id):
    """`self.remember` in a flow: what another user's scope shows of it."""
    from crewai.flow.flow import Flow, start

    class Notes(Flow):
        @start()
        def note(self):
            _offline(self.memory)
            _run(snippet, root, self=self, text=f"{LEARNT} {user_id}", user_id=user_id)
            self.memory.drain_writes()
            return [m.record.content for m in self.recall("codeword", scope=f"/user/{user_id}/chat", depth="shallow")]

    return Notes().kickoff()


def agent(snippet, root, write, user_id):
    """An agent with a memory of its own, in a crew without one."""
    team = _request(write)
    value, _ = _run(snippet, root, role="helper", goal="g", backstory="b", user_id=user_id)
    value.llm = standins.llm(standins.ANSWER[0])
    _offline(value.memory)
    team["tasks"][0].agent = value
    Crew(agents=[value], tasks=team["tasks"]).kickoff()
    value.memory.drain_writes()
    said = "\n".join(standins.ASKED)
    standins.ANSWER[0] = "done"
    return "hazel" in said


standins.obey({name: value for name, value in globals().items() if inspect.isfunction(value) and not name.startswith("_")})
