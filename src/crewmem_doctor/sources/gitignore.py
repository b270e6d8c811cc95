"""The patterns of .gitignore files, as git reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crewmem_doctor.model.record import dataclass

# A pattern with more `**` than this is dropped: matching it may take a time that grows with their number.
_MOST_DOUBLE_STARS = 4
_POSIX_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": " \\t", "cntrl": "\\x00-\\x1f\\x7f", "digit": "0-9",
    "graph": "\\x21-\\x7e", "lower": "a-z", "print": "\\x20-\\x7e", "punct": "!-/:-@\\[-`{-~",
    "space": " \\t\\n\\r\\f\\v", "upper": "A-Z", "xdigit": "0-9A-Fa-f",
}
_MAGIC = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class _Pattern:
    negated: bool
    directories_only: bool
    whole_path: bool        # matched against the path below the file's directory, not against the last name alone
    glob: str


class _Run:
    """Patterns of one polarity that stand next to each other, sorted by how cheaply they can be tested."""

    def __init__(self, patterns: list[_Pattern]) -> None:
        self.ignores = not patterns[0].negated
        names = [p for p in patterns if not p.whole_path]
        paths = [p for p in patterns if p.whole_path]
        self._file_names = _NameTest(p.glob for p in names if not p.directories_only)
        self._directory_names = _NameTest(p.glob for p in names)
        self._file_paths = _expression(p.glob for p in paths if not p.directories_only)
        self._directory_paths = _expression(p.glob for p in paths)

    def matches(self, name: str, path: str, is_dir: bool) -> bool:
        if (self._directory_names if is_dir else self._file_names).matches(name):
            return True
        expression = self._directory_paths if is_dir else self._file_paths
        return expression is not None and expression.fullmatch(path) is not None


class _NameTest:
    """Tests of a single name: most are constants (`build`) or suffixes (`*.pyc`), which need no expression."""

    def __init__(self, globs: Iterable[str]) -> None:
        constants, suffixes, others = set(), [], []
        for glob in globs:
            if not _MAGIC.search(glob):
                constants.add(glob)
            elif glob[0] == "*" and len(glob) > 1 and not _MAGIC.search(glob, 1):
                suffixes.append(glob[1:])
            else:
                others.append(glob)
        self._constants = frozenset(constants)
        self._suffixes = tuple(suffixes)
        self._expression = _expression(others)

    def matches(self, name: str) -> bool:
        if name in self._constants or name.endswith(self._suffixes):
            return True
        return self._expression is not None and self._expression.fullmatch(name) is not None


class IgnoreFile:
    """One .gitignore. `base` is its directory relative to the root: "" or "app/web/" with the final slash."""

    def __init__(self, text: str, base: str = "") -> None:
        self.base = base
        self._runs = list(_runs(_patterns(text)))
        self._runs.reverse()

    def decide(self, name: str, path: str, is_dir: bool) -> bool | None:
        """True: ignored, False: taken back by a `!` pattern, None: this file has no say. `path` is from the root."""
        below = path[len(self.base):]
        for run in self._runs:
            if run.matches(name, below, is_dir):
                return run.ignores
        return None

    def __bool__(self) -> bool:
        return bool(self._runs)


def ignored(chain: tuple[IgnoreFile, ...], name: str, path: str, is_dir: bool) -> bool:
    """Whether `path` is ignored by the files of its own directory and those above, outermost first in `chain`.

    Says nothing of an ignored parent directory: as in git, nobody looks inside those.
    """
    for file in reversed(chain):
        decision = file.decide(name, path, is_dir)
        if decision is not None:
            return decision
    return False


def _runs(patterns: Iterable[_Pattern]) -> Iterator[_Run]:
    current: list[_Pattern] = []
    for pattern in patterns:
        if current and current[-1].negated != pattern.negated:
            yield _Run(current)
            current = []
        current.append(pattern)
    if current:
        yield _Run(current)


def _patterns(text: str) -> Iterator[_Pattern]:
    for line in text.removeprefix("\ufeff").split("\n"):
        glob = _without_trailing_spaces(line.removesuffix("\r"))
        if not glob or glob.startswith("#"):
            continue
        negated = glob.startswith("!")
        glob = glob[1:] if negated else glob
        directories_only = glob.endswith("/")
        glob = glob[:-1] if directories_only else glob
        whole_path = "/" in glob
        glob = glob.removeprefix("/")
        if glob:
            yield _Pattern(negated, directories_only, whole_path, glob)


def _without_trailing_spaces(line: str) -> str:
    """Trailing spaces do not count unless a backslash stands before them."""
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if backslashes % 2 and len(kept) < len(line) else kept


def _expression(globs: Iterable[str]) -> re.Pattern[str] | None:
    """One expression that matches what any of `globs` matches; None where there is nothing to match."""
    sources: list[str] = []
    for glob in globs:
        source = _translate(glob, f"g{len(sources)}_")
        if source is not None:
            sources.append(source)
    return re.compile("|".join(sources), re.DOTALL) if sources else None


def _translate(glob: str, prefix: str) -> str | None:
    """The expression of one pattern; None for one that can match nothing (an open bracket, a final backslash)."""
    segments = glob.split("/")
    collapsed = [s for i, s in enumerate(segments) if s != "**" or i == 0 or segments[i - 1] != "**"]
    if collapsed.count("**") > _MOST_DOUBLE_STARS:
        return None
    out = []
    last = len(collapsed) - 1
    for i, segment in enumerate(collapsed):
        if segment == "**":
            # A leading or inner `**/` is any number of directories, a final `/**` everything inside.
            out.append("(?:[^/]+/)*" if i < last else "[^/].*")
            continue
        source = _segment(segment, f"{prefix}{i}_")
        if source is None:
            return None
        out.append(source if i == last else source + "/")
    return "".join(out)


def _segment(glob: str, prefix: str) -> str | None:
    pieces: list[str] = [""]        # what stands between the stars
    i = 0
    while i < len(glob):
        char = glob[i]
        i += 1
        if char == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
        elif char == "?":
            pieces[-1] += "[^/]"
        elif char == "[":
            source, i = _bracket(glob, i)
            if source is None:
                return None
            pieces[-1] += source
        elif char == "\\":
            if i == len(glob):
                return None
            pieces[-1] += re.escape(glob[i])
            i += 1
        else:
            pieces[-1] += re.escape(char)
    if len(pieces) < 4:
        return "[^/]*".join(pieces)
    # The first place where a piece fits is as good as any later one, so nothing need ever be tried again.
    inner = "".join(f"(?=(?P<{prefix}{n}>[^/]*?{piece}))(?P={prefix}{n})" for n, piece in enumerate(pieces[1:-1]))
    return f"{pieces[0]}{inner}[^/]*{pieces[-1]}"


def _bracket(glob: str, i: int) -> tuple[str | None, int]:
    """The character class that begins after the `[` before `i`, and the place behind it."""
    negated = glob[i:i + 1] in ("!", "^")
    i += negated
    start = i
    out: list[str] = []
    while i < len(glob):
        char = glob[i]
        if char == "]" and i > start:
            return ("[^/" if negated else "(?!/)[") + "".join(out) + "]", i + 1
        if char == "[" and glob.startswith(":", i + 1):
            end = glob.find(":]", i + 2)
            known = _POSIX_CLASSES.get(glob[i + 2:end]) if end != -1 else None
            if known is None:
                return None, i
            out.append(known)
            i = end + 2
            continue
        if char == "\\":
            i += 1
            char = glob[i:i + 1]
        i += 1
        if glob[i:i + 1] == "-" and glob[i + 1:i + 2] not in ("", "]"):
            i += 1 + (glob[i + 1] == "\\")
            high = glob[i:i + 1]
            i += 1
            if char <= high:
                out.append(f"{re.escape(char)}-{re.escape(high)}")
            continue
        out.append(re.escape(char))
    return None, i
