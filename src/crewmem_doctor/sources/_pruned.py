"""Which folders and files a walk leaves out, by name and by what lies beside them."""

from __future__ import annotations

from collections.abc import Collection

# Nothing in these was written by the project's people.
PRUNED = frozenset((
    ".git", ".hg", ".svn", ".bzr", "CVS", "_darcs", ".history",
    "node_modules", "bower_components", "jspm_packages", ".yarn", ".pnpm-store", ".next", ".nuxt", ".svelte-kit",
    "site-packages", "dist-packages", "__pypackages__", "__pycache__", ".eggs", ".tox", ".nox",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".pytype", ".hypothesis", ".ipynb_checkpoints", ".cache",
    ".uv-cache", ".terraform", ".aws-sam", ".serverless", ".vercel", ".netlify", ".idea", ".vscode",
))
# Code that is no part of what is deployed. Judged by the folders below the root only.
ASIDE = frozenset((
    "test", "tests", "testing", "__tests__", "e2e", "fixtures", "example", "examples", "doc", "docs", "notebook",
    "notebooks", "benchmark", "benchmarks",
))
_ENVIRONMENTS = frozenset(("venv", ".venv", "env", ".env", "virtualenv", ".virtualenv", "myenv", "myvenv"))


def is_pruned_directory(name: str, siblings: Collection[str]) -> bool:
    """Whether a folder need not be opened. `siblings` are the names beside it."""
    if name in PRUNED or name.endswith((".egg-info", ".dist-info")):
        return True
    return name in ("build", "dist") and any(sibling.endswith(".egg-info") for sibling in siblings)


def is_foreign(name: str, names: Collection[str]) -> bool:
    """Whether a folder called `name` with these `names` in it is a virtual environment or a copy of CrewAI itself."""
    if "pyvenv.cfg" in names or "conda-meta" in names:
        return True
    if name.lower() in _ENVIRONMENTS:
        scripts = "bin" in names or "Scripts" in names
        if scripts and ("lib" in names or "Lib" in names or "lib64" in names):
            return True
    return "__init__.py" in names and is_crewai(name, names)


def is_crewai(name: str, names: Collection[str]) -> bool:
    """Whether a package is CrewAI's own source (vendored, forked, or its repository)."""
    if "crew.py" in names and "task.py" in names and "process.py" in names:
        return name == "crewai" or ("memory" in names and "telemetry" in names and "utilities" in names)
    if name == "crewai_tools":
        return "tools" in names and "adapters" in names
    if name == "crewai_core":
        return "paths.py" in names
    return name == "crewai_cli" and "cli.py" in names


def is_aside_file(name: str) -> bool:
    """Whether a Python file is a test by its name."""
    return name.startswith("test_") or name.endswith("_test.py") or name in ("conftest.py", "tests.py", "test.py")


_SUFFIXES = frozenset((
    "yaml", "yml", "toml", "cfg", "ini", "conf", "sh", "bash", "lock", "env", "service", "timer", "dockerfile",
    "containerfile", "pip", "tf", "bicep", "procfile", "nix", "crontab", "cron", "template",
))
_JSON = frozenset((
    "vercel.json", "railway.json", "serverless.json", "now.json", "app.json", "fly.json", "cdk.json",
    "zappa_settings.json",
    "dockerrun.aws.json", "docker-compose.json", "compose.json", "devcontainer.json", "pipfile.lock", "heroku.json",
    "copilot.json", "crew.json", "crew.jsonc", "host.json", "function.json", "supervisord.json", "template.json",
))
_NAMES = frozenset(("pipfile", "procfile", "makefile", "justfile", "crontab", "crontab.txt", "readme.md"))
_TEXTS = frozenset((
    "dev", "prod", "base", "common", "production", "main", "runtime", "conda", "packages", "deps", "dependencies",
))
_BEGINNINGS = (".env", "env.", "dockerfile", "containerfile", "procfile")
_JSON_WORDS = ("task-def", "task_def", "taskdef", "container-def", "container_def", "ecs", "railway")


def is_candidate(name: str) -> bool:
    """Whether a file that is not Python may hold a requirement, a setting or a deployment."""
    low = name.lower()
    stem, dot, suffix = low.rpartition(".")
    if (dot and suffix in _SUFFIXES) or low in _NAMES:
        return True
    if suffix == "json" or suffix == "jsonc":
        return low in _JSON or any(word in stem for word in _JSON_WORDS)
    if suffix == "txt" or suffix == "in":
        return "require" in stem or "constraint" in stem or stem in _TEXTS
    return low.startswith(_BEGINNINGS) or "entrypoint" in low
