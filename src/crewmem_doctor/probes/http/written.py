"""The request as a person wrote it: a small file, or the same keys in `[tool.crewmem-doctor.probe.http]`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crewmem_doctor.errors import UsageError
from crewmem_doctor.probes.http.template import CREDENTIALS, PLACE, RECALL, REMEMBER, Body, Template
from crewmem_doctor.settings import Settings, did_you_mean

KEYS = ("method", "path", "headers", "query", "json", "form", "text", "reply", "remember", "recall")
BODIES: tuple[Body, ...] = ("json", "form", "text")
TABLE = "[tool.crewmem-doctor.probe.http]"


def written(settings: Settings, environ: Mapping[str, str]) -> Template | None:
    """What `--probe-request` or `pyproject.toml` says, None where neither does.

    Raises UsageError for what cannot be used as it is written.
    """
    if settings.probe_request:
        return read(_loaded(Path(settings.probe_request)), settings.probe_request, environ)
    if settings.probe_http:
        return read(settings.probe_http, f"pyproject.toml: {TABLE}", environ)
    return None


def _loaded(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"--probe-request {path} could not be read: {why}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise UsageError(f"--probe-request {path} is not valid YAML{line}: "
                         f"{getattr(error, 'problem', None) or 'it cannot be parsed'}") from None
    except RecursionError:
        raise UsageError(f"--probe-request {path} is nested too deeply") from None


def read(table: Any, where: str, environ: Mapping[str, str]) -> Template:
    """The template that the keys of `table` describe. `where` names the file in messages."""
    if not isinstance(table, Mapping):
        raise UsageError(f"{where} holds no keys; it takes {', '.join(KEYS)}")
    for key in table:
        if key not in KEYS:
            raise UsageError(f"{where}: {key} is none of {', '.join(KEYS)}{did_you_mean(str(key), KEYS)}")
    bodies = [kind for kind in BODIES if kind in table]
    if len(bodies) > 1:
        raise UsageError(f"{where}: {' and '.join(bodies)} are two bodies; a request has one")
    kind: Body = bodies[0] if bodies else "none"
    method = _string(table, "method", where, "GET" if kind == "none" else "POST").upper()
    if not re.fullmatch(r"[A-Z]+", method):
        raise UsageError(f"{where}: method is {method!r}, but takes a word such as POST")
    template = Template(
        where, method=method, path=_path(table, where), headers=_headers(table, where), query=_query(table, where),
        kind=kind, body=_body(table, kind, where), reply=_string(table, "reply", where),
        remember=_string(table, "remember", where, REMEMBER), recall=_string(table, "recall", where, RECALL),
        values=_values(table, where, environ))
    if "message" not in template.places:
        raise UsageError(f"{where}: the request has no {{message}}, so nothing can be said with it; "
                         f'write for instance json: {{message: "{{message}}"}}')
    if "{codeword}" not in template.remember:
        raise UsageError(f"{where}: remember must hold {{codeword}}, e.g. {REMEMBER!r}")
    if "{codeword}" in template.recall:
        raise UsageError(f"{where}: recall must not hold {{codeword}}: an application that repeats the question would "
                         "seem to remember it")
    return template


def _string(table: Mapping[str, Any], key: str, where: str, default: str = "") -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or (key in table and not value.strip()):
        raise UsageError(f"{where}: {key} takes a string that is not empty")
    return value


def _path(table: Mapping[str, Any], where: str) -> str:
    path = _string(table, "path", where)
    if path and (not path.startswith("/") or path.startswith("//") or re.search(r"[\s\\#]", path)):
        raise UsageError(f"{where}: path is {path!r}, but is appended to the target's URL and begins with one /")
    return path


def _headers(table: Mapping[str, Any], where: str) -> dict[str, str]:
    found = _mapping(table, "headers", where)
    headers: dict[str, str] = {}
    for name, value in found.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", str(name)):
            raise UsageError(f"{where}: {name!r} is no name of a header")
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or re.search(r"[\r\n]", str(value)):
            raise UsageError(f"{where}: the header {name} takes a string in one line")
        if CREDENTIALS.fullmatch(str(name)) and not PLACE.search(str(value)):
            raise UsageError(f"{where}: the header {name} holds credentials: put them into an environment variable and "
                             f'write its name, e.g. {name}: "{_hint(str(name))}"')
        headers[str(name)] = str(value)
    return headers


def _hint(name: str) -> str:
    return "Bearer ${API_TOKEN}" if name.lower().endswith("authorization") else "${API_TOKEN}"


def _query(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = _mapping(table, "query", where)
    for name, value in found.items():
        if isinstance(value, (Mapping, list)):
            raise UsageError(f"{where}: query.{name} takes one value")
    return {str(name): value for name, value in found.items()}


def _body(table: Mapping[str, Any], kind: Body, where: str) -> Any:
    if kind == "form":
        return {str(name): value for name, value in _mapping(table, "form", where).items()}
    if kind == "text":
        return _string(table, "text", where)
    if kind == "json":
        try:
            json.dumps(table["json"], allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise UsageError(f"{where}: json holds something that JSON cannot say; quote dates and times") from None
        return table["json"]
    return None


def _mapping(table: Mapping[str, Any], key: str, where: str) -> Mapping[Any, Any]:
    value = table.get(key) or {}
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: {key} takes names with values")
    return value


def _values(table: Mapping[str, Any], where: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that the request names, with what the environment says."""
    sent = {key: table[key] for key in ("path", "headers", "query", *BODIES) if key in table}
    names = sorted({match["name"] for match in PLACE.finditer(json.dumps(sent, default=str)) if match["name"]})
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise UsageError(f"{where} names ${{{missing[0]}}}, but the environment variable {missing[0]} is not set")
    return {name: environ[name] for name in names}
