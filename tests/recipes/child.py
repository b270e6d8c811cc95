"""One replica of an application that copied the recipes. Runs in an interpreter with CrewAI; see standins.obey."""

import asyncio
import inspect
import multiprocessing
import os
import threading
from datetime import datetime, timedelta

import crewai
import standins
from crewai import Agent, Crew, Task

HERE = {}


def _storage(url, **options):
    if url.startswith("redis"):
        from redis_storage import RedisStorage

        return RedisStorage(url, **options)
    from postgres_storage import PostgresStorage

    return PostgresStorage(url, **options)


def open_memory(url, **options):
    from crewai.memory import Memory

    HERE["storage"] = _storage(url, **options)
    HERE["memory"] = Memory(storage=HERE["storage"], llm=standins.llm(), embedder=standins.embed)
    return crewai.__version__


def open_local():
    """The store that CrewAI makes itself, where CREWAI_STORAGE_DIR says."""
    from crewai.memory import Memory

    HERE["memory"] = Memory(llm=standins.llm(), embedder=standins.embed)


def use_factory(url, **options):
    """The wiring for every memory of the process, also those that CrewAI builds itself."""
    from crewai.memory import Memory
    from crewai.memory.storage.factory import set_memory_storage_factory

    HERE["storage"] = _storage(url, **options)
    set_memory_storage_factory(lambda spec: HERE["storage"] if spec == "lancedb" else None)
    HERE["memory"] = Memory(llm=standins.llm(), embedder=standins.embed)
    return type(HERE["memory"]._storage).__name__


def check():
    HERE["storage"].check()


def remember(text, scope):
    HERE["memory"].remember(text, scope=scope, categories=["test"], importance=0.5)


def recall(text, scope):
    return [match.record.content for match in HERE["memory"].recall(text, scope=scope, depth="shallow", limit=20)]


def protocol():
    """What differs between the protocol of this release and the recipe, by name and parameters."""
    from crewai.memory.storage.backend import StorageBackend

    storage, differing = HERE["storage"], []
    if not isinstance(storage, StorageBackend):
        differing.append("isinstance")
    for name, wanted in inspect.getmembers(StorageBackend, inspect.isfunction):
        if name.startswith("_"):
            continue
        have = getattr(storage, name)
        spec = [(p.name, p.default) for p in inspect.signature(wanted).parameters.values() if p.name != "self"]
        own = [(p.name, p.default) for p in inspect.signature(have).parameters.values()]
        if spec != own or inspect.iscoroutinefunction(wanted) != inspect.iscoroutinefunction(have):
            differing.append(f"{name}: {own} instead of {spec}")
    return differing


def record(content, **fields):
    from crewai.memory.types import MemoryRecord

    return MemoryRecord(content=content, embedding=standins.embed([content])[0], **fields)


def save(*contents, **fields):
    records = [record(content, **fields) for content in contents]
    HERE["storage"].save(records)
    return [one.id for one in records]


def save_in(content, scope):
    save(content, scope=scope)


def count_of(scope):
    return HERE["storage"].count(scope)


