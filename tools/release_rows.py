"""The rows of docs/releases.md: what releases do with what people write, which rule says so, and an example of each.

An example is a small tree on a release; `rule` must speak about it, or, where that is empty, no rule about memory's API may.
`tests/tools/test_releases_page.py` scans every one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crewmem_doctor.rules import _trees

Tree = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """`rule` "" where nothing is to be said on that release."""

    release: str
    rule: str
    tree: Tree = field(hash=False)


@dataclass(frozen=True)
class Row:
    """`writes` is what people write or do, `happens` the outcome by release. Without cases it is not reported, and
    `happens` says why."""

    writes: str
    happens: str
    cases: tuple[Case, ...] = ()
    rules: str = ""      # shown where the cases are the rule's own examples


TEAM = "from crewai import Agent, Crew, Task\n\nwriter = Agent(role='Writer', goal='Write', backstory='Writes')\n" \
       "task = Task(description='Write', expected_output='Text', agent=writer)\n"


def module(text: str) -> Tree:
    return {"team.py": text}


def imported(name: str) -> Tree:
    path, _, last = name.rpartition(".")
    return module(f"from {path} import {last}\n\nprint({last})\n")


def crew(arguments: str, before: str = "") -> Tree:
    return module(f"{TEAM}{before}\ncrew = Crew(agents=[writer], tasks=[task], {arguments})\n")


def on(tree: Tree, **outcomes: str) -> tuple[Case, ...]:
    """`on(tree, v1_9_3="CM601", v1_15_30="")`: the same tree on several releases."""
    return tuple(Case(name[1:].replace("_", "."), rule, tree) for name, rule in outcomes.items())


def deployed(compose: str = "services:\n  api:\n    build: .\n", **files: str) -> Tree:
    return {k: v for k, v in _trees.service(compose, **files).items() if k != "requirements.txt"}


LTM = "from crewai.memory import LongTermMemory\n"
STM = "from crewai.memory import ShortTermMemory\n"
ROLE = _trees.CREW.replace('role="Writer"', 'role=f"Writer {uuid4()}"').replace("from crewai", "from uuid import uuid4\n\nfrom crewai", 1)
NAME = _trees.CREW.replace("memory=True", "memory=True, name=str(uuid4())").replace("from crewai", "from uuid import uuid4\n\nfrom crewai", 1)
TOPIC = _trees.CREW.replace('description="Write"', 'description=f"Write about {topic}"')
RECALL = _trees.API.replace("build_crew(topic).kickoff()", "memory.recall(topic, scope=str(uuid4()))").replace(
    "from app.crew import build_crew", "from uuid import uuid4\n\nfrom crewai import Memory\n\nmemory = Memory()")
FLOW = ("from crewai.flow.flow import Flow, start\nfrom crewai.flow.persistence import persist\n\n\n@persist()\nclass Intake(Flow):\n"
        "    @start()\n    def ask(self):\n        return 1\n")
FLOW_API = _trees.API.replace("build_crew", "Intake").replace("Intake(topic).kickoff()", "Intake().kickoff()")
MANY = "from crewai import Memory\n\nmemory = Memory()\nmemory.remember_many(['one', 'two'])\n"
VOLUME = "services:\n  api:\n    build: .\n    volumes: ['m:/data']\n    environment: [CREWAI_STORAGE_DIR=/data]\n{}volumes: {{m: }}\n"
HELD = _trees.CREW.replace("def build_crew", "from crewai import Memory\n\nMEMORY = Memory()\n\n\ndef build_crew").replace("memory=True", "memory=MEMORY")
WORKERS = _trees.DOCKERFILE.replace('"--host"', '"--workers", "4", "--host"')
PRELOAD = _trees.DOCKERFILE.replace('["uvicorn", "app.main:app", "--host", "0.0.0.0"]',
                                    '["gunicorn", "--preload", "-w", "2", "-k", "uvicorn.workers.UvicornWorker", "app.main:app"]')
KEPT = _trees.CREW.replace("def build_crew(topic: str) -> Crew:", "def make() -> Crew:") + "\n\nTEAM = make()\n\n\ndef build_crew(topic: str) -> Crew:\n    return TEAM\n"
GEMINI = _trees.CREW.replace('backstory="Writes")', 'backstory="Writes", llm="gemini/gemini-2.0-flash")')

IMPORTS = (
    Row("`from crewai.memory import ShortTermMemory, LongTermMemory, EntityMemory`", "0.27 to 1.9.3 have them; ImportError from 1.10.1",
        on(imported("crewai.memory.LongTermMemory"), v0_67_1="", v1_9_3="", v1_10_1="CM602", v1_15_30="CM602")),
    Row("`from crewai.memory import ExternalMemory`", "0.114 to 1.9.3 have it",
        on(imported("crewai.memory.ExternalMemory"), v0_108_0="CM602", v0_114_0="", v1_9_3="", v1_10_1="CM602")),
    Row("`from crewai.memory import UserMemory`", "0.83 to 0.152 have it",
        on(imported("crewai.memory.UserMemory"), v0_80_0="CM602", v0_152_0="", v0_157_0="CM602", v1_15_30="CM602")),
    Row("`from crewai import Memory`, `from crewai.memory import Memory`", "from 1.10.1",
        (*on(imported("crewai.Memory"), v1_9_3="CM602", v1_10_1=""), *on(imported("crewai.memory.Memory"), v0_203_2="CM602", v1_15_30=""))),
    Row("`from crewai import LongTermMemory`", "no release has it there", on(imported("crewai.LongTermMemory"), v1_9_3="CM602", v1_15_30="CM602")),
    Row("modules such as `crewai.memory.short_term.short_term_memory`", "ModuleNotFoundError from 1.10.1",
        on(imported("crewai.memory.short_term.short_term_memory.ShortTermMemory"), v1_9_3="", v1_10_1="CM602")),
    Row("`crewai.memory.storage.rag_storage`, `ltm_sqlite_storage`, `interface`", "removed with 1.10.1",
        on(imported("crewai.memory.storage.rag_storage.RAGStorage"), v0_28_8="", v1_9_3="", v1_15_30="CM602")),
    Row("`crewai.memory.storage.mem0_storage`", "0.83 to 1.9.3; it imports the package mem0, which CrewAI does not bring (CM605)",
        on(imported("crewai.memory.storage.mem0_storage.Mem0Storage"), v0_80_0="CM602", v1_9_3="", v1_10_1="CM602")),
    Row("`crewai.memory.storage.lancedb_storage`", "from 1.10.1",
        on(imported("crewai.memory.storage.lancedb_storage.LanceDBStorage"), v1_9_3="CM602", v1_10_1="")),
    Row("`crewai.memory.storage.qdrant_edge_storage`", "from 1.12.1, with the extra `qdrant-edge`",
        (*on(imported("crewai.memory.storage.qdrant_edge_storage.QdrantEdgeStorage"), v1_11_1="CM602", v1_12_1=""),
         *on(crew("memory=Memory(storage='qdrant-edge')", "from crewai import Memory\n"), v1_15_30="CM605"))),
    Row("`set_memory_storage_factory`", "from 1.14.7",
        on(imported("crewai.memory.storage.factory.set_memory_storage_factory"), v1_14_6="CM602", v1_14_7="")),
    Row("`RedisStorage`, `PostgresStorage`, `SQLiteStorage`", "never existed",
        (*on(imported("crewai.memory.storage.RedisStorage"), v0_130_0="CM602", v1_9_3="CM602", v1_15_30="CM602"),
         *on(imported("crewai.memory.storage.postgres_storage.PostgresStorage"), v1_15_30="CM602"))),
    Row("`crewai.flow.persistence`", "from 0.98", on(imported("crewai.flow.persistence.SQLiteFlowPersistence"), v0_95_0="CM602", v0_98_0="")),
)
ARGUMENTS = (
    Row("`LongTermMemory(storage={\"type\": \"sqlite\", …})`", "builds; every save raises AttributeError, which a crew only prints; gone from 1.10.1",
        on(module(f"{LTM}\nmemory = LongTermMemory(storage={{'type': 'sqlite', 'path': '/data/m.db'}})\n"),
           v0_130_0="CM601", v1_9_3="CM601", v1_15_30="CM602")),
    Row("`LongTermMemory(path=…)`, `(storage=…)`", "path from 0.85, storage from 0.63; TypeError before",
        (*on(module(f"{LTM}\nmemory = LongTermMemory(path='/data/m.db')\n"), v0_83_0="CM601", v0_85_0="", v1_9_3=""),
         *on(module(f"{LTM}from stores import Own\n\nmemory = LongTermMemory(storage=Own())\n"), v0_61_0="CM601", v0_63_0=""))),
    Row("`LongTermMemory(db_path=…)`, `ShortTermMemory(session_id=…)`", "TypeError on every release that has the class",
        (*on(module(f"{LTM}\nmemory = LongTermMemory(db_path='/data/m.db')\n"), v0_28_8="CM601", v1_9_3="CM601"),
         *on(module(f"{STM}\nmemory = ShortTermMemory(session_id='s')\n"), v0_130_0="CM601", v1_9_3="CM601"))),
    Row("`ShortTermMemory(path=…)`, `RAGStorage(path=…)`",
        "TypeError before 0.85; honoured to 0.186; stored and never used 0.193 to 1.5; 1.6 to 1.9.3 only beside `embedder_config`",
        (*on(module(f"{STM}\nmemory = ShortTermMemory(path='/data')\n"), v0_83_0="CM601", v0_130_0="", v0_203_2="CM601", v1_9_3="CM601"),
         *on(crew("short_term_memory=ShortTermMemory(storage=RAGStorage(type='short_term', path='/data'), embedder_config={'provider': 'ollama'})",
                  f"{STM}from crewai.memory.storage.rag_storage import RAGStorage\n"), v1_9_3="CM601"),
         *on(module(f"{STM}\nmemory = ShortTermMemory(path='/data', embedder_config={{'provider': 'ollama'}})\n"), v0_203_2="CM601", v1_9_3=""))),
    Row("`ShortTermMemory(storage=…, embedder_config={\"provider\": \"mem0\"})`", "0.157 to 1.9.3 replace the storage by mem0's",
        on(module(f"{STM}from stores import Own\n\nmemory = ShortTermMemory(storage=Own(), embedder_config={{'provider': 'mem0'}})\n"),
           v0_130_0="", v0_203_2="CM601", v1_9_3="CM601")),
    Row("`Memory(session_id=…, backend=\"redis\", url=…)`", "TypeError on 1.10.1; dropped without a word from 1.11",
        on(module("from crewai import Memory\n\nmemory = Memory(session_id='s', backend='redis')\n"), v1_10_1="CM601", v1_11_0="CM601", v1_15_30="CM601")),
    Row("`Memory(root_scope=…)`", "TypeError on 1.10.1, dropped on 1.11, real from 1.12.1",
        on(module("from crewai import Memory\n\nmemory = Memory(root_scope='/a/b')\n"), v1_10_1="CM601", v1_11_1="CM601", v1_12_1="", v1_15_30="")),
    Row("`Memory(storage={…})`", "builds; every save raises AttributeError, which a crew swallows",
        on(module("from crewai import Memory\n\nmemory = Memory(storage={'type': 'sqlite'})\n"), v1_10_1="CM601", v1_15_30="CM601")),
    Row("`Memory(storage=\"redis://…\")`, `\"sqlite\"`, `\"s3://…\"`", "a URL is refused, a name makes a directory of that name, s3 makes a directory `s3:` and is refused",
        (*on(crew("memory=Memory(storage='redis://redis:6379')", "from crewai import Memory\n"), v1_10_1="CM107", v1_15_30="CM107"),
         *on(crew("memory=Memory(storage='sqlite')", "from crewai import Memory\n"), v1_15_30="CM107"),
         *on(crew("memory=Memory(storage='s3://bucket/m')", "from crewai import Memory\n"), v1_15_30="CM107"))),
    Row("`Memory.recall(…, user_id=…)` and other words that the methods do not know", "TypeError",
        on(module("from crewai import Memory\n\nmemory = Memory()\nprint(memory.recall('a', user_id='u'))\n"), v1_10_1="CM601", v1_15_30="CM601")),
    Row("`Crew(memory={\"session_id\": …})`",
        "ValidationError to 1.9.3; the dict is the memory on 1.10.1 and 1.11.0; KeyError on 1.11.1 and 1.12; a default Memory from 1.13",
        on(crew("memory={'session_id': 's'}"), v0_130_0="CM601", v1_9_3="CM601", v1_10_1="CM601", v1_12_2="CM601", v1_14_5="CM601", v1_15_30="CM601")),
    Row("`Crew(memory=\"redis\")`", "ValidationError to 1.9.3; the text is the memory on 1.10.1 and 1.11.0; an error from 1.11.1",
        on(crew("memory='redis'"), v1_9_3="CM601", v1_10_1="CM601", v1_15_30="CM601")),
    Row("`Crew(memory=\"true\")`, `memory=1`", "coerced to a flag", on(crew("memory='true'"), v1_9_3="", v1_15_30="")),
    Row("`Crew(short_term_memory=, long_term_memory=, entity_memory=)`", "real from 0.63 to 1.9.3, an instance only; dropped before and after",
        (*on(crew("memory=True, long_term_memory=make()", "from stores import make\n"), v0_61_0="CM601", v0_63_0="", v1_9_3="", v1_10_1="CM601", v1_15_30="CM601"),
         *on(crew("memory=True, long_term_memory={'type': 'sqlite'}"), v1_9_3="CM601"))),
    Row("`Crew(long_term_memory=)`, `Crew(entity_memory=)` alone, without `memory=True`",
        "to 0.114 neither read nor saved into; from 0.117 to 1.9.3 read and never saved into: lessons and entities are saved together. "
        "A yellow line says so for long-term memory (from 1.9.2 only where the agent is verbose)",
        (*on(crew("long_term_memory=make()", "from stores import make\n"), v0_63_0="CM601", v0_114_0="CM601", v0_117_0="CM601", v1_9_3="CM601"),
         *on(crew("entity_memory=make()", "from stores import make\n"), v0_203_2="CM601"),
         *on(crew("long_term_memory=make(), entity_memory=make()", "from stores import make\n"), v0_114_0="CM601", v0_117_0="", v1_9_3=""))),
    Row("`Crew(short_term_memory=)` alone", "to 0.114 neither read nor saved into; both from 0.117 to 1.9.3",
        on(crew("short_term_memory=make()", "from stores import make\n"), v0_114_0="CM601", v0_117_0="", v1_9_3="")),
    Row("`Crew(external_memory=)`", "real from 0.114 to 1.9.3, from 0.117 also without `memory=True`",
        (*on(crew("external_memory=make()", "from stores import make\n"), v0_108_0="CM601", v0_114_0="CM601", v0_117_0="", v1_9_3="", v1_15_30="CM601"),
         *on(crew("memory=True, external_memory=make()", "from stores import make\n"), v0_114_0=""))),
    Row("`Crew(user_memory=)`, `Crew(memory_config={\"provider\": \"mem0\"})`",
        "real from 0.83 to 0.102 and to 0.152, beside `memory=True` only; dropped before and after",
        (*on(crew("memory=True, memory_config={'provider': 'mem0'}"), v0_80_0="CM601", v0_203_2="CM601", v1_15_30="CM601"),
         *on(crew("memory=True, user_memory=make()", "from stores import make\n"), v0_102_0="", v0_105_0="CM601", v0_157_0="CM601"),
         *on(crew("memory_config={'provider': 'mem0'}"), v0_114_0="CM601", v0_152_0="CM601"),
         *on(crew("memory=True, memory_config={'provider': 'mem0'}"), v0_114_0="", v0_152_0=""))),
    Row("`Crew(memory=<LongTermMemory instance>)`", "ValidationError to 1.9.3",
        on(crew("memory=LongTermMemory()", LTM), v0_203_2="CM601", v1_9_3="CM601")),
    Row("`Crew(storage=, session_id=, redis_url=, …)` beside memory", "no release has them: dropped without a word",
        on(crew("memory=True, session_id='s'"), v0_130_0="CM601", v1_9_3="CM601", v1_15_30="CM601")),
    Row("`Crew(checkpoint=True)`", "dropped before 1.14.1", on(crew("checkpoint=True"), v1_13_0="CM601", v1_14_1="")),
    Row("`crew.kickoff(session_id=…)`", "TypeError on every release",
        on(module(TEAM + "\nCrew(agents=[writer], tasks=[task], memory=True).kickoff(session_id='s')\n"), v0_130_0="CM601", v1_9_3="CM601", v1_15_30="CM601")),
    Row("`Flow().kickoff(restore_from_state_id=…)`", "TypeError before 1.14.5",
        on({"flow.py": FLOW + "\n\nIntake().kickoff(restore_from_state_id='a')\n"}, v1_14_4="CM601", v1_14_5="", v1_15_30="")),
    Row("`SQLiteFlowPersistence(path=…)`", "TypeError to 1.12; dropped from 1.13, so the file lies at the default place",
        on({"flow.py": FLOW.replace("@persist()", "@persist(SQLiteFlowPersistence(path='/data/f.db'))").replace(
            "import persist", "import SQLiteFlowPersistence, persist")}, v1_9_3="CM601", v1_15_30="CM601")),
    Row("`Agent(memory=True)`", "accepted and ignored to 1.9.3; from 1.10.1 a memory of its own, with the default embedder and no scope",
        (*on(module("from crewai import Agent\n\nwriter = Agent(role='W', goal='g', backstory='b', memory=True)\n"), v1_9_3=""),
         *on(deployed(app__crew_dot_py=_trees.CREW.replace('backstory="Writes"', 'backstory="Writes", memory=True').replace(
             "memory=True)\n", 'memory=True, embedder={"provider": "ollama", "config": {"model_name": "m"}})\n').replace(
                 'memory=True, embedder={"provider": "ollama", "config": {"model_name": "m"}})\n    task', "memory=True)\n    task")),
             v1_9_3="", v1_15_30="CM406"))),
    Row("`Agent(memory={…})`", "ignored to 1.9.3, then as for a crew",
        on(module("from crewai import Agent\n\nwriter = Agent(role='W', goal='g', backstory='b', memory={'provider': 'redis'})\n"),
           v1_9_3="CM601", v1_12_2="CM601", v1_15_30="CM601")),
    Row("`embedder={\"provider\": \"anthropic\"}`", "no release knows it: building the crew raises",
        on(crew("memory=True, embedder={'provider': 'anthropic'}"), v0_130_0="CM601", v1_9_3="CM601", v1_15_30="CM601")),
    Row("`embedder={\"provider\": \"openrouter\"}`", "from 1.15.21",
        on(crew("memory=True, embedder={'provider': 'openrouter'}"), v1_15_20="CM601", v1_15_30="")),
    Row("`CREWAI_MEMORY_BACKEND=redis`", "read by no release",
        on(deployed("services:\n  api:\n    build: .\n    environment: [CREWAI_MEMORY_BACKEND=redis]\n"), v0_130_0="CM603", v1_9_3="CM603", v1_15_30="CM603")),
    Row("`REDIS_URL=…` to share memory", "read from 1.11 on, and only for the lock",
        on(deployed("services:\n  api:\n    build: .\n    environment: ['REDIS_URL=redis://r:6379']\n"), v1_9_3="CM603", v1_10_1="CM603", v1_15_30="CM603")),
    Row("`kickoff(inputs={\"session_id\": …})`", "fills templates and does not touch memory: everybody shares it (CM405)", rules="CM405"),
    Row("`Crew(memory=False, short_term_memory=X)`", "not reported: X is used from 0.117 on, and before the code says in one line what it wants"),
    Row("`Memory(storage=<a StorageBackend of one's own>)` without an attribute `write_lock`",
        "not reported: 1.10.1, and no other release, saves inside `with storage.write_lock`, which its StorageBackend does not name; "
        "`remember` and `Crew.kickoff` raise an AttributeError with that word at the first save"),
    Row("`Crew(embedder=<function>)`, a `custom` embedder configured for another release", "not reported: building the crew raises at the first start, with a message that names the argument"),
    Row("`crewai reset-memories --long`", "not reported: an operator's command, not the application's code; it warns by itself"),
)
LOSSES = (
    Row("the store's directory lies in the container's layer, or a volume covers another path", "lost with every redeploy",
        (*on(deployed(), v0_130_0="CM201", v1_9_3="CM201", v1_15_30="CM201"),
         *on(deployed("services:\n  api:\n    build: .\n    volumes: ['m:/root/.local/share/CrewAI']\nvolumes: {m: }\n"), v1_9_3="CM202", v1_15_30="CM202"))),
    Row("two services with other homes or working directories", "two stores", rules="CM303, CM104"),
    Row("a relative `CREWAI_STORAGE_DIR`", "a name below ~/.local/share to 1.9.3; from 1.10.1 memory lies below the working directory and the rest does not",
        on(deployed("services:\n  api:\n    build: .\n    environment: [CREWAI_STORAGE_DIR=store]\n"), v1_9_3="CM105", v1_15_30="CM105")),
    Row("several replicas with a disk each", "each remembers for itself",
        on(deployed("services:\n  api:\n    build: .\n    deploy: {replicas: 3}\n"), v0_130_0="CM302", v1_9_3="CM302", v1_15_30="CM302")),
    Row("a crew built anew for each request", "empties its short-term memory to 0.67 (0.70: at first use); costs time and loses nothing from 0.74",
        on(deployed(), v0_67_1="CM401", v0_130_0="CM401", v1_15_30="CM401")),
    Row("a uuid, time or request id in an agent's role", "a new, empty store each time from 0.30.8 to 1.9.3; no harm from 1.10.1",
        on(deployed(app__crew_dot_py=ROLE), v0_130_0="CM402", v1_9_3="CM402", v1_15_30="")),
    Row("the same in `Crew(name=)`", "a new scope each time from 1.12.1, with `memory=True`; unused before",
        on(deployed(app__crew_dot_py=NAME), v1_9_3="", v1_15_30="CM402")),
    Row("the same in `scope=`, `root_scope=`, mem0's `user_id`", "nothing is found again", on(deployed(app__crew_dot_py="", app__main_dot_py=RECALL), v1_15_30="CM402")),
    Row("request text in the task's description", "long-term memory looks for the exact description to 1.9.3",
        on(deployed(app__crew_dot_py=TOPIC), v0_130_0="CM409", v1_9_3="CM409", v1_15_30="")),
    Row("`remember_many`, `Agent.kickoff` as the last act of a process", "saved before the call returns to 1.9.3; lost at a normal exit from 1.10.1",
        on(module(MANY), v1_10_1="CM506", v1_15_30="CM506")),
    Row("memory opened at import, then a fork (gunicorn `--preload`, Celery prefork)", "the child hangs or crashes once the memory was used",
        (*on(deployed(app__crew_dot_py=HELD, Dockerfile=PRELOAD), v1_15_30="CM305"), *on(deployed(app__crew_dot_py=KEPT, Dockerfile=PRELOAD), v1_9_3="CM305"))),
    Row("a long-lived worker that opened the store before another one wrote", "never finds it: LanceDB from 1.10.1, Chroma to 1.9.3",
        (*on(deployed(VOLUME.format(""), app__crew_dot_py=HELD, Dockerfile=WORKERS), v1_15_30="CM306"),
         *on(deployed(VOLUME.format(""), app__crew_dot_py=KEPT, Dockerfile=WORKERS), v1_9_3="CM307"))),
    Row("containers that share a volume and not their /tmp", "the write lock is each one's own from 1.11",
        on(deployed(VOLUME.format("    deploy: {replicas: 2}\n")), v1_10_1="", v1_15_30="CM304")),
    Row("a read-only root without a writable home, store or /tmp", "the import fails from 1.9.3, or the first build does",
        on(deployed("services:\n  api:\n    build: .\n    read_only: true\n"), v0_203_2="CM204", v1_15_30="CM204")),
    Row("no key for the embedder", "raises to 0.186; logged 0.193 to 1.9.3; silent 1.10.1 to 1.14.7; an event from 1.15",
        on(deployed(app__crew_dot_py=GEMINI), v0_130_0="CM504", v1_9_3="CM504", v1_14_7="CM504", v1_15_30="CM504")),
    Row("two embedders over one store, or an upgrade over 1.15 with the default one", "refused or searched in vain", rules="CM505, CM604"),
    Row("a flow with `@persist` and no id", "a new state each time, from 0.98",
        on(deployed(app__crew_dot_py=FLOW, app__main_dot_py=FLOW_API), v0_130_0="CM404", v1_15_30="CM404")),
    Row("`Memory(read_only=True)`, a `MemorySlice`, which is read-only unless told otherwise", "not reported: the code asks for it by name, and reading is what a slice is for"),
    Row("/tmp whose lock files belong to another user", "not reported: who owns files of a running container does not stand in the tree; a temporary directory that cannot be written at all is CM204"),
)
MYTHS = (
    Row("\"a crew per request loses memory\"", "from 0.74 on it does not: CM401 is a note there, and says what it costs"),
    Row("\"memory is in RAM by default\"", "never: it is on disk in every release that has one, so only what replaces the default is CM101"),
    Row("\"set CREWAI_MEMORY_BACKEND or REDIS_URL\"", "moves no memory: CM603"),
    Row("\"session_id scopes memory\"", "no release has such a parameter: CM601"),
    Row("\"several workers on one host corrupt or lose writes\"", "not seen: 100 of 100 records of two processes are kept in every release tried, so nothing is reported; what a process does not see of the others is CM306 and CM307"),
    Row("\"an unwritable default directory fails silently\"", "it does not: building the crew raises; CM501 and CM507 are about code that hides that"),
    Row("\"SIGKILL after a kickoff loses its memories\"", "to 1.9.3 saves are done before; from 1.10.1 kickoffs of crews and flows wait for them. Only what does not wait is CM506"),
    Row("\"the default path is ./.crewai/memory or ~/.local/share/CrewAI\"", "neither: a volume there is CM202, which names the right path"),
    Row("\"/tmp is the default\"", "only lock files lie there"),
)
SECTIONS = (("Imports", IMPORTS), ("Arguments and settings", ARGUMENTS), ("What loses memory", LOSSES), ("What does not", MYTHS))
YES = "yes"
# Rules; the test of tests/premises that shows it; the behaviour; and what 1.15.30, 1.9.3 and 0.203.2 do.
PREMISES: tuple[tuple[tuple[str, ...], str, str, str, str, str], ...] = (
    (("CM104", "CM401"), "test_a_second_process_finds_what_the_first_one_built_and_saved",
     "a second process that builds its memory anew finds the record; one in a directory of another name does not", YES, YES, YES),
    (("CM103", "CM104"), "test_an_absolute_storage_dir_is_the_place",
     "an absolute CREWAI_STORAGE_DIR is found from another home and another directory", YES, YES, YES),
    (("CM105",), "test_a_relative_storage_dir", "where CREWAI_STORAGE_DIR=named puts the records",
     "./named/memory, and the rest in ~/.local/share/named", "~/.local/share/named", "~/.local/share/named"),
    (("CM105", "CM202", "CM601"), "test_a_relative_path_of_a_storage_of_vectors",
     "RAGStorage(path=\"recall\"): where the records lie with an embedder_config of its own, and without one",
     "the class is gone", "./recall; the default place", "the default place"),
    (("CM201", "CM202", "CM209", "CM303"), "test_the_default_place_and_another_home",
     "what lies below ~/.local/share/app; nothing in ~/.local/share/CrewAI or ./.crewai; another home finds nothing",
     "memory/memories.lance", "chroma.sqlite3", "chroma.sqlite3"),
    (("CM101", "CM301", "CM302", "CM501"), "test_a_storage_that_keeps_a_list_forgets_with_its_process",
     "a storage object of Python objects: the next process finds nothing", YES, YES, YES),
    (("CM107",), "test_a_url_is_taken_for_a_directory_or_refused", "`redis://…` and `sqlite` where a path is expected",
     "refused; ./sqlite is made; `s3://bucket/x` makes ./s3: and is refused", "./sqlite is made", "./sqlite is made"),
    (("CM106", "CM107"), "test_a_url_in_the_storage_dir_is_a_directory_too", "CREWAI_STORAGE_DIR=redis://… makes a directory `redis:`", YES, YES, YES),
    (("CM108",), "test_a_directory_set_after_the_import", "CREWAI_STORAGE_DIR set after `import crewai`",
     "memory in the new place", "chroma.sqlite3 in the old place", "chroma.sqlite3 in the old place"),
    (("CM109",), "test_reset_memories_empties_the_store", "reset_memories of a crew that saved one record", "no record is left", "not shown", "not shown"),
    (("CM204",), "test_a_home_that_cannot_be_written", "`import crewai` with a HOME that cannot be made, CREWAI_STORAGE_DIR set",
     "NotADirectoryError", "NotADirectoryError", "imports"),
    (("CM204", "CM501", "CM507"), "test_a_store_that_cannot_be_written_raises_where_the_crew_is_built",
     "a store that cannot be written: building the crew raises", YES, YES, YES),
    (("CM207", "CM404"), "test_a_flow_goes_on_only_with_its_id",
     "two kickoffs of a persisted flow without an id count 1, 1; with one 1, 2; a second process goes on with 3, 4. Journal of flow_states.db",
     "write-ahead log", "rollback journal", "rollback journal"),
    (("CM304", "CM603", "CM605"), "test_settings_that_move_no_memory_and_the_lock",
     "CREWAI_MEMORY_BACKEND=redis and REDIS_URL at a port where nobody listens: records at the default place. The lock",
     "in TMPDIR without the package redis; ConnectionError with it", "no lock there, REDIS_URL not read", "no lock there, REDIS_URL not read"),
    (("CM305",), "test_a_forked_child_of_a_process_that_has_used_its_memory",
     "a forked child saves into the memory that its parent used: it hangs or crashes; a child with a memory of its own ends", YES, YES, YES),
    (("CM306", "CM307"), "test_a_process_that_had_the_store_open_before",
     "a process that searched before another one wrote never finds the record; a later one does", "yes (LanceDB)", "yes (Chroma)", "yes (Chroma)"),
    (("CM402", "CM403", "CM405", "CM408"), "test_keys",
     "who finds a record: another role; another scope; another user without a scope; /user/1 that of /user/10; /user/1/chat that of /user/10/chat",
     "yes; no; yes; yes; no", "no; no scopes; yes", "no; no scopes; yes"),
    (("CM402", "CM403", "CM405"), "test_a_crews_name_is_its_scope", "Crew(name=\"support v2\", memory=True)", "scope /crew/support-v2", "no scope", "no scope"),
    (("CM406",), "test_an_agents_own_memory", "Agent(memory=True) in a crew with memory", "another memory, without the crew's scope", "nothing", "nothing"),
    (("CM407", "CM409"), "test_kinds_of_memory_that_share_a_type_and_lessons",
     "entities of type \"short_term\" find short-term records; a lesson is found by the exact task description only", "these classes are gone", YES, YES),
    (("CM502", "CM504"), "test_without_a_key_the_kickoff_succeeds_and_nothing_is_kept", "a kickoff with memory and without any key succeeds, and no record is kept",
     YES, YES, YES),
    (("CM505",), "test_a_second_embedder_cannot_use_the_store", "a second embedder with vectors of another length", "EmbeddingDimensionMismatchError", "not shown", "not shown"),
    (("CM506",), "test_saves_before_a_normal_exit", "lost at a normal exit", "remember_many, Agent.kickoff; not remember, drain_writes, Crew.kickoff",
     "saves before it returns", "saves before it returns"),
    (("CM601", "CM602"), "test_arguments_imports_and_embedders",
     "Crew(memory={…}), Crew(memory=\"redis\"), imports, embedders' names", "dropped; ValidationError", "ValidationError; ValidationError",
     "ValidationError; ValidationError"),
    (("CM601",), "test_kinds_of_memory_that_a_crew_is_given_alone",
     "a kickoff of a crew that is given one kind of memory alone saves into short-term and external, and only reads long-term and entity memory",
     "these arguments are gone", YES, YES),
    (("CM601",), "test_what_the_tool_reads_is_what_the_package_takes", "what tools/signatures.py reads is what inspect says, and an unheard-of argument meets the fate it reads",
     YES, YES, YES),
    (("CM601",), "test_the_committed_table_says_the_same", "releases/_signatures.py says the same of arguments", YES, YES, YES),
    (("CM602",), "test_the_committed_imports_say_the_same", "releases/_signatures.py says the same of imports", YES, YES, YES),
    (("CM604",), "test_an_upgrade_over_the_engine_finds_nothing", "1.9.3 writes, 1.15.30 asks at the same place, then 1.9.3", "nothing", "found", "not shown"),
    (("CM605",), "test_packages_that_crewai_does_not_bring_and_one_that_it_imports", "an embedder of mem0 without the package; `import crewai` imports Chroma",
     "mem0 is gone; imports it", "ImportError; imports it", "ImportError; imports it"),
    (("CM605",), "test_an_old_sqlite_stops_the_import", "`import crewai` where SQLite says 3.34.1", "RuntimeError", "RuntimeError", "RuntimeError"),
)
# Rules that rest on Python, a server or a platform, with where that is shown or written.
NOT_CREWAI: Mapping[str, str] = {
    "CM102": "Python objects belong to one process",
    "CM203": "what Docker and Kubernetes do with anonymous volumes, tmpfs and emptyDir",
    "CM205": "the platforms' own pages, cited in docs/deployments.md",
    "CM206": "the servers' own configuration",
    "CM208": "volumes of one node",
    "CM503": "localhost inside a container, and os.environ",
}
