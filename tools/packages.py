"""Published packages as syntax: downloaded by the ordinary client, opened as archives, never imported."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from crewmem_doctor.model.release import Version

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def released(name: str) -> tuple[Version, ...]:
    """Every final release on the package index, oldest first."""
    done = subprocess.run([*PIP, "index", "versions", name], capture_output=True, text=True, check=True)
    listed = re.search(r"^Available versions: (.*)$", done.stdout, re.MULTILINE)
    found = [] if listed is None else [Version.parse(word) for word in listed[1].split(",")]
    return tuple(sorted({version for version in found if version is not None}))


def download(name: str, versions: tuple[Version, ...], folder: Path, jobs: int = 3) -> list[str]:
    """Fetch the wheels that the folder lacks; what could not be fetched, with pip's last line."""
    folder.mkdir(parents=True, exist_ok=True)
    there = {version for version, _ in wheels(name, folder)}

    def one(version: Version) -> str:
        words = [*PIP, "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", str(folder), f"{name}=={version}"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else f"{version}: {(done.stderr.strip().splitlines() or ['?'])[-1]}"

    with ThreadPoolExecutor(jobs) as pool:
        return [failed for failed in pool.map(one, (v for v in versions if v not in there)) if failed]


def wheels(name: str, folder: Path) -> list[tuple[Version, Path]]:
    """The wheels of a package in a folder, oldest release first."""
    found = []
    for path in folder.glob(f"{name}-*.whl"):
        version = Version.parse(path.name.split("-")[1])
        if version is not None:
            found.append((version, path))
    return sorted(found)


@dataclass(frozen=True)
class Defined:
    """A class and the module that defines it."""

    module: str
    node: ast.ClassDef

    @property
    def name(self) -> str:
        return f"{self.module}.{self.node.name}"


class Package:
    """The modules of one release. `read` gives a file's text by its path, None where there is no such file; `files` are
    the paths of its modules."""

    def __init__(self, read: Callable[[str], str | None], files: Iterable[str]) -> None:
        self._read = read
        self.modules = sorted(f.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for f in files if f.endswith(".py"))
        self.module = functools.lru_cache(maxsize=None)(self._module)

    @classmethod
    def of_wheel(cls, path: Path) -> Package:
        archive = zipfile.ZipFile(path)
        names = set(archive.namelist())
        return cls(lambda name: archive.read(name).decode("utf-8") if name in names else None, names)

    @classmethod
    def of_folder(cls, root: Path, name: str) -> Package:
        """An installed package: `root` is the folder that its own folder lies in."""
        files = [path.relative_to(root).as_posix() for path in (root / name).rglob("*.py")]
        return cls(lambda file: (root / file).read_text(encoding="utf-8") if (root / file).is_file() else None, files)

    def _module(self, dotted: str) -> ast.Module | None:
        path = dotted.replace(".", "/")
        text = self._read(f"{path}.py")
        if text is None:
            text = self._read(f"{path}/__init__.py")
        return None if text is None else ast.parse(text)

    def find(self, dotted: str, depth: int = 8) -> Defined | None:
        """The class of that name, through the imports that bring it there; None where the package has no such class."""
        module, _, name = dotted.rpartition(".")
        tree = self.module(module) if module and depth else None
        if tree is None:
            return None
        for statement in statements(tree.body):
            if isinstance(statement, ast.ClassDef) and statement.name == name:
                return Defined(module, statement)
        target = self.imported(module, name)
        return self.find(target, depth - 1) if target else None

    def imported(self, module: str, name: str) -> str:
        """What a module imports under that name, empty where it does not."""
        tree = self.module(module)
        for statement in statements(tree.body) if tree is not None else ():
            for alias in statement.names if isinstance(statement, (ast.ImportFrom, ast.Import)) else ():
                if (alias.asname or alias.name) == name:
                    return f"{self._origin(module, statement)}{alias.name}"
        return ""

    def exported(self, module: str) -> set[str]:
        """The names of the package's own that a module has: imported from it, defined or listed in `__all__`."""
        found: set[str] = set()
        top = module.partition(".")[0]
        tree = self.module(module)
        for statement in statements(tree.body) if tree is not None else ():
            if isinstance(statement, ast.ImportFrom) and self._origin(module, statement).startswith(f"{top}."):
                found.update(alias.asname or alias.name for alias in statement.names)
            elif isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                found.add(statement.name)
            elif isinstance(statement, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in statement.targets):
                found.update(n.value for n in ast.walk(statement.value) if isinstance(n, ast.Constant) and isinstance(n.value, str))
        return {name for name in found if not name.startswith("_")}

    def _origin(self, module: str, statement: ast.ImportFrom | ast.Import) -> str:
        if isinstance(statement, ast.Import):
            return ""
        if not statement.level:
            return f"{statement.module}."
        package = module if self._read(f"{module.replace('.', '/')}/__init__.py") is not None else module.rpartition(".")[0]
        parts = package.split(".")
        base = ".".join(parts[: len(parts) - statement.level + 1])
        return f"{base}.{statement.module}." if statement.module else f"{base}."


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, those under `if`, `try` and `with` included, but for what only type checkers see."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.Try, ast.With)):
            unseen = isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test)
            for part in ("handlers", "orelse", "finalbody") if unseen else ("body", "handlers", "orelse", "finalbody"):
                for inner in getattr(statement, part, []):
                    yield from statements(inner.body if isinstance(inner, ast.ExceptHandler) else [inner])