def behaviour():
    """The whole protocol on one small set of records, as plain values."""
    s = HERE["storage"]
    s.reset()
    old = datetime.utcnow() - timedelta(days=30)
    one = record("the cat likes milk", scope="/user/1", categories=["pets"], metadata={"a": 1, "b": [1, 2]}, source="x", private=True)
    ten = record("the dog likes bones", scope="/user/10/chat/", categories=["pets", "food"], importance=0.9)
    deep = record("the cat sleeps", scope="user/1/chat", created_at=old)
    root = record("a note for all", scope="/")
    bare = record("without a vector", scope="/bare", created_at=old)
    bare.embedding = None
    s.save([one, ten, deep, root, bare])
    cat = standins.embed(["cat milk"])[0]
    said = {
        "count": [s.count(), s.count("/"), s.count("/user"), s.count("/user/1"), s.count("/user/1/"), s.count("/use"), s.count("/none")],
        "search": [r.content for r, _ in s.search(cat)],
        "scores": all(a >= b for (_, a), (_, b) in zip(s.search(cat), s.search(cat)[1:], strict=False)),
        "search 1": sorted(r.content for r, _ in s.search(cat, "/user/1")),
        "search category": [r.content for r, _ in s.search(cat, categories=["food"])],
        "search metadata": [r.content for r, _ in s.search(cat, metadata_filter={"a": 1, "b": [1, 2], "absent": None})],
        "search limit": len(s.search(cat, limit=2)),
        "search exact": s.search(one.embedding, min_score=0.99)[0][1],
        "list": [r.content for r in s.list_records("/user/1")],
        "page": [r.content for r in s.list_records("/user/1", limit=1, offset=1)],
        "scopes": [s.list_scopes(), s.list_scopes("/user"), s.list_scopes("/user/1"), s.list_scopes("/user/10/")],
        "categories": [s.list_categories(), s.list_categories("/user/10")],
    }
    back = s.get_record(one.id)
    said["same"] = back.model_dump() == one.model_dump() and len(back.embedding) == len(one.embedding)
    said["close"] = max(abs(a - b) for a, b in zip(back.embedding, one.embedding, strict=True)) < 1e-6
    said["absent"] = s.get_record("absent")
    info = s.get_scope_info("/user/1")
    said["info"] = [info.path, info.record_count, info.categories, info.child_scopes, info.oldest_record == deep.created_at,
                    info.newest_record == one.created_at]
    said["empty info"] = [s.get_scope_info("/none").record_count, s.get_scope_info("/none").oldest_record]
    moved = back.model_copy(update={"scope": "/user/2", "content": "moved", "embedding": None})
    s.update(moved)
    said["moved"] = [s.count("/user/1"), s.count("/user/2"), s.get_record(one.id).content, bool(s.get_record(one.id).embedding)]
    before = s.get_record(ten.id).last_accessed
    s.touch_records([ten.id, "absent"])
    said["touched"] = s.get_record(ten.id).last_accessed > before
    said["ghost"] = s.get_record("absent")
    said["deletes"] = [
        s.delete(record_ids=[]), s.delete(scope_prefix="/user/1", record_ids=[ten.id]), s.delete(categories=["food"], scope_prefix="/user/2"),
        s.delete(older_than=old + timedelta(days=1), scope_prefix="/user"), s.delete(record_ids=[ten.id, "absent"]),
        s.delete(metadata_filter={"a": 2}), s.delete(metadata_filter={"a": 1}), s.count(),
    ]
    s.reset("/bare")
    said["reset"] = [s.count("/bare"), s.count()]

    async def three():
        await s.asave([ten])
        found = [r.id for r, _ in await s.asearch(cat, "/user/10")]
        return [found == [ten.id], await s.adelete(record_ids=[ten.id])]

    said["async"] = asyncio.run(three())
    s.reset()
    return said


def sized(size):
    """Save and search with vectors of another size."""
    from crewai.memory.types import MemoryRecord

    said = []
    for action in (lambda: HERE["storage"].save([MemoryRecord(content="x", embedding=[0.5] * size)]),
                   lambda: HERE["storage"].search([0.5] * size)):
        try:
            action()
            said.append("accepted")
        except Exception as error:
            said.append("silent" if isinstance(error, RuntimeError) else type(error).__name__)
    return said


def many(prefix, number, threads, scope):
    """Save from several threads at once, updating one shared record all the time."""
    from crewai.memory.types import MemoryRecord

    failed = []

    def work(thread):
        try:
            for n in range(number):
                save(f"{prefix} {thread} {n}", scope=scope)
                shared = MemoryRecord(id="shared", content=f"{prefix} {thread} {n}", scope=f"{scope}/{thread}", embedding=[0.0] * standins.SIZE)
                HERE["storage"].update(shared)
                HERE["storage"].touch_records(["shared"])
        except Exception as error:
            failed.append(repr(error))

    running = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return failed


def forked(text, scope):
    """The child of a fork writes and reads while its parent's connection stays usable."""
    HERE["storage"].count()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        try:
            save(text, scope=scope)
            sender.send([r.content for r in HERE["storage"].list_records(scope)])
        except BaseException as error:
            sender.send(repr(error))
        os._exit(0)
    seen = receiver.recv() if receiver.poll(60) else "the child hangs"
    os.waitpid(pid, 0)
    return [seen, [r.content for r in HERE["storage"].list_records(scope)]]


