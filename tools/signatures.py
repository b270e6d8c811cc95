"""Which arguments CrewAI's classes take in every release, and what becomes of the others: read from the wheels.

    python tools/signatures.py download FOLDER       fetch every final release since memory began, with pip
    python tools/signatures.py write FOLDER          write releases/_signatures.py and releases/_releases.py
    python tools/signatures.py check FOLDER          compare them with the wheels there
    python tools/signatures.py show FOLDER CLASS     what each release takes

The wheels are read as archives and parsed; nothing of them is imported or run.
"""

from __future__ import annotations

import ast
import datetime
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crewmem_doctor.model.release import Version
from packages import Defined, Package, download, released, statements, wheels

NAME = "crewai"
FIRST = Version(0, 27, 0)      # the first release with a memory
DATA = Path(__file__).resolve().parents[1] / "src" / "crewmem_doctor" / "releases"
# Where each class stood, newest place first.
CLASSES: Mapping[str, tuple[str, ...]] = {
    "Crew": ("crewai.crew",),
    "Agent": ("crewai.agent.core", "crewai.agent"),
    "Flow": ("crewai.flow.flow",),
    "Memory": ("crewai.memory.unified_memory",),
    "MemoryScope": ("crewai.memory.memory_scope",),
    "MemorySlice": ("crewai.memory.memory_scope",),
    "ShortTermMemory": ("crewai.memory.short_term.short_term_memory",),
    "LongTermMemory": ("crewai.memory.long_term.long_term_memory",),
    "EntityMemory": ("crewai.memory.entity.entity_memory",),
    "ExternalMemory": ("crewai.memory.external.external_memory",),
    "UserMemory": ("crewai.memory.user.user_memory",),
    "RAGStorage": ("crewai.memory.storage.rag_storage",),
    "LTMSQLiteStorage": ("crewai.memory.storage.ltm_sqlite_storage",),
    "Mem0Storage": ("crewai.memory.storage.mem0_storage",),
    "LanceDBStorage": ("crewai.memory.storage.lancedb_storage",),
    "QdrantEdgeStorage": ("crewai.memory.storage.qdrant_edge_storage",),
    "SQLiteFlowPersistence": ("crewai.flow.persistence.sqlite",),
    "CheckpointConfig": ("crewai.state.checkpoint_config",),
}
METHODS: Mapping[str, tuple[str, ...]] = {
    "Crew": ("kickoff", "kickoff_async", "akickoff", "kickoff_for_each", "kickoff_for_each_async", "akickoff_for_each"),
    "Flow": ("kickoff", "kickoff_async", "akickoff"),
    "Agent": ("kickoff", "kickoff_async", "akickoff"),
    "Memory": ("remember", "remember_many", "recall", "scope", "slice"),
}
# Arguments whose declared type decides what may be handed over.
TYPED = {"Crew": ("memory", "short_term_memory", "long_term_memory", "entity_memory", "external_memory", "user_memory"),
         "Agent": ("memory",), "Memory": ("storage",), "LongTermMemory": ("storage",), "ShortTermMemory": ("storage",),
         "EntityMemory": ("storage",), "ExternalMemory": ("storage",)}
# Modules whose comings and goings are written down, and packages whose exports are.
MODULES = ("crewai.memory.", "crewai.flow.persistence", "crewai.state.checkpoint_config")
EXPORTS = ("crewai", "crewai.memory", "crewai.flow.persistence")
# Of `crewai` itself, which exports much else.
OF_MEMORY = ("Memory", "Checkpoint")
OUTSIDE = ("pydantic.", "abc.", "typing.", "typing_extensions.")


class Unreadable(Exception):
    """A class whose arguments the syntax does not show."""


@dataclass(frozen=True)
class Signature:
    """`rest` is what becomes of an argument of another name: "ignored", "TypeError" or "ValidationError"."""

    names: frozenset[str]
    rest: str
    types: Mapping[str, str]


