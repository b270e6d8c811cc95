"""What the user asked for: one frozen value, put together from flags, the environment and `pyproject.toml`.

Precedence: flag, `CREWMEM_DOCTOR_<OPTION>`, `[tool.crewmem-doctor]`, default. Which rules exist is not known here; the
words of `select`, `ignore` and `ignores` are checked by `policy.check`.
"""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crewmem_doctor.errors import ConfigurationError, CrewmemError, UsageError
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.release import Version

FAIL_ON = ("error", "warning", "note", "never")
PREFIX = "CREWMEM_DOCTOR_"


@dataclass(frozen=True, slots=True)
class Ignore:
    """A `[[tool.crewmem-doctor.ignore]]` table. `path` is a glob relative to the scan root.

    `at` is the table's heading.
    """

    rule: str
    path: str
    reason: str
    at: Location
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides what is looked at and what counts.

    `exclude` holds patterns as in a .gitignore of the root. `jobs` 0 means as many as help. The fields from `formats`
    on concern only the command line.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str = "warning"
    strict: bool = False
    include_tests: bool = False
    crewai_version: Version | None = None
    jobs: int = 0
    exclude: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    formats: tuple[str, ...] = ()
    output: str = ""
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False


def load_settings(root: Path, flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The settings for a scan of `root`. A flag that was not given is None or absent in `flags`.

    Raises ConfigurationError for a `pyproject.toml` that cannot be used, UsageError for a flag or variable.
    """
    table, config, prefix = _project_table(root)
    values: dict[str, Any] = _from_pyproject(table, config, prefix)
    for option in OPTIONS:
        text = environ.get(PREFIX + option.name.upper(), "")
        if text.strip():
            values[option.name] = option.read(text, f"{PREFIX}{option.name.upper()}", UsageError)
    for option in OPTIONS:
        given = flags.get(option.name)
        if given is not None and given != () and given != []:
            values[option.name] = option.read(given, "--" + option.key, UsageError)
    return Settings(**values)


Reader = Callable[[Any, str, type[CrewmemError]], Any]


def _flag(value: Any, name: str, error: type[CrewmemError]) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if isinstance(value, str) and word in ("1", "true", "yes", "on"):
        return True
    if isinstance(value, str) and word in ("0", "false", "no", "off"):
        return False
    raise error(f"{name} is {value!r}, but takes true or false")


def _words(value: Any, name: str, error: type[CrewmemError]) -> tuple[str, ...]:
    """A list of words; text is split at commas, also inside each item."""
    items: Sequence[Any] = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise error(f"{name} takes a list of strings")
    return tuple(word.strip() for item in items for word in item.split(",") if word.strip())


def _text(value: Any, name: str, error: type[CrewmemError]) -> str:
    if not isinstance(value, str):
        raise error(f"{name} takes a string")
    return value


def _threshold(value: Any, name: str, error: type[CrewmemError]) -> str:
    word = str(value).strip().lower()
    if word not in FAIL_ON:
        raise error(f"{name} is {value!r}, but takes one of {', '.join(FAIL_ON)}{did_you_mean(word, FAIL_ON)}")
    return word


def _version(value: Any, name: str, error: type[CrewmemError]) -> Version:
    shaped = isinstance(value, str) and re.fullmatch(r"\s*v?\d+(\.\d+){1,2}\s*", value)
    version = Version.parse(value) if shaped else None
    if version is None:
        raise error(f"{name} is {value!r}, but takes a release such as 1.15.30")
    return version


def _count(value: Any, name: str, error: type[CrewmemError]) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not text.isdecimal():
        raise error(f"{name} is {value!r}, but takes a number that is not negative")
    return int(text)


@dataclass(frozen=True, slots=True)
class Option:
    """An option of `scan`: its name in Settings, how its value is read, and whether pyproject.toml may set it."""

    name: str
    read: Reader
    project: bool = True
    key: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", {"formats": "format"}.get(self.name, self.name.replace("_", "-")))


OPTIONS: tuple[Option, ...] = (
    Option("select", _words), Option("ignore", _words), Option("fail_on", _threshold), Option("strict", _flag),
    Option("include_tests", _flag), Option("crewai_version", _version), Option("jobs", _count),
    Option("exclude", _words), Option("formats", _words), Option("output", _text, project=False),
    Option("quiet", _flag, project=False), Option("verbose", _flag, project=False),
    Option("no_color", _flag, project=False),
)


def did_you_mean(word: str, words: Sequence[str]) -> str:
    """A hint to append to an error message, empty where nothing is near."""
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _project_table(root: Path) -> tuple[Mapping[str, Any], Path | None, str]:
    """`[tool.crewmem-doctor]`, the file it stands in, and where the root lies below that file's folder ("" or "src/").

    The root's own file decides; inside a Git checkout the nearest one above it that has the table does otherwise.
    """
    start = root.resolve()
    checkout = next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            table = _tool_table(path)
            if table is not None:
                below = start.relative_to(folder).as_posix()
                return table, path, "" if below == "." else below + "/"
        if folder == checkout:
            break
    return {}, None, ""


def _tool_table(path: Path) -> Mapping[str, Any] | None:
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        document = toml.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{path.name} could not be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path.name} is not valid TOML: {error}") from None
    tool = document.get("tool")
    table = tool.get("crewmem-doctor") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigurationError(f"{path.name}: [tool.crewmem-doctor] is not a table")
    return table


def _from_pyproject(table: Mapping[str, Any], config: Path | None, prefix: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if config is None:
        return values
    options = {option.key: option for option in OPTIONS if option.project}
    for key, value in table.items():
        name = f"{config.name}: [tool.crewmem-doctor] {key}"
        if key not in options:
            raise ConfigurationError(f"{name} is not an option{did_you_mean(key, tuple(options))}")
        if key == "ignore" and isinstance(value, list):
            tables = [item for item in value if isinstance(item, dict)]
            values["ignores"] = _ignores(tables, config, prefix)
            value = [item for item in value if not isinstance(item, dict)]
        values[options[key].name] = options[key].read(value, name, ConfigurationError)
    return values


def _ignores(tables: Sequence[Mapping[str, Any]], config: Path, prefix: str) -> tuple[Ignore, ...]:
    """The configured suppressions. Headings give their positions; inline tables share that of the key."""
    lines = config.read_bytes().decode("utf-8-sig").splitlines()
    heading = re.compile(r"""\s*\[\[\s*tool\s*\.\s*["']?crewmem-doctor["']?\s*\.\s*["']?ignore["']?\s*\]\]""")
    found = [(number, line) for number, line in enumerate(lines, 1) if heading.match(line)]
    if not found:
        found = [(n, line) for n, line in enumerate(lines, 1) if re.match(r"\s*ignore\s*=", line)] or [(1, "")]
    path = "../" * prefix.count("/") + config.name
    out: list[Ignore] = []
    for index, table in enumerate(tables):
        number, line = found[min(index, len(found) - 1)]
        begin = len(line) - len(line.lstrip()) + 1
        at = Location(path, number, begin, number, len(line.rstrip()) + 1)
        out.append(_ignore(table, at, prefix))
    return tuple(out)


def _ignore(table: Mapping[str, Any], at: Location, prefix: str) -> Ignore:
    where = f"{at}: [[tool.crewmem-doctor.ignore]]"
    known = ("rule", "path", "subject", "reason")
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(f"{where} {key} is not one of {', '.join(known)}{did_you_mean(key, known)}")
        if not isinstance(value, str) or not value.strip():
            raise ConfigurationError(f"{where} {key} takes a string that is not empty")
    for key in ("rule", "path", "reason"):
        if key not in table:
            raise ConfigurationError(f"{where} needs {key} = \"…\"")
    return Ignore(table["rule"].strip(), _below(table["path"].strip(), prefix), table["reason"].strip(), at,
                  table.get("subject", "").strip())


def _below(glob: str, prefix: str) -> str:
    """A glob relative to pyproject.toml, made relative to the scan root."""
    if glob.startswith(prefix):
        return glob[len(prefix):] or "**"
    return glob if "/" not in glob or glob.startswith("**") else "../" * prefix.count("/") + glob
