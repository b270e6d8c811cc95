"""Runs inside an interpreter that has CrewAI, like `child.py`. Says its results as lines of JSON.

places.py import              nothing but the import
places.py write TEXT          one record into the default store, through memory's own API
places.py read TEXT …         which of those records are found
places.py first TEXT          saves it, and into a storage object that keeps a list; what becomes of URLs and backends' names
                              where a directory is expected, of a crew's name, and of mem0, which is not installed
places.py second TEXT …       like `read`, and looks for the first one in a storage object of its own
places.py listen              opens the memory and then answers each line: `search TEXT`
places.py fork                a child after the memory was used, and one that makes its own: did they end?
places.py old-sqlite          the import where SQLite says that it is 3.34.1
"""

# ruff: noqa: E402
import hashlib
import json
import os
import signal
import sqlite3
import sys
import time

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", OTEL_SDK_DISABLED="true", CREWAI_TRACING_ENABLED="false")


def say(**words):
    sys.stdout.flush()
    os.write(1, ("\n" + json.dumps(words) + "\n").encode())


if sys.argv[1] == "old-sqlite":
    sqlite3.sqlite_version_info, sqlite3.sqlite_version = (3, 34, 1), "3.34.1"
    try:
        import crewai
    except RuntimeError as error:
        say(error=str(error))
    else:
        say(error="")
    os._exit(0)

import crewai
from crewai import Agent, Crew, Task
from crewai.llms.base_llm import BaseLLM

UNIFIED = hasattr(crewai, "Memory")


class NoLLM(BaseLLM):
    def call(self, *args, **kwargs):
        return "done"


def vectors(texts):
    return [[b / 255 for b in hashlib.sha256(t.encode()).digest()] for t in texts]


def crew(**arguments):
    one = Agent(role="writer", goal="g", backstory="b", llm=NoLLM(model="none"))
    return Crew(agents=[one], tasks=[Task(description="d", expected_output="e", agent=one)], **arguments)


def legacy(storage=None):
    import numpy
    from chromadb.api.types import EmbeddingFunction
    from crewai.memory import ShortTermMemory
    from crewai.rag.embeddings.providers.custom.embedding_callable import CustomEmbeddingFunction

    class Hashed(CustomEmbeddingFunction, EmbeddingFunction):
        def __init__(self, *args, **kwargs):
            pass

        def __call__(self, input):
            return [numpy.array(v, dtype=numpy.float32) for v in vectors(input)]

    embedder = {"provider": "custom", "config": {"embedding_callable": Hashed}}
    return ShortTermMemory(crew=crew(), embedder_config=embedder, storage=storage)


def opened(storage=None):
    """Ways to save into the memory and to search it."""
    if UNIFIED:
        given = {} if storage is None else {"storage": storage}
        memory = crewai.Memory(llm=NoLLM(model="none"), embedder=vectors, **given)
        save = lambda text: memory.remember(text, scope="/s", categories=["test"], importance=0.1)  # noqa: E731
        return save, lambda text: [m.record.content for m in memory.recall(text, scope="/s", depth="shallow")]
    memory = legacy(storage)
    find = lambda text: [m["content"] for m in memory.search(text, score_threshold=0.0)]  # noqa: E731
    return (lambda text: memory.save(text, {})), find


class Listed:
    """A storage that keeps everything in one list: a StorageBackend from 1.10 on, a Storage before."""

    def __init__(self):
        self.records = []

    def save(self, records, metadata=None):
        self.records.extend(records if isinstance(records, list) else [{"content": records}])

    def search(self, query, *args, **options):
        return [(record, 1.0) for record in self.records] if UNIFIED else list(self.records)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **options: {"list_records": list(self.records), "count": len(self.records)}.get(name)


def outcome(action):
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "accepted"


def given():
    if UNIFIED:
        texts = ("redis://localhost/0", "sqlite", "s3://bucket/x")
        return {t: outcome(lambda t=t: opened(t)[0]("x")) for t in texts}
    from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage

    return {t: outcome(lambda t=t: LTMSQLiteStorage(db_path=t)) for t in ("sqlite", "redis://localhost/0")}


def child_ends(action, seconds=12):
    """Whether a forked child comes to its end."""
    pid = os.fork()
    if not pid:
        try:
            action()
        finally:
            os._exit(0)
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.WIFEXITED(status)
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def forked():
    def own():
        save, _ = opened()
        save("codeword own")

    alone = child_ends(own, 90)
    save, _ = opened()
    save("codeword parent")
    return {"own": alone, "used": child_ends(lambda: save("codeword child"))}


def mem0():
    if UNIFIED:
        return ""
    from crewai.memory import ShortTermMemory

    return outcome(lambda: ShortTermMemory(crew=crew(), embedder_config={"provider": "mem0", "config": {"user_id": "u"}}))


def scope():
    return str(getattr(crew(name="support v2", memory=True)._memory, "root_scope", "")) if UNIFIED else ""


def listen():
    _, search = opened()
    say(ready=True)
    for line in sys.stdin:
        text = line.strip()
        try:
            say(found=text in search(text))
        except Exception as error:
            say(found=False, error=type(error).__name__)


def main(word, *texts):
    if word == "import":
        return say(imported=True)
    if word == "listen":
        return listen()
    if word == "fork":
        return say(**forked())
    save, search = opened()
    if word in ("write", "first"):
        save(texts[0])
    found = {text: text in search(text) for text in texts}
    if word not in ("first", "second"):
        return say(found=found)
    own_save, own_search = opened(Listed())
    if word == "second":
        return say(found=found, own=texts[0] in own_search(texts[0]))
    own_save(texts[0])
    own = texts[0] in own_search(texts[0])
    return say(found=found, own=own, given=given(), scope=scope(), mem0=mem0(), chromadb="chromadb" in sys.modules)


main(*sys.argv[1:])
os._exit(0)
