"""`python script.py`, `python -m module` and `python -c code`."""

from __future__ import annotations

import re

from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.sources.shell import Word

_PROGRAM = re.compile(r"(python|pypy)(\d+(\.\d+)?)?[a-z]?(\.exe)?$")
_VALUES = ("-X", "-W", "--check-hash-based-pycs")
_IMPORTED = re.compile(r"(?:^|[;\s])(?:from|import)\s+([A-Za-z_][\w.]*)")
# Modules that end by themselves, or serve nothing of the application.
_ONE_SHOT = frozenset(
    (
        "pip",
        "venv",
        "ensurepip",
        "alembic",
        "compileall",
        "pytest",
        "unittest",
        "json.tool",
        "spacy",
        "nltk.downloader",
        "nltk",
        "playwright",
        "prisma",
        "black",
        "ruff",
        "mypy",
        "build",
        "http.server",
        "site",
        "coverage",
        "poetry",
        "uv",
        "pipenv",
        "aerich",
        "camoufox",
        "zipfile",
        "tox",
    )
)


def is_python(name: str) -> bool:
    return _PROGRAM.match(name) is not None


def module_call(words: tuple[Word, ...]) -> tuple[Word, ...] | None:
    """The words after `-m`: the module and its arguments; None where there is no `-m`."""
    i = _first(words)
    if i < len(words) and words[i].text == "-m":
        return words[i + 1 :]
    if i < len(words) and words[i].text.startswith("-m") and len(words[i].text) > 2:
        return (Word(words[i].text[2:], words[i].at), *words[i + 1 :])
    return None


def script_call(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The script and its arguments; empty where there is none."""
    i = _first(words)
    return words[i:] if i < len(words) and not words[i].text.startswith("-") else ()


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """The script, the module, or for `-c` the first module that its code imports of the tree."""
    module = module_call(words)
    if module is not None:
        if not module or module[0].text in _ONE_SHOT:
            return ()
        return (scene.process(words, "python", scene.shown(module[0])),)
    script = script_call(words)
    if script:
        return (scene.process(words, "python", scene.shown(script[0])),)
    i = _first(words)
    if i < len(words) and words[i].text.startswith("-c"):
        code = words[i].text[2:] or (words[i + 1].text if i + 1 < len(words) else "")
        return (scene.process(words, "python", _imported(code, scene)),)
    return ()


def _first(words: tuple[Word, ...]) -> int:
    """Where the script, `-m` or `-c` stands."""
    i = 1
    while i < len(words):
        text = words[i].text
        if text in _VALUES:
            i += 2
        elif not text.startswith("-") or text == "-" or text.startswith(("-m", "-c")):
            break
        else:
            i += 1
    return i


def _imported(code: str, scene: Scene) -> str:
    for module in _IMPORTED.findall(code[:4096]):
        path = module.replace(".", "/")
        if scene.find(f"{path}.py") or scene.find(f"{path}/__init__.py"):
            return str(module)
    return ""
