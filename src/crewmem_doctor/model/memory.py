"""What the code says about each memory: its passport."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from crewmem_doctor.model.expression import Expr
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass

Kind = Literal[
    "crew",
    "memory",
    "agent",
    "flow",
    "short_term",
    "long_term",
    "entity",
    "external",
    "checkpoint",
    "third_party",
    "conversation",
]
Engine = Literal[
    "default", "lancedb", "chroma", "sqlite", "qdrant", "qdrant-edge", "json", "python", "remote", "unknown"
]
SinkName = Literal[
    "scope",
    "root_scope",
    "source",
    "crew_name",
    "agent_role",
    "flow_id",
    "user_id",
    "run_id",
    "agent_id",
    "session_id",
    "thread_id",
]


@dataclass(frozen=True, slots=True)
class Store:
    """Where the code says the records live.

    `process`: RAM. `path`: a file or directory at `where`, or where the release puts it when `where` is None. `server`:
    whatever `where` names over the network. `unknown`: a store whose nature could not be read. `why` is a phrase, e.g.
    "crewai's own default" or "LanceDBStorage(path=…)". `at` is the expression that hands the store to memory.
    """

    kind: Literal["process", "path", "server", "unknown"]
    why: str
    where: Expr | None = None
    engine: Engine = "default"
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class Sink:
    """One thing the code gives memory to key its records by. Whether it counts depends on the release."""

    name: SinkName
    value: Expr
    at: Location


@dataclass(frozen=True, slots=True)
class Step:
    """A place on a chain of evidence, in reading order. `note` is a phrase."""

    at: Location
    note: str


@dataclass(frozen=True, slots=True)
class RequestField:
    """One thing that a request carries. `inside` is the object of the body that it stands in, empty for the body; the
    type "other" is neither text nor a UUID."""

    name: str
    place: Literal["json", "form", "query", "header", "path", "cookie"]
    required: bool = True
    type: Literal["text", "uuid", "other"] = "text"
    inside: str = ""


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """Where a request, a task, a message or a run enters the code.

    `label` is what a person calls it: "POST /chat", "task app.tasks.run", "chainlit on_message". `qualname` is the
    dotted name of the function ("app.main.chat").
    """

    kind: Literal["http", "task", "socket", "bot", "function", "ui", "script"]
    label: str
    at: Location
    qualname: str
    framework: str
    identity: tuple[str, ...] = ()  # what the handler knows of its caller: "session_id of the body", "header X-User-Id"
    request: tuple[RequestField, ...] | None = None  # what an HTTP handler takes, where all of it could be read


@dataclass(frozen=True, slots=True)
class Reach:
    """An entry point and the calls from it to the memory.

    `builds` is True where the memory itself is constructed on the way, so anew for each request; False where it is an
    object made once. `steps` are the call sites from the handler on. `queued`: the way crosses a task queue
    (`.delay`, `.apply_async`, `enqueue`), so another process runs the memory, not the one with the handler.
    """

    entry: EntryPoint
    builds: bool
    steps: tuple[Step, ...] = ()
    queued: bool = False


@dataclass(frozen=True, slots=True)
class Embedder:
    """The embedder given to a memory. `provider` is None where none was given (then CrewAI takes OpenAI's)."""

    provider: Expr | None
    at: Location | None = None
    has_key: bool = False  # an api_key is handed over in code
    model: Expr | None = None  # the model that its configuration names


@dataclass(frozen=True, slots=True)
class Kickoff:
    """A call that starts a flow. `resumes` says whether it passes the id of a stored state; Unknown where its inputs
    could not be read."""

    at: Location
    resumes: Answer[bool]


@dataclass(frozen=True, slots=True)
class Team:
    """The crew that an agent with a memory of its own works in. `memory` is the crew's own answer to whether it
    remembers, `embedder` whether the crew was given one."""

    at: Location
    memory: Answer[bool]
    embedder: Location | None = None


@dataclass(frozen=True, slots=True)
class TaskText:
    """The description of a task. `at` is where the crew's own code makes the task: its call, or that of the function
    which builds it."""

    description: Expr
    at: Location


@dataclass(frozen=True, slots=True)
class Memory:
    """A place where the code turns a memory on.

    `callee` is the canonical name of what is called ("crewai.Crew", "crewai.memory.LongTermMemory", "mem0.Memory");
    `at` spans the call's name and `turned_on` the argument that turns memory on (the same where there is none).
    `enabled` is Unknown where configuration decides, and Known(True) with medium confidence where a default does.
    `level` says where the construction stands: "module" runs at import. `names` are other memories' positions that this
    one hands its records to (a Crew given a Memory object): such a Crew is not a memory of its own.
    """

    kind: Kind
    at: Location
    callee: str
    store: Store
    turned_on: Location | None = None
    enabled: Answer[bool] = field(default_factory=lambda: Known(True))
    level: Literal["module", "class", "function"] = "function"
    handlers: tuple[Reach, ...] = ()
    sinks: tuple[Sink, ...] = ()
    embedder: Embedder | None = None
    llms: tuple[tuple[str, Location], ...] = ()  # model strings of the crew's agents: ("gemini/gemini-2.0", at)
    used_by: tuple[Step, ...] = ()  # crews and agents that a memory object is handed to
    kept_in_object: bool = False  # the memory lives in a long-lived object of the process
    made_at_import: tuple[str, ...] = ()  # modules whose import makes it, by a call of the function that builds it
    reads: tuple[str, ...] = ()  # environment variables the code around this memory reads for it
    inside: str = ""  # qualified name of the enclosing function or class in its module
    id: str = ""
    kickoffs: tuple[Kickoff, ...] = ()  # of the flow whose state this is
    team: Team | None = None  # of an agent's memory
    tasks: tuple[TaskText, ...] = ()  # of the crew

    @property
    def subject(self) -> str:
        """What identifies this memory in its file, free of line numbers."""
        return f"{self.callee} in {self.inside}" if self.inside else self.callee

    @property
    def served(self) -> bool:
        """Reachable from a request, a task, a message or an event; a plain script is none of these."""
        return any(reach.entry.kind != "script" for reach in self.handlers)

    @property
    def built_per_request(self) -> bool:
        return any(reach.builds for reach in self.handlers)

    @property
    def label(self) -> str:
        """How a person would name it: "Crew(memory=True)"."""
        name = self.callee.rsplit(".", 1)[-1]
        if self.kind in ("crew", "agent") and name in ("Crew", "Agent"):
            return f"{name}(memory=…)"
        return self.callee if self.kind == "conversation" else f"{name}(…)"
