"""A stand-in for an interpreter with CrewAI, for what the real one cannot be made to do: to lose records, to die, to hang.

It has the few names that the probe uses of 1.15, keeps each record in a file, and takes no seconds to import. What the
real package does is shown by `test_real.py`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

LANCEDB = '''
import json, os, pathlib, uuid
BEHAVIOUR = {behaviour!r}
KEPT = {{}}

class Record:
    def __init__(self, content, id, scope): self.content, self.id, self.scope, self.embedding = content, id, scope, [0.0]

class LanceDBStorage:
    def __init__(self, path=None, table_name="memories"):
        setting = os.environ.get("CREWAI_STORAGE_DIR")
        share = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
        default = os.path.join(setting or os.path.join(share, os.path.basename(os.getcwd())), "memory")
        self._path = pathlib.Path(path or default)
        if BEHAVIOUR == "elsewhere":
            self._path = self._path.parent / "another"
        self._path.mkdir(parents=True, exist_ok=True)
        self.folder = self._path / (table_name + ".lance")
        self.stale = BEHAVIOUR == "stale" and not self.folder.exists()
    def save(self, content, scope):
        if BEHAVIOUR == "ram":
            KEPT[content] = scope
            return
        if BEHAVIOUR == "unwritable":
            raise RuntimeError("lance error: LanceError(IO): Permission denied (os error 13)")
        if BEHAVIOUR == "full":
            raise OSError(28, "No space left on device")
        self.folder.mkdir(exist_ok=True)
        (self.folder / (uuid.uuid4().hex + ".json")).write_text(json.dumps([content, scope]))
        if BEHAVIOUR == "dies":
            os.abort()
        if BEHAVIOUR == "hangs":
            import time
            time.sleep(600)
    def records(self):
        if self.stale:
            return []
        found = [Record(text, text, scope) for text, scope in KEPT.items()]
        for file in self.folder.glob("*.json") if self.folder.is_dir() else ():
            content, scope = json.loads(file.read_text())
            found.append(Record(content, file.name, scope))
        return found
'''
MEMORY = '''
import threading, time
from crewai.memory.storage.lancedb_storage import LanceDBStorage

class Match:
    def __init__(self, record): self.record = record

class Memory:
    def __init__(self, llm=None, embedder=None, storage=None):
        self._storage = LanceDBStorage() if storage is None else storage
    def remember(self, text, scope=None, categories=None, importance=None):
        print("\\N{BRAIN} Memory Save")
        self._storage.save(text, scope)
    def remember_many(self, texts, **how):
        def later():
            time.sleep(0.3)
            for text in texts: self.remember(text, **how)
        threading.Thread(target=later, daemon=True).start()
    def recall(self, text, scope=None, depth=None, limit=10):
        return [Match(record) for record in self._storage.records() if record.content == text]
    def list_records(self, scope=None, limit=10):
        return self._storage.records()
'''
IMPORT = '''
import os, pathlib
__version__ = {version!r}
try:
    pathlib.Path({marker!r}).touch()
except PermissionError:
    pass    # run as another user
if {behaviour!r} == "no-home":
    raise PermissionError(13, "Permission denied", os.path.expanduser("~/.local/share/crewai"))
if {behaviour!r} == "broken":
    import lancedb_that_is_not_there
os.makedirs(os.path.expanduser("~/.local/share/crewai/credentials"), exist_ok=True)
pathlib.Path(os.path.expanduser("~/.local/share/crewai/credentials/secret.key")).touch()
os.makedirs(os.path.expanduser("~/.config/crewai"), exist_ok=True)
print("welcome on standard output")
'''
FILES = {
    "memory/__init__.py": "", "memory/storage/__init__.py": "", "llms/__init__.py": "", "memory/unified_memory.py": MEMORY,
    "llms/base_llm.py": "class BaseLLM:\n    def __init__(self, model): self.model = model\n",
}


class StandIn:
    """An interpreter below `root`. `python` starts it; `imported` is a file that importing CrewAI leaves."""

    def __init__(self, root: Path, behaviour: str = "", version: str = "1.15.30", base: str = sys.executable) -> None:
        site = root / "site"
        self.imported = root / "imported"
        package = site / "crewai"
        for name, text in FILES.items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(text, encoding="utf-8")
        (package / "memory/storage/lancedb_storage.py").write_text(LANCEDB.format(behaviour=behaviour))
        (package / "__init__.py").write_text(
            IMPORT.format(behaviour=behaviour, version=version, marker=str(self.imported)))
        if behaviour != "absent":
            info = site / f"crewai-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: crewai\nVersion: {version}\n")
        self.bin = root / "bin"
        self.bin.mkdir()
        self.python = self.bin / "python3"
        self.python.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {base} "$@"\n')
        self.python.chmod(0o755)


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that lies in a folder: the contents of files, None for folders."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
            for path in sorted(folder.rglob("*"))}


def environment(home: Path) -> dict[str, str]:
    """A home and a temporary directory of a test's own."""
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    return {"HOME": str(home / "home"), "TMPDIR": str(home / "tmp"), "PATH": os.environ["PATH"]}
