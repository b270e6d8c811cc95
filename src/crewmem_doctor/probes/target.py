"""What is probed: the words of the command line as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from crewmem_doctor.errors import UsageError
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.redact import HIDDEN, redact
from crewmem_doctor.settings.readers import did_you_mean

Kind = Literal["crewai", "crew", "redis", "postgres", "sqlite", "http", "compose", "k8s", "exec"]
SCHEMES: Mapping[str, Kind] = {
    "redis": "redis", "rediss": "redis", "valkey": "redis", "valkeys": "redis",
    "redis+sentinel": "redis", "rediss+sentinel": "redis", "redis+cluster": "redis", "rediss+cluster": "redis",
    "postgresql": "postgres", "postgres": "postgres", "sqlite": "sqlite", "http": "http", "https": "http",
}
WORDS: tuple[Kind, ...] = ("crewai", "crew", "compose", "k8s", "exec")


@dataclass(frozen=True, slots=True)
class Target:
    """`text` is the target as it was given, secrets included; `shown` is what may be printed. `rest` is what stands
    behind the kind: "pkg.module:factory" of "crew:pkg.module:factory"; empty for URLs."""

    kind: Kind
    text: str
    shown: str
    rest: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must appear nowhere, in the ways in which an error message might spell it."""
        if "://" not in self.text:
            return ()
        try:
            parts = urlsplit(self.text)
            given = [parts.password or ""]
        except ValueError:
            given = []
        given += re.findall(r"(?i)[?&](?:password|pass|token|api[-_]?key|sslpassword|secret)=([^&#]+)", self.text)
        return tuple({spelling for word in given if word for spelling in (word, unquote(word))})


def parse(word: str, environ: Mapping[str, str]) -> Target:
    """The target that a word names. `env:NAME` and `file:PATH` stand for a target that a variable or a file holds, to
    keep its password out of the command line.

    Raises UsageError for a word that names no kind of target.
    """
    text = _resolved(word.strip(), environ)
    scheme, mark, _ = text.partition("://")
    if mark:
        # SQLAlchemy's names say which driver is meant: postgresql+psycopg.
        kind = SCHEMES.get(scheme.lower()) or SCHEMES.get(re.sub(r"\+(?!sentinel|cluster).*", "", scheme.lower()))
        if kind is None:
            raise UsageError(f"{redact(text)} cannot be probed: {scheme}:// is none of {', '.join(SCHEMES)}")
        return Target(kind, text, _shown(kind, text))
    kind_word, _, rest = text.partition(":")
    if kind_word not in WORDS:
        known = (*WORDS, *SCHEMES)
        raise UsageError(f"{redact(word)!r} names nothing to probe: a target is a URL ({', '.join(SCHEMES)}), "
                         f"env:NAME, file:PATH, or begins with {', '.join(WORDS)}{did_you_mean(kind_word, known)}")
    found = next(kind for kind in WORDS if kind == kind_word)
    _require(found, rest)
    return Target(found, text, redact(text), rest)


def _shown(kind: Kind, text: str) -> str:
    """A store's URL without userinfo and query. One whose password holds an unquoted / ? or # cannot be told apart from
    one without a password, and is hidden."""
    if kind not in ("redis", "postgres"):
        return redact(text)
    scheme, _, rest = text.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path, _, query = rest[len(authority):].partition("?")
    is_place = "@" in authority or re.fullmatch(r"[^:]*(?::\d*)?(?:,[^:]*(?::\d*)?)*|.*\]:?\d*", authority)
    if "@" in path or ("@" in query and not (is_place and re.match(r"[\w.-]+=", query))):
        return f"{scheme}://{HIDDEN}"
    return redact(f"{scheme}://{authority.rpartition('@')[2]}{path.partition('#')[0]}")


def _resolved(word: str, environ: Mapping[str, str]) -> str:
    if word.startswith("env:"):
        value = environ.get(word[4:], "").strip()
        if not value:
            raise UsageError(f"--probe {word}: the environment variable {word[4:]} is not set")
        return value
    if word.startswith("file:"):
        try:
            value = Path(word[5:].removeprefix("//")).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise UsageError(f"--probe {word}: the file could not be read: "
                             f"{getattr(error, 'strerror', None) or error}") from None
        if not value:
            raise UsageError(f"--probe {word}: the file is empty")
        return value
    return word


def _require(kind: Kind, rest: str) -> None:
    """What stands behind the colon, where it must have a shape."""
    shapes = {
        "crew": (r"[\w.]+:[\w.]+", "crew:package.module:factory"),
        "compose": (r"\S+", "compose:SERVICE"),
        "k8s": (r"[^/\s]+/\S+", "k8s:NAMESPACE/WORKLOAD"),
        "exec": (r".*\S\s*::\s*\S.*", "exec:COMMAND1::COMMAND2, e.g. exec:ssh a::ssh b"),
    }
    if kind in shapes and not re.fullmatch(shapes[kind][0], rest, re.DOTALL):
        raise UsageError(f"{kind}:{redact(rest)} cannot be read; it is written {shapes[kind][1]}")