def kickoff(description, answer, user=None, scope=None):
    """A crew of the application answers a request; what its model was asked."""
    standins.ASKED.clear()
    model = standins.llm(answer)
    scope = scope or (f"/user/{user}" if user is not None else None)
    memory = HERE["memory"].scope(scope) if scope else HERE["memory"]
    agent = Agent(role="helper", goal="help", backstory="helps", llm=model)
    crew = Crew(agents=[agent], tasks=[Task(description=description, expected_output="an answer", agent=agent)], memory=memory)
    crew.kickoff()
    standins.ANSWER[0] = "done"
    return "\n".join(standins.ASKED)


def plain_kickoff(description, answer):
    """The same with `memory=True`, where only the factory says where records go."""
    standins.ASKED.clear()
    agent = Agent(role="helper", goal="help", backstory="helps", llm=standins.llm(answer))
    task = Task(description=description, expected_output="an answer", agent=agent)
    Crew(agents=[agent], tasks=[task], memory=True, embedder=standins.legacy_embedder()).kickoff()
    return "\n".join(standins.ASKED)


def shown():
    return repr(HERE["storage"])


def flow_shown():
    kept = HERE["persistence"]
    return [repr(kept), kept.model_dump_json()] if hasattr(kept, "model_dump_json") else repr(kept)


def close():
    HERE["storage"].close()
    return HERE["storage"].count()


# ---- flows


def flow(url, **inputs):
    from crewai.flow.flow import Flow, start
    from crewai.flow.persistence import persist
    from postgres_flow_persistence import PostgresFlowPersistence

    HERE["persistence"] = PostgresFlowPersistence(url)

    @persist(HERE["persistence"])
    class Conversation(Flow):
        @start()
        def hear(self):
            self.state["heard"] = [*self.state.get("heard", []), self.state.get("says")]
            self.state["kinds"] = [1, 2.5, None, {"deep": True}]
            return self.state["heard"]

    return Conversation().kickoff(inputs=inputs)


def waiting(url, flow_uuid):
    """Pending feedback, where this release has it."""
    try:
        from crewai.flow.async_feedback.types import PendingFeedbackContext
    except ImportError:
        return None
    from postgres_flow_persistence import PostgresFlowPersistence

    kept = PostgresFlowPersistence(url)
    context = PendingFeedbackContext(flow_id=flow_uuid, flow_class="app.Flow", method_name="ask", method_output="a draft", message="ok?")
    kept.save_pending_feedback(flow_uuid, context, {"n": 1})
    state, back = PostgresFlowPersistence(url).load_pending_feedback(flow_uuid)
    kept.clear_pending_feedback(flow_uuid)
    return [state, back.message, kept.load_pending_feedback(flow_uuid), kept.load_state(flow_uuid)]


def chat(user, conversation_id, text):
    """A request of the caller's conversation; the flow's state lies where CREWAI_STORAGE_DIR says."""
    from caller_identity import conversation, flow_id
    from crewai.flow.flow import Flow, start
    from crewai.flow.persistence import persist

    @persist()
    class Chat(Flow):
        @start()
        def hear(self):
            self.state["heard"] = [*self.state.get("heard", []), self.state["text"]]
            return self.state["heard"]

    conversation_id = conversation(conversation_id)
    return [Chat().kickoff(inputs={"id": flow_id(user, conversation_id), "text": text}), conversation_id]


def ask(user, description, answer="done"):
    """A request of a caller, whose scope the recipe makes."""
    from caller_identity import user_scope

    return kickoff(description, answer, scope=user_scope(user))


# ---- before the unified memory


def legacy(url, owner, description, answer):
    """A crew of 0.117 to 1.9.3 with an external memory; what its model was asked."""
    from crewai.memory.external.external_memory import ExternalMemory
    from postgres_external_storage import PostgresExternalStorage

    standins.ASKED.clear()
    HERE["storage"] = PostgresExternalStorage(url, owner=owner)
    agent = Agent(role="helper", goal="help", backstory="helps", llm=standins.llm(answer))
    task = Task(description=description, expected_output="an answer", agent=agent)
    crew = Crew(agents=[agent], tasks=[task], memory=False, external_memory=ExternalMemory(storage=HERE["storage"]))
    crew.kickoff()
    return "\n".join(standins.ASKED)


def legacy_search(text, **options):
    return [found["content"] for found in HERE["storage"].search(text, **options)]


def legacy_reset():
    HERE["storage"].reset()


standins.obey({name: value for name, value in globals().items() if inspect.isfunction(value) and not name.startswith("_")})
