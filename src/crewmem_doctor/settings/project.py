"""`[tool.crewmem-doctor]` of the pyproject.toml that a scan root stands under."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crewmem_doctor.errors import ConfigurationError
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.settings.options import OPTIONS
from crewmem_doctor.settings.readers import did_you_mean


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


def from_pyproject(root: Path) -> dict[str, Any]:
    """Values for Settings. Raises ConfigurationError where the table cannot be used as it is written."""
    table, config, prefix = _project_table(root)
    return _values(table, config, prefix)


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


def _values(table: Mapping[str, Any], config: Path | None, prefix: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if config is None:
        return values
    options = {option.key: option for option in OPTIONS if option.project}
    for key, value in table.items():
        name = f"{config.name}: [tool.crewmem-doctor] {key}"
        if key == "probe":
            values["probe_http"] = _probe_http(value, name)
            continue
        if key not in options:
            raise ConfigurationError(f"{name} is not an option{did_you_mean(key, (*options, 'probe'))}")
        if key == "ignore" and isinstance(value, list):
            tables = [item for item in value if isinstance(item, dict)]
            values["ignores"] = _ignores(tables, config, prefix)
            value = [item for item in value if not isinstance(item, dict)]
        values[options[key].name] = options[key].read(value, name, ConfigurationError)
    return values


def _probe_http(value: Any, name: str) -> Mapping[str, Any]:
    """`[tool.crewmem-doctor.probe.http]`; its keys are checked where they are used."""
    if not isinstance(value, dict) or set(value) - {"http"} or not isinstance(value.get("http", {}), dict):
        raise ConfigurationError(f"{name} takes one table: [tool.crewmem-doctor.probe.http]")
    found: Mapping[str, Any] = value.get("http", {})
    return found


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
