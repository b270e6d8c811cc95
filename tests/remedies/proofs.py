"""Which proof belongs to which snippet. A snippet that no pattern knows fails the tests: a new remedy brings its proof."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Proof:
    """`how` names the test that runs it; `child` the function in child.py, for those that need the real CrewAI."""

    pattern: str
    how: str
    child: str = ""

    def covers(self, snippet: str) -> bool:
        return re.fullmatch(self.pattern, snippet, re.DOTALL) is not None


KEPT_IN = r'Memory\(storage=(?:"/data[^"]*"|\w+Storage\(os\.environ\["\w+"\]\))\)'
PYTHON = (
    Proof(KEPT_IN, "kept", "memory"),
    Proof(r'from crewai\.memory import Memory\n\nmemory = Memory\(storage="[^"]+"\)', "kept", "memory"),
    Proof(r'(?:from crewai\.memory\.storage\.ltm_sqlite_storage import LTMSQLiteStorage\n\n)?'
          r'LongTermMemory\(storage=LTMSQLiteStorage\(db_path="[^"]+"\)\)', "kept", "long_term"),
    Proof(r"@persist\(\w+\([^()]*(?:\([^()]*\))?[^()]*\)\)", "flow", "flow"),
    Proof(r"@persist\(\)", "flow", "flow"),
    Proof(r'flow\.kickoff\(inputs=\{"id": conversation_id\}\)', "resumed", "resumed"),
    Proof(r"(?:memory = Memory\(\) .*\n\n)?Crew\(agents=agents, tasks=tasks, .*user_id.*\)", "per-user", "crew"),
    Proof(r'Crew\((?:name="\w+", )?agents=agents, tasks=tasks, memory=(?:True|Memory\(storage="[^"]+"\))\)', "crew", "crew"),
    Proof(r"memory = Memory\(\) .*\n\nCrew\(agents=agents, tasks=tasks, memory=memory\)", "crew", "crew"),
    Proof(r"Crew\(agents=agents, tasks=tasks, memory=True, (\w+)=\1\)", "saved", "completed"),
    Proof(r"crew = build_crew\(\).*", "crew", "crew"),
    Proof(r"agent = Agent\(role=role, goal=goal, backstory=backstory\)\nCrew\(agents=\[agent\], tasks=tasks, memory=True\)", "crew", "crew"),
    Proof(r'crew\.kickoff\(inputs=\{"question": question\}\)', "crew", "kickoff"),
    Proof(r"Agent\(role=role, .*user_id.*\)", "per-user", "agent"),
    Proof(r'EntityMemory\(storage=RAGStorage\(type="entities", embedder_config=embedder\)\)', "apart", "entities"),
    Proof(r"Task\(description=.*\)", "constant", "description"),
    Proof(r'Agent\(role="Support agent", .*\)', "same-role", "roles"),
    Proof(r'(?:root_)?scope=f"[^"]+"', "scope", "keywords"),
    Proof(r"self\.remember\(text, scope=.*\)", "flow-scope", "flow_scope"),
    Proof(r"embedder=\{.*\}", "embedder", "embedder"),
    Proof(r"EMBEDDER = .*", "embedder", "embedder"),
    Proof(r"memory\.drain_writes\(\) .*", "drained", "drained"),
    Proof(r"except Exception:\n.*raise", "raises", "raising"),
    Proof(r'os\.environ\["DATABASE_URL"\]', "raises", "raising"),
    Proof(r"@asynccontextmanager\n.*", "lifespan", "lifespan"),
    Proof(r"def chat\(topic\):.*", "builds", "builds"),
    Proof(r"earlier = database\.execute.*", "messages", "messages"),
    Proof(r"import os\nos\.environ\[.*", "early", ""),
    Proof(r'multiprocessing\.set_start_method\("spawn"\)', "spawn", ""),
)
OTHER = (
    Proof(r"CREWAI_STORAGE_DIR=/data\S*", "environment"),
    Proof(r"crewai reset-memories .*", "command"),
    Proof(r"[\w-]+(?:\[\w+\])?(?:(?:==|>=)[\d.]+)?", "requirement"),
    Proof(r"(?:# Dockerfile.*\n)?(?:services|environment|volumes|command|deploy|disk|envVars|containers):.*", "deployment"),
    Proof(r"--maxmemory-policy noeviction|--workers 1", "deployment"),
    Proof(r"\[env\].*", "deployment"),
    Proof(r"docker run .*", "words"),
    Proof(r"FROM \S+", "words"),
    Proof(r"git rm .*", "git"),
    Proof(r"# crewmem: ignore\[CM402\] -- .*", "comment"),
    Proof(r"", "nothing"),
    # What these speak to is no part of CrewAI and in none of the environments here: they are only read as what they are.
    Proof(r"(?:QdrantClient|chromadb\.HttpClient)\(.*\)", "read as Python"),
    Proof(r"preload_app = False .*", "read as Python"),
    Proof(r"@celery\.signals\..*", "read as Python"),
    Proof(r"lazy-apps = true", "read as ini"),
    Proof(r'"(?:vector_store|path|config)": .*', "read as a dict's item"),
)
PROOFS = PYTHON + OTHER


def proof_of(snippet: str) -> list[Proof]:
    return [proof for proof in PROOFS if proof.covers(snippet)]
