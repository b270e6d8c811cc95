"""Keeps passwords and tokens out of every output. All formats and all error messages pass through here.

A URL is printed without userinfo and query; what looks like a token, or stands as plain text behind a name such as
`password`, becomes `***`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

HIDDEN = "***"
_URL = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*://([^\s"'`<>|\\^\[\](){},]|\$\{[^}\s]*\}|\{[^}\s]*\}|\[[0-9A-Fa-f:.%]+\])*""")
# What is left of a URL that something took for a path: postgresql:/user:password@host.
_COLLAPSED = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:/(?!/)(?P<userinfo>[^\s/@:"']*:[^\s@"']*@)""")
_TOKEN = re.compile(
    r"""\b(?:sk|pk|rk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9_-]{8,}|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}"""
    r"""|\bglpat-[\w-]{16,}|\bxox[abeoprs]-[A-Za-z0-9-]{8,}|\b(?:AKIA|ASIA)[0-9A-Z]{12,}|\bAIza[\w-]{30,}"""
    r"""|\bhf_[A-Za-z0-9]{20,}|\bgsk_[A-Za-z0-9]{16,}|\bm0-[A-Za-z0-9]{16,}|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"""
    r"""|(?<=Bearer )[\w.~+/=-]{8,}|(?<=Basic )[\w+/=]{8,}""")
_NAME = r"""(?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|private|secret|auth)[_-]?key|credentials?)"""
# A literal behind such a name. Not a reference ($VAR, {{ … }}, os.getenv(…), settings.key), not prose, not a flag.
_QUOTED = r"""(?:f|r|b|u)?(?:"(?P<double>[^"{}$\n]+)"|'(?P<single>[^'{}$\n]+)'"""
_ASSIGNED = re.compile(
    r"""(?i:\b[\w.-]*""" + _NAME + r"""["']?\]?\s*(?:=|:(?!=)|=>)\s*)""" + _QUOTED
    + r"""|(?<==)(?P<bare>[^\s"'`,;#&(){}\[\]$./|<>\\:=]{4,})(?=$|[\s,;&#"'])"""
    + r"""|(?<=:[ \t])(?P<last>[^\s"'`,;#&(){}\[\]$./|<>\\:=]{4,})(?=\s*(?:#|$)))""")
_FLAG = re.compile(
    r"""--?(?:require)?(?:pass(?:word|wd)?|token|api-key|secret)(?:\s+|["']?,\s*["']?)"""
    r"""(?P<bare>[^\s"'$,\]-][^\s"'$,\]]*)""")
_VARIABLE = re.compile(
    r"""\b[A-Z][A-Z0-9_]*(?:PASSWORD|PASSWD|PASS|SECRET|TOKEN|KEY|CREDENTIALS?)["']?\s*(?:=|:(?!\?))\s*"""
    r"""(?P<bare>[^\s"'$(){}\[\],;]{4,})"""
    r"""(?=$|[\s"',;])""")
_HARMLESS = re.compile(r"(?i)(?:none|null|true|false|str|int|bool|bytes|optional|field|required|self|\*+)")


def redact(text: str) -> str:
    """`text` without userinfo and query of URLs, and without what looks like a secret."""
    out: list[str] = []
    at = 0
    for start, end, shown in hidden(text):
        out += [text[at:start], shown]
        at = end
    return "".join(out) + text[at:] if out else text


def hidden(text: str) -> list[tuple[int, int, str]]:
    """The spans that `redact` replaces and what by, in order, without overlaps. Excerpts need them to keep underlines
    in place."""
    found = sorted((*_urls(text), *_secrets(text)), key=lambda span: (span[0], -span[1]))
    out: list[tuple[int, int, str]] = []
    for span in found:
        if not out or span[0] >= out[-1][1]:
            out.append(span)
    return out


def _urls(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _COLLAPSED.finditer(text) if "@" in text else ():
        yield match.start("userinfo"), match.end("userinfo"), ""
    for match in _URL.finditer(text) if "://" in text else ():
        yield from _parts(text, match)


def _parts(text: str, match: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """The userinfo of a URL, and its query with the fragment."""
    start = match.start() + match[0].index("://") + 3
    rest = text[start:match.end()]
    cut = _userinfo(rest)
    if cut:
        yield start, start + cut, ""
    query = min((i for i in (rest.find("?", cut), rest.find("#", cut)) if i >= 0), default=-1)
    if query >= 0:
        yield start + query, match.end(), ""


def _userinfo(rest: str) -> int:
    """How much of what follows `://` is userinfo. A password may hold an unquoted `/`, `?`, `#` or `@`."""
    if "@" not in rest:
        return 0
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    port = authority.rpartition(":")[2] if ":" in authority else ""
    if "@" in authority or (port and not port.isdigit()):
        return rest.rindex("@") + 1
    return 0


def _secrets(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _TOKEN.finditer(text):
        yield match.start(), match.end(), HIDDEN
    for pattern in (_ASSIGNED, _VARIABLE, _FLAG):
        for match in pattern.finditer(text):
            group = next(name for name, value in match.groupdict().items() if value is not None)
            if not _HARMLESS.fullmatch(match[group]):
                yield match.start(group), match.end(group), HIDDEN