class Reader:
    """The signatures of one release."""

    def __init__(self, package: Package) -> None:
        self.package = package

    def all(self) -> dict[str, Signature]:
        """By class ("Crew") and by method ("Crew.kickoff"); without those that the release does not have."""
        found: dict[str, Signature] = {}
        for name, modules in CLASSES.items():
            defined = next((d for m in modules if (d := self.package.find(f"{m}.{name}")) is not None), None)
            if defined is None:
                continue
            line = self.line(defined)
            found[name] = self.construct(line)
            for method in METHODS.get(name, ()):
                taken = self.call(line, method)
                if taken is not None:
                    found[f"{name}.{method}"] = taken
        return found

    def imports(self) -> set[str]:
        """The modules of memory and of kept state, and the names that their packages export."""
        found = {module for module in self.package.modules if module.startswith(MODULES)}
        for module in EXPORTS:
            wanted = OF_MEMORY if module == NAME else ("",)
            found.update(f"{module}.{name}" for name in self.package.exported(module) if any(word in name for word in wanted))
        return found

    def line(self, defined: Defined) -> list[Defined]:
        """The class and its bases within the package, nearest first; each once, where Python looks for it last."""
        out = [defined]
        for base in self.bases(defined):
            for one in self.line(base):
                out = [d for d in out if d.name != one.name] + [one]
        return out

    def bases(self, defined: Defined) -> Iterator[Defined]:
        for name in base_names(defined.node):
            target = self.target(defined.module, name)
            found = self.package.find(target)
            if found is not None:
                yield found
            elif not target.startswith(OUTSIDE) and name not in ("object", "Exception"):
                raise Unreadable(f"{defined.name} inherits from {target}, which the package does not define")

    def target(self, module: str, name: str) -> str:
        """The full name of what a module calls by that name."""
        first, dot, rest = name.partition(".")
        return f"{self.package.imported(module, first) or f'{module}.{first}'}{dot}{rest}"

    def is_model(self, line: Iterable[Defined]) -> bool:
        return any(self.target(d.module, name) == "pydantic.BaseModel" for d in line for name in base_names(d.node))

    def construct(self, line: list[Defined], start: int = 0) -> Signature:
        """What constructing the first class of the line takes; constructors before `start` have handed on to the next."""
        for index in range(start, len(line)):
            function = method_of(line[index].node, "__init__")
            if function is not None:
                own = plain(function)
                if function.args.kwarg is None or not hands_on(function, "__init__"):
                    return own
                base = self.construct(line, index + 1)
                return Signature(own.names | base.names, base.rest, {**base.types, **own.types})
        if self.is_model(line):
            return self.model(line)
        types = {name: text for d in reversed(line) if is_dataclass(d.node) for name, text in annotated(d.node)}
        return Signature(frozenset(types), "TypeError", types)

    def call(self, line: list[Defined], name: str) -> Signature | None:
        """What a method takes; one that hands `**kwargs` on also takes what the next class's method does."""
        for index, defined in enumerate(line):
            function = method_of(defined.node, name)
            if function is not None:
                own = plain(function)
                base = self.call(line[index + 1:], name) if function.args.kwarg is not None and hands_on(function, name) else None
                return own if base is None else Signature(own.names | base.names, base.rest, {**base.types, **own.types})
        return None

    def model(self, line: list[Defined]) -> Signature:
        """A pydantic model: its annotated fields, those of every model that it inherits from, and what it pops."""
        types: dict[str, str] = {}
        extra = "ignore"
        for index in range(len(line) - 1, -1, -1):
            if self.is_model(line[index:index + 1]) or self.is_model(self.line(line[index])):
                node = line[index].node
                types.update(annotated(node))
                types.update(dict.fromkeys(popped(node), "Any"))
                extra = extra_of(node) or extra
        return Signature(frozenset(types), "ValidationError" if extra == "forbid" else "ignored", types)


def base_names(node: ast.ClassDef) -> list[str]:
    """The bases by name, without their type parameters."""
    plain_bases = [b.value if isinstance(b, ast.Subscript) else b for b in node.bases]
    return [ast.unparse(b) for b in plain_bases if isinstance(b, (ast.Name, ast.Attribute))]


def method_of(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """The last definition of that name, which is the one that counts (earlier ones are overloads)."""
    found = [s for s in statements(node.body) if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)) and s.name == name]
    return found[-1] if found else None  # type: ignore[return-value]


def plain(function: ast.FunctionDef) -> Signature:
    """A function's own parameters, without the first, which is `self`."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args][1:] + given.kwonlyargs
    types = {a.arg: ast.unparse(a.annotation) if a.annotation is not None else "Any" for a in arguments}
    return Signature(frozenset(types), "ignored" if given.kwarg is not None else "TypeError", types)


def hands_on(function: ast.FunctionDef, method: str) -> bool:
    """Whether the arguments that it takes as `**data` go to the same method of the base."""
    data = function.args.kwarg.arg if function.args.kwarg is not None else ""
    calls = [n for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == method]
    return any(isinstance(n, ast.Name) and n.id == data for c in calls for k in c.keywords for n in ast.walk(k.value))


def is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(d) for d in node.decorator_list)


def annotated(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The fields of a model by the name that its constructor takes, with their declared types."""
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        text = ast.unparse(statement.annotation)
        name = statement.target.id
        if not name.startswith("_") and not text.startswith("ClassVar") and name != "model_config":
            yield alias_of(statement.value) or name, text


