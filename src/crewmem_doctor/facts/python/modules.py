"""Which scanned file an import loads."""

from __future__ import annotations

import posixpath
import sys
from collections import defaultdict
from collections.abc import Iterable

# What is installed wins over a scanned file of the same name: `import redis` beside app/redis.py.
_INSTALLED = frozenset(sys.stdlib_module_names) | {
    "crewai",
    "crewai_tools",
    "crewai_core",
    "mem0",
    "fastapi",
    "starlette",
    "flask",
    "django",
    "celery",
    "redis",
    "rq",
    "openai",
    "anthropic",
    "langchain",
    "langchain_core",
    "langchain_openai",
    "langchain_community",
    "pydantic",
    "pydantic_settings",
    "streamlit",
    "gradio",
    "chainlit",
    "chromadb",
    "qdrant_client",
    "lancedb",
    "sqlalchemy",
    "requests",
    "httpx",
    "numpy",
    "pandas",
    "yaml",
    "dotenv",
    "uvicorn",
    "gunicorn",
    "aiohttp",
    "telegram",
    "discord",
    "slack_bolt",
    "boto3",
    "psycopg",
    "psycopg2",
    "pymongo",
    "weaviate",
    "zep_cloud",
    "litellm",
    "uuid",
    "typing_extensions",
}
_SOURCE_ROOTS = {"src", "lib", "backend", "server", "api", "app", "python", "service", "worker", "agents"}


def dotted_names(path: str) -> tuple[str, ...]:
    """The names a file may be imported by, the one from the scan root first: every tail of its path."""
    stem = path[:-3] if path.endswith(".py") else path
    parts = stem.split("/")
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return tuple(".".join(parts[i:]) for i in range(len(parts))) or ("",)


class Locator:
    """Finds modules and namespace folders by the end of their path, near the importer first."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = frozenset(paths)
        self._by_tail: defaultdict[str, list[str]] = defaultdict(list)
        self._folders: defaultdict[str, list[str]] = defaultdict(list)
        self.packages: set[str] = set()
        folders: set[str] = set()
        for path in sorted(self.paths):
            folder, _, name = path.rpartition("/")
            if name == "__init__.py":
                self.packages.add(folder)
                self._by_tail[folder.rpartition("/")[2]].append(path)
            else:
                self._by_tail[name[:-3]].append(path)
            while folder and folder not in folders:
                folders.add(folder)
                self._folders[folder.rpartition("/")[2]].append(folder)
                folder = folder.rpartition("/")[0]
        self._cache: dict[tuple[str, str, bool], str] = {}

    def inside(self, folder: str, name: str) -> str:
        """The file or, with a trailing slash, the namespace folder called `name` in `folder`."""
        path = f"{folder}/{name}" if folder else name
        if f"{path}/__init__.py" in self.paths:
            return f"{path}/__init__.py"
        if f"{path}.py" in self.paths:
            return f"{path}.py"
        return f"{path}/" if path in self._folders.get(name, ()) else ""

    def find(self, dotted: str, importer: str, exact: bool = False) -> str:
        """The file of a module name, a folder with a trailing slash where it has none, or "". `exact` is for names
        counted from the scan root, as relative imports give them."""
        here = importer.rpartition("/")[0]
        key = (dotted, here, exact)
        found = self._cache.get(key)
        if found is None:
            self._cache[key] = found = self._exact(dotted) if exact else self._near(dotted, here)
        return found

    def _exact(self, dotted: str) -> str:
        folder, _, name = dotted.replace(".", "/").rpartition("/")
        return self.inside(folder, name) if name else ""

    def _near(self, dotted: str, here: str) -> str:
        parts = dotted.split(".")
        if parts[0] in _INSTALLED or not parts[-1]:
            return ""
        best: tuple[tuple[int, int, int], str] | None = None
        for suffix, candidates in self._candidates(dotted.replace(".", "/"), parts[-1]):
            for path in candidates:
                if path != suffix and not path.endswith("/" + suffix):
                    continue
                rank = self._rank(path[: len(path) - len(suffix)].rstrip("/"), here, parts)
                if rank is not None and (best is None or rank > best[0]):
                    best = (rank, path)
        if best is None:
            return ""
        return best[1] if best[1].endswith(".py") else best[1] + "/"

    def _candidates(self, suffix: str, tail: str) -> list[tuple[str, list[str]]]:
        files = self._by_tail.get(tail, [])
        found = [(f"{suffix}/__init__.py", files), (f"{suffix}.py", files)]
        return (
            found
            if any(p == s or p.endswith("/" + s) for s, c in found for p in c)
            else [(suffix, self._folders.get(tail, []))]
        )

    def _rank(self, root: str, here: str, parts: list[str]) -> tuple[int, int, int] | None:
        """How likely `root` is on the importer's path; None where it can hardly be."""
        above = not root or here == root or here.startswith(root + "/")
        if above:
            return (2, 0 if root in self.packages and here != root else 1, len(root))
        parent, _, name = root.rpartition("/")
        beside = (not parent or here == parent or here.startswith(parent + "/")) and root not in self.packages
        if len(parts) == 1 and not (beside and name in _SOURCE_ROOTS):
            return (0, 0, 0) if self._member_of_workspace(root, parts[0]) else None
        shared = len(posixpath.commonprefix([root + "/", here + "/"]))
        return (1, int(beside), shared)

    def _member_of_workspace(self, root: str, package: str) -> bool:
        """Whether `root` holds the one installable package of that name: `libs/crews/src/crews`, `libs/crews/crews`."""
        homes = [p.rpartition("/")[0] for p in self._by_tail.get(package, ()) if p.endswith(f"/{package}/__init__.py")]
        project = root.removesuffix("/src").rpartition("/")[2].replace("-", "_")
        laid_out = root.endswith("/src") or project == package
        return laid_out and len(homes) == 1 and homes[0] == f"{root}/{package}" and root not in self.packages
