"""Options of command lines, read tolerantly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crewmem_doctor.sources.shell import Word


@dataclass(frozen=True, slots=True)
class Options:
    """`values` by canonical name, in order; `flags` are options without a value; the rest are positional."""

    values: tuple[tuple[str, Word], ...]
    flags: frozenset[str]
    positional: tuple[Word, ...]

    def get(self, name: str) -> Word | None:
        """The last value given for an option."""
        return next((word for key, word in reversed(self.values) if key == name), None)

    def all(self, name: str) -> tuple[Word, ...]:
        return tuple(word for key, word in self.values if key == name)

    def first(self) -> Word | None:
        return self.positional[0] if self.positional else None


def read_options(words: tuple[Word, ...], names: Mapping[str, str], flags: str = "") -> Options:
    """The options among `words` (without the program).

    `names` leads from every spelling of an option that takes a value to its canonical name; `flags` lists those that
    take none. Any other long option is believed to take the next word unless that looks like an option itself.
    """
    alone = frozenset(flags.split())
    values: list[tuple[str, Word]] = []
    seen: set[str] = set()
    rest: list[Word] = []
    i = 0
    while i < len(words):
        word = words[i]
        text = word.text
        i += 1
        if text == "--":
            rest.extend(words[i:])
            break
        if not text.startswith("-") or text == "-":
            rest.append(word)
            continue
        name, equals, value = text.partition("=")
        name = name if name in alone else _whole(name, names)
        short = text[:2]
        if equals and (name in names or name.startswith("--")):
            values.append((names.get(name, name), Word(value, word.at, word.literal)))
        elif name in alone:
            seen.add(name)
        elif not name.startswith("--") and short in names and len(text) > 2:
            values.append((names[short], Word(text[2:].removeprefix("="), word.at, word.literal)))
        elif i < len(words) and (
            name in names or (name.startswith("--") and (words[i].text == "-" or not words[i].text.startswith("-")))
        ):
            values.append((names.get(name, name), words[i]))
            i += 1
        else:
            seen.add(name)
    return Options(tuple(values), frozenset(seen), tuple(rest))


def _whole(name: str, names: Mapping[str, str]) -> str:
    """argparse accepts the beginning of a long option where only one begins so (`--conf`)."""
    if name in names or not name.startswith("--") or len(name) < 6:
        return name
    found = [full for full in names if full.startswith(name)]
    return found[0] if len(found) == 1 else name
