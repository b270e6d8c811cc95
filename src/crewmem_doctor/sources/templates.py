"""Go, Helm and Jinja templates in YAML, masked so that the rest of the file still parses.

Every masked character is replaced by one character, and line breaks stay, so positions in the masked text are positions
in the file.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from crewmem_doctor.model.record import dataclass

FILLER = "\ue000"                       # private use: legal in a plain YAML scalar, and found in no real file
_SPAN = re.compile(r"\{ ?\{.*?\} ?\}|\{%.*?%\}", re.DOTALL)     # formatters turn `{{ x }}` into `{ { x } }`
_RUN = re.compile(f"{FILLER}+")


@dataclass(frozen=True, slots=True)
class Masked:
    """`text` is parseable. `directive` is the line of the first template that stands alone on its line and so decides
    which lines there are (`{{- if }}`, `{% for %}`), 0 where there is none."""

    text: str
    spans: tuple[tuple[int, str], ...] = ()
    directive: int = 0

    def restore(self, value: str, start: int) -> str:
        """`value` of the scalar that begins at `start`, with its templates as they were written."""
        position = bisect_left(self.spans, (start, ""))
        originals = iter(self.spans[position:])
        return _RUN.sub(lambda _run: next(originals, (0, "{{ }}"))[1], value)


def has_templates(text: str) -> bool:
    """True where `mask` would find something, or an opening that is never closed."""
    return "{{" in text or "{%" in text or "{ {" in text


def mask(text: str) -> Masked:
    """Templates that fill whole lines become comments, the others become filler of the same length."""
    parts: list[str] = []
    spans: list[tuple[int, str]] = []
    directive = done = 0
    for match in _SPAN.finditer(text):
        start, end = match.span()
        before = text[text.rfind("\n", 0, start) + 1:start]
        line_end = text.find("\n", end)
        after = text[end:len(text) if line_end < 0 else line_end].strip()
        alone = _nothing_but_templates(before) and (_nothing_but_templates(after) or after.startswith("#"))
        parts.append(text[done:start])
        if alone or "\n" in match[0]:
            directive = directive or text.count("\n", 0, start) + 1
            parts.append("\n".join("#" + " " * (len(line) - 1) if line else "" for line in match[0].split("\n")))
        else:
            spans.append((start, match[0]))
            parts.append(FILLER * (end - start))
        done = end
    parts.append(text[done:])
    return Masked("".join(parts), tuple(spans), directive)


def _nothing_but_templates(text: str) -> bool:
    return not _SPAN.sub("", text).strip()