def alias_of(value: ast.expr | None) -> str:
    for keyword in value.keywords if isinstance(value, ast.Call) else ():
        if keyword.arg in ("alias", "validation_alias") and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return ""


def popped(node: ast.ClassDef) -> Iterator[str]:
    """What a validator takes out of the arguments before pydantic sees them."""
    for function in node.body:
        if not isinstance(function, ast.FunctionDef) or not any(_comes_first(d) for d in function.decorator_list):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "pop" and call.args:
                first = call.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value


def _comes_first(decorator: ast.expr) -> bool:
    text = ast.unparse(decorator)
    return text.startswith("model_validator") and ("'before'" in text or "'wrap'" in text)


def extra_of(node: ast.ClassDef) -> str:
    """`model_config = ConfigDict(extra="…")`, or `class Config: extra = "…"`."""
    for inner in ast.walk(node):
        value = None
        if isinstance(inner, ast.keyword) and inner.arg == "extra":
            value = inner.value
        if isinstance(inner, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "extra" for t in inner.targets):
            value = inner.value
        if isinstance(value, ast.Constant) and value.value in ("forbid", "allow", "ignore"):
            return str(value.value)
        if isinstance(value, ast.Attribute) and value.attr in ("forbid", "allow", "ignore"):
            return value.attr
    return ""


def spans(releases: list[Version], holds: Callable[[Version], bool]) -> str:
    """"0.63.0-1.10.1 1.12.1-": from a release that has it up to, not including, the next that has not."""
    out: list[str] = []
    inside = False
    for version in releases:
        if holds(version) != inside:
            inside = not inside
            out.append(f" {version}-" if inside else str(version))
    return "".join(out).strip()


def valued(releases: list[Version], value: Callable[[Version], str]) -> str:
    """"0.27.0-1.10.1 bool; 1.10.1- Any": each value with the span in which it holds; none where it is empty."""
    out: list[str] = []
    for version, before in zip(releases, [None, *releases[:-1]], strict=True):
        word, last = value(version), "" if before is None else value(before)
        if word != last:
            if last:
                out[-1] = out[-1].replace("-", f"-{version}", 1)
            if word:
                out.append(f"{version}- {word}")
    return "; ".join(out)


@dataclass(frozen=True)
class Reading:
    """What one release has: `signatures` by class or method, and `imports`."""

    signatures: Mapping[str, Signature]
    imports: frozenset[str]

    @classmethod
    def of(cls, package: Package) -> Reading:
        reader = Reader(package)
        return cls(reader.all(), frozenset(reader.imports()))


@dataclass(frozen=True)
class Tables:
    """What the data module holds, each table from a name to spans as text."""

    arguments: Mapping[str, Mapping[str, str]]
    others: Mapping[str, str]
    types: Mapping[str, str]
    imports: Mapping[str, str]


def read(folder: Path) -> dict[Version, Reading]:
    return {version: Reading.of(Package.of_wheel(path)) for version, path in wheels(NAME, folder) if version >= FIRST}


def tables(found: Mapping[Version, Reading]) -> Tables:
    releases = sorted(found)
    arguments: dict[str, dict[str, str]] = {}
    others: dict[str, str] = {}
    types: dict[str, str] = {}
    for owner in sorted({owner for reading in found.values() for owner in reading.signatures}):
        at = {v: found[v].signatures[owner] for v in releases if owner in found[v].signatures}
        arguments[owner] = {name: spans(releases, _having(at, name)) for name in sorted({n for s in at.values() for n in s.names})}
        others[owner] = valued(releases, _rest(at))
        for name in TYPED.get(owner, ()):
            types[f"{owner}.{name}"] = valued(releases, _type(at, name))
    names = sorted({name for reading in found.values() for name in reading.imports})
    return Tables(arguments, others, types, {name: spans(releases, _importing(found, name)) for name in names})


def _having(at: Mapping[Version, Signature], name: str) -> Callable[[Version], bool]:
    return lambda version: version in at and name in at[version].names


def _rest(at: Mapping[Version, Signature]) -> Callable[[Version], str]:
    return lambda version: at[version].rest if version in at else ""


def _type(at: Mapping[Version, Signature], name: str) -> Callable[[Version], str]:
    return lambda version: at[version].types.get(name, "") if version in at else ""


def _importing(found: Mapping[Version, Reading], name: str) -> Callable[[Version], bool]:
    return lambda version: name in found[version].imports


