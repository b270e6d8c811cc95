"""One line that asks for a package, whatever the file's dialect."""

from __future__ import annotations

import re
from typing import Literal

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Requirement
from crewmem_doctor.model.record import dataclass

# How much an entry decides: a lock beats an exact pin, a pin beats a range, and an origin that is no release
# ("unknown": a repository, a folder) beats a range, too, since it is what gets installed.
Rank = Literal["lock", "pin", "unknown", "range"]
RANKS: tuple[Rank, ...] = ("lock", "pin", "unknown", "range")
_LINE = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*"
    r"(?:@\s*(?P<url>\S+)|\(?\s*(?P<spec>(?:===|==|~=|!=|<=|>=|<|>)[^;#)]*)?\)?)\s*(?:;(?P<marker>.*))?\s*$")
_EXACT = re.compile(r"={2,3}\s*v?\d+(?:\.\d+)*(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)[-_.]?\d*)*"
                    r"(?:\+[\w.]+)?$", re.IGNORECASE)
_TAGGED = re.compile(r"@v?(\d+\.\d+(?:\.\d+)?)(?:#.*)?$")
_WHEEL = re.compile(r"(?:^|/)([A-Za-z0-9_.]+?)-(\d+(?:\.\d+)+)(?:-[\w.]+-[\w.]+-[\w.]+\.whl|\.tar\.gz|\.zip)(?:#.*)?$")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?")
_ELSEWHERE = re.compile(
    r"(?:sys_platform|platform_system|os_name)\s*==\s*['\"](?:win32|cygwin|windows|darwin|nt)['\"]", re.IGNORECASE)
_USERINFO = re.compile(r"(://)[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Entry:
    """`specifier` is as written; `pep440` its alternatives as PEP 440 specifiers (any of them admits a release). `home`
    is the folder whose code the file speaks for. `weak` marks lists for development, tests and documentation."""

    name: str
    specifier: str
    at: Location
    home: str
    rank: Rank
    pep440: tuple[str, ...] = ("",)
    extras: tuple[str, ...] = ()
    weak: bool = False
    constraint: bool = False

    @property
    def requirement(self) -> Requirement:
        return Requirement(self.name, self.specifier, self.at, self.extras, self.rank in ("lock", "pin"))


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def folder(path: str) -> str:
    """The folder whose code a file of requirements speaks for: that of `requirements/prod.txt` is the one above."""
    parent, _, _ = path.rpartition("/")
    above, _, last = parent.rpartition("/")
    return above if last.lower() in ("requirements", "reqs", "requirement", "deps", ".config") else parent


_WEAK = re.compile(
    r"(?:^|[-_./])(?:dev|develop|development|tests?|testing|docs?|lint|typing|ci|bench|benchmark|notebook)(?:[-_.]|$)")


def is_weak(name: str) -> bool:
    """Whether a file or group is for development by its name."""
    return _WEAK.search(name.lower()) is not None


def parse_line(line: str, at: Location, home: str, *, weak: bool = False, constraint: bool = False) -> Entry | None:
    """A PEP 508 requirement, a URL or a file; None where the line is something else, or for another system only."""
    text = line.strip()
    match = _LINE.match(text)
    if match is None or (match["url"] is None and re.match(r"[\w.+-]+://|\.{0,2}/", text)):
        return _from_url(text, at, home, weak)
    if match["marker"] and _ELSEWHERE.search(match["marker"]):
        return None
    name = normalised(match["name"])
    extras = tuple(sorted(e.strip().lower() for e in (match["extras"] or "").split(",") if e.strip()))
    if match["url"]:
        found = _from_url(match["url"], at, home, weak, name)
        return found and Entry(name, found.specifier, at, home, found.rank, found.pep440, extras, weak, constraint)
    specifier = re.sub(r"\s+", "", match["spec"] or "")
    rank: Rank = "pin" if _EXACT.match(specifier) else "range"
    return Entry(name, specifier, at, home, rank, (specifier,), extras, weak, constraint)


def _from_url(url: str, at: Location, home: str, weak: bool, name: str = "") -> Entry | None:
    """A requirement by its origin. A tag or a file name that is a release number is as good as a pin."""
    shown = _USERINFO.sub(r"\1", url)
    if wheel := _WHEEL.search(url):
        version = f"=={wheel[2]}"
        return Entry(name or normalised(wheel[1]), version, at, home, "pin", (version,), weak=weak)
    egg = _EGG.search(url)
    name = name or (normalised(egg[1]) if egg else "")
    if not name:
        last = re.split(r"[@#?]", re.sub(r"^[\w.+-]+://[^/]*", "", url))[0].rstrip("/").rpartition("/")[2]
        name = normalised(last.removesuffix(".git"))
    if not name:
        return None
    if tag := _TAGGED.search(url):
        return Entry(name, f"@ {shown}", at, home, "pin", (f"=={tag[1]}",), weak=weak)
    return Entry(name, f"@ {shown}", at, home, "unknown", weak=weak)


def from_poetry(name: str, value: object, at: Location, home: str, weak: bool) -> Entry | None:
    """A value of Poetry's, Pipenv's or Pixi's tables: a text, or a table with `version`, `git`, `path`, `url`."""
    extras: tuple[str, ...] = ()
    if isinstance(value, dict):
        listed = value.get("extras")
        extras = tuple(str(e).lower() for e in listed) if isinstance(listed, list) else ()
        markers = value.get("markers") or value.get("platform") or ""
        if isinstance(markers, str) and (_ELSEWHERE.search(markers) or markers in ("win32", "darwin")):
            return None
        origin = next((str(value[k]) for k in ("git", "url", "path", "file") if value.get(k)), "")
        if origin:
            tag = value.get("tag") or value.get("rev") or value.get("ref") or ""
            found = _from_url(f"{origin}@{tag}" if tag else origin, at, home, weak, normalised(name))
            return found and Entry(found.name, found.specifier, at, home, found.rank, found.pep440, extras, weak)
        value = value.get("version", "*")
    if not isinstance(value, str):
        return None
    alternatives = tuple(",".join(_pep440(part) for part in re.split(r"[,\s]+", _joined(option)) if part)
                         for option in re.split(r"\|\|?", value))
    exact = len(alternatives) == 1 and _EXACT.match(alternatives[0])
    shown = "" if value.strip() == "*" else value.strip()
    return Entry(normalised(name), shown, at, home, "pin" if exact else "range", alternatives, extras, weak)


def _joined(option: str) -> str:
    """Operators stand next to their number: ">= 1.0, < 2" → ">=1.0, <2"."""
    return re.sub(r"([<>=!~^]+)\s+", r"\1", option.strip())


def _pep440(part: str) -> str:
    """One clause of Poetry's: a caret keeps the first number that is not zero, a tilde the second; a bare one is
    exact."""
    if part == "*":
        return ""
    if part.startswith(("==", "!=", "<=", ">=", "~=", "<", ">")):
        return part
    operator = part[0] if part[0] in "^~=" else ""
    number = part[len(operator):].lstrip("=v")
    if operator in ("", "="):
        return f"=={number}"
    pieces = [int(n) for n in re.findall(r"\d+", re.split(r"[a-zA-Z-]", number)[0])]
    if not pieces:
        return ""
    if operator == "~":
        place = min(1, len(pieces) - 1)
    else:
        place = next((i for i, n in enumerate(pieces) if n), len(pieces) - 1)
    upper = [*pieces[:place], pieces[place] + 1]
    return f">={number},<{'.'.join(map(str, upper))}"