SIGNATURES_HEAD = '''"""Written by tools/signatures.py from the published wheels of CrewAI {first} to {last}; do not edit.

A span "0.63.0-1.10.1" holds from 0.63.0 up to, not including, 1.10.1; "1.12.1-" up to the newest.
"""
# fmt: off
# ruff: noqa: E501

# class or method → the releases that take an argument → which arguments
'''
RELEASES_HEAD = '''"""Written by tools/signatures.py from the package index; do not edit."""

READ_ON = "{day}"
# Every final release by minor: "0.28" was released as 0.28.0 to 0.28.8.
MICROS = {{
'''


def signatures_text(found: Mapping[Version, Reading]) -> str:
    data = tables(found)
    out = [SIGNATURES_HEAD.format(first=min(found), last=max(found)).rstrip("\n"), "ARGUMENTS: dict[str, dict[str, str]] = {"]
    for owner, names in data.arguments.items():
        out += [f'    "{owner}": {{', *(f"    {line}" for line in grouped(names)), "    },"]
    out += ["}", "", "# class or method → what becomes of every other argument", "OTHERS: dict[str, str] = {"]
    out += [f'    "{owner}": "{text}",' for owner, text in data.others.items()]
    out += ["}", "", "# class and argument → its declared type", "TYPES: dict[str, str] = {"]
    out += [f'    "{owner}": {text!r},' for owner, text in data.types.items()]
    out += ["}", "", "# the releases that have a module, or a name in one → which", "IMPORTS: dict[str, str] = {", *grouped(data.imports)]
    return "\n".join([*out, "}", ""])


def grouped(names: Mapping[str, str]) -> list[str]:
    """Lines `"span": "name name …",`, earliest spans first."""
    by_span: dict[str, list[str]] = {}
    for name, text in names.items():
        by_span.setdefault(text, []).append(name)
    return [f'    "{text}": "{" ".join(words)}",' for text, words in sorted(by_span.items(), key=lambda item: _first(item[0]))]


def _first(text: str) -> tuple[Version, str]:
    version = Version.parse(text)
    assert version is not None
    return version, text


def releases_text(known: Iterable[Version], day: str) -> str:
    micros: dict[str, list[str]] = {}
    for version in sorted(known):
        micros.setdefault(f"{version.major}.{version.minor}", []).append(str(version.micro))
    lines = [f'    "{minor}": "{" ".join(words)}",' for minor, words in micros.items()]
    return RELEASES_HEAD.format(day=day) + "\n".join([*lines, "}", ""])


def write(folder: Path) -> int:
    known = released(NAME)
    (DATA / "_releases.py").write_text(releases_text(known, datetime.date.today().isoformat()), encoding="utf-8")
    (DATA / "_signatures.py").write_text(signatures_text(read(folder)), encoding="utf-8")
    return lacking(folder, known)


def lacking(folder: Path, known: Iterable[Version]) -> int:
    missing = sorted({v for v in known if v >= FIRST} - {v for v, _ in wheels(NAME, folder)})
    if missing:
        print(f"not in {folder}: {', '.join(map(str, missing))}", file=sys.stderr)
    return 1 if missing else 0


def check(folder: Path) -> int:
    """Whether the data is what the wheels say. The folder must have every release that the data knows."""
    from crewmem_doctor.releases.known import KNOWN

    written = (DATA / "_signatures.py").read_text(encoding="utf-8")
    unknown = sorted({v for v, _ in wheels(NAME, folder)} - set(KNOWN))
    if unknown:
        print(f"not in the list of releases: {', '.join(map(str, unknown))}", file=sys.stderr)
    status = lacking(folder, KNOWN)
    if not status and signatures_text(read(folder)) != written:
        print("_signatures.py is not what the wheels say: run python tools/signatures.py write FOLDER", file=sys.stderr)
        return 1
    return 1 if unknown else status


def show(folder: Path, owner: str) -> int:
    data = tables(read(folder))
    for name, text in data.arguments.get(owner, {}).items():
        print(f"{name:32} {text}")
    print(f"{'any other':32} {data.others.get(owner, 'no such class')}")
    return 0


def main(words: list[str]) -> int:
    if len(words) == 2 and words[0] == "download":
        failed = download(NAME, tuple(v for v in released(NAME) if v >= FIRST), Path(words[1]))
        print("\n".join(failed), file=sys.stderr, end="\n" if failed else "")
        return 1 if failed else 0
    if len(words) == 2 and words[0] in ("write", "check"):
        return {"write": write, "check": check}[words[0]](Path(words[1]))
    if len(words) == 3 and words[0] == "show":
        return show(Path(words[1]), words[2])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
