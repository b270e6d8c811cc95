"""Command lines and shell scripts, taken apart tolerantly: any text gives commands, none raises."""

from __future__ import annotations

from collections.abc import Sequence

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell_tokens import Token, Word, tokens

__all__ = ["Branch", "Command", "CommandLine", "Passage", "Word", "commands", "split"]

_PREFIXES = {"!", "time", "then", "else", "do", "{", "coproc"}


@dataclass(frozen=True, slots=True)
class Branch:
    """One way through a construct: two commands with one `construct` and different `number` never both run.

    `kind` is "if", "case", "loop" or "group" (a subshell). `test` holds the words of the `if` condition or the
    subject of `case`, `patterns` the patterns of that case branch (none for `else`).
    """

    construct: int
    number: int
    kind: str
    test: tuple[Word, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command. `assignments` are the `NAME=value` before it; `writes` is the file its output goes to."""

    words: tuple[Word, ...]
    at: Location
    assignments: tuple[tuple[str, Word], ...] = ()
    branches: tuple[Branch, ...] = ()
    background: bool = False
    piped: bool = False  # its output goes into another command
    after: str = ""  # the operator before it: "&&", "||", "|", ";", newline
    writes: Word | None = None
    heredoc: str | None = None  # what it is fed by `<<EOF`
    function: str = ""  # the function that begins here; such a command has no words


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command as a file gives it: `words` in exec form, or `script` for a shell to run."""

    at: Location
    words: tuple[Word, ...] = ()
    script: Passage | None = None

    @classmethod
    def of(cls, texts: Sequence[str | Word], at: Location) -> CommandLine:
        """The exec form. Give `Word`s where each has its own place."""
        return cls(at, tuple(w if isinstance(w, Word) else Word(w, at) for w in texts))

    @classmethod
    def shell(cls, text: str | Passage, at: Location) -> CommandLine:
        """The shell form: what `sh -c` gets."""
        return cls(at, (), text if isinstance(text, Passage) else Passage(text, at))


def split(text: str | Passage, at: Location) -> tuple[Word, ...]:
    """The words of one command without any shell, as compose splits a string: operators are words."""
    passage = text if isinstance(text, Passage) else Passage(text, at)
    return tuple(t.word for t in tokens(passage, operators=False) if t.word is not None)


def commands(text: str | Passage, at: Location | None = None) -> tuple[Command, ...]:
    """Every simple command of a script, in source order, with the branch it stands in.

    The conditions of `if` and `while` are no commands here, and what stands in `$(…)` stays text.
    """
    passage = text if isinstance(text, Passage) else Passage(text, at or Location(""))
    return tuple(_Reader(tokens(passage)).read())


class _Reader:
    """Walks the tokens once, keeping the stack of open constructs."""

    def __init__(self, found: list[Token]) -> None:
        self.found = found
        self.place = 0
        self.out: list[Command] = []
        self.stack: list[Branch] = []
        self.count = 0
        self.after = ""

    def read(self) -> list[Command]:
        while self.place < len(self.found):
            if not self._keyword():
                self._simple()
        return self.out

    def _peek(self, ahead: int = 0) -> Token | None:
        index = self.place + ahead
        return self.found[index] if index < len(self.found) else None

    def _keyword(self) -> bool:
        """Take a keyword or an operator at the start of a command; False where a simple command begins."""
        token = self.found[self.place]
        if token.word is None:
            self.place += 1
            self.after = token.operator or self.after
            if token.operator in (";;", ";&", ";;&") and self._in("case"):
                self._patterns()
            elif token.operator == "(":
                self.count += 1
                self.stack.append(Branch(self.count, 0, "group"))
            elif token.operator == ")" and self._in("group"):
                self.stack.pop()
            return True
        name = token.word.text if token.plain and not token.redirect else ""
        if (
            name
            in ("if", "while", "until", "for", "select", "case", "elif", "else", "fi", "done", "esac", "function", "}")
            or name in _PREFIXES
        ):
            self.place += 1
            self._construct(name)
            return True
        following, after = self._peek(1), self._peek(2)
        if following is not None and following.operator == "(" and after is not None and after.operator == ")":
            self._function(token)  # NAME() { … }
            self.place += 3
            return True
        return False

    def _construct(self, name: str) -> None:
        if name == "if":
            self.count += 1
            self.stack.append(Branch(self.count, 0, "if", self._until("then")))
        elif name == "elif" and self._in("if"):
            last = self.stack.pop()
            self.stack.append(Branch(last.construct, last.number + 1, "if", self._until("then")))
        elif name == "else" and self._in("if"):
            last = self.stack.pop()
            self.stack.append(Branch(last.construct, last.number + 1, "if"))
        elif name in ("while", "until", "for", "select"):
            self.count += 1
            self._until("do")
            self.stack.append(Branch(self.count, 0, "loop"))
        elif name == "case":
            self.count += 1
            subject = self._until("in")
            self.stack.append(Branch(self.count, -1, "case", subject))
            self._patterns()
        elif name == "function" and (token := self._peek()) is not None:
            self._function(token)
            self.place += 1
            following, after = self._peek(), self._peek(1)
            if following is not None and following.operator == "(" and after is not None and after.operator == ")":
                self.place += 2
        elif (
            (name == "fi" and self._in("if"))
            or (name == "done" and self._in("loop"))
            or (name == "esac" and self._in("case"))
        ):
            self.stack.pop()

    def _function(self, token: Token) -> None:
        self.out.append(Command((), token.at, branches=tuple(self.stack), function=token.text))

    def _in(self, kind: str) -> bool:
        return bool(self.stack) and self.stack[-1].kind == kind

    def _until(self, end: str) -> tuple[Word, ...]:
        """The words up to a keyword that stands where a command may begin (`in` may stand anywhere)."""
        words: list[Word] = []
        fresh = end == "in"
        while self.place < len(self.found):
            token = self.found[self.place]
            self.place += 1
            if token.word is None:
                fresh = True
                if token.operator not in (";", "\n"):
                    words.append(Word(token.operator, token.at))
                continue
            if token.plain and token.word.text == end and fresh:
                break
            words.append(token.word)
            fresh = end == "in"
        return tuple(words)

    def _patterns(self) -> None:
        """The `a | b)` that opens the next branch of a `case`, unless `esac` comes first."""
        patterns: list[str] = []
        place = self.place
        while place < len(self.found):
            token = self.found[place]
            place += 1
            if token.word is not None:
                if token.plain and token.word.text == "esac" and not patterns:
                    return
                patterns.append(token.word.text)
            elif token.operator == ")":
                break
            elif token.operator not in ("|", "(", "\n"):
                return
        last = self.stack.pop()
        self.stack.append(Branch(last.construct, last.number + 1, "case", last.test, tuple(patterns)))
        self.place = place

    def _simple(self) -> None:
        """A simple command, up to the operator that ends it."""
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        writes: Word | None = None
        heredoc: str | None = None
        end = ""
        test = self.found[self.place].plain and self.found[self.place].text == "[["
        while self.place < len(self.found):
            token = self.found[self.place]
            self.place += 1
            if token.redirect:
                heredoc = token.heredoc if token.heredoc is not None else heredoc
                if token.redirect in (">", ">>", ">|", "&>", "&>>") and token.word is not None:
                    writes = token.word
            elif token.word is not None:
                name, equals, value = token.text.partition("=")
                if not words and equals and name.removesuffix("+").isidentifier() and token.assignment:
                    assignments.append(self._assignment(name, value, token.word))
                else:
                    words.append(token.word)
                    test = test and token.text != "]]"
            elif test and token.operator != "\n":
                words.append(Word(token.operator, token.at))
            else:
                end = token.operator
                self.place -= 1
                break
        if words or assignments:
            at = words[0].at if words else assignments[0][1].at
            last = words[-1].at if words else assignments[-1][1].at
            self.out.append(
                Command(
                    tuple(words),
                    _span(at, last),
                    tuple(assignments),
                    tuple(self.stack),
                    end == "&",
                    end in ("|", "|&"),
                    self.after,
                    writes,
                    heredoc,
                )
            )
            self.after = ""

    def _assignment(self, name: str, value: str, word: Word) -> tuple[str, Word]:
        """`A=x`, `A+=x` and `A=(x y)`; an array becomes its words with blanks between."""
        plain = name.removesuffix("+")
        opener = self._peek()
        if not value and opener is not None and opener.operator == "(" and _touches(word.at, opener.at):
            parts: list[str] = []
            self.place += 1
            while (token := self._peek()) is not None and token.operator != ")":
                parts.append(token.text)
                self.place += 1
            self.place += 1
            value = " ".join(parts)
        if plain != name:
            value = f"${{{plain}}} {value}" if opener is not None and opener.operator == "(" else f"${{{plain}}}{value}"
        return plain, Word(value, word.at, word.literal)


def _touches(first: Location, second: Location) -> bool:
    return first == second or (first.end_line, first.end_column) == (second.line, second.column)


def _span(first: Location, last: Location) -> Location:
    if first.path != last.path or (last.end_line, last.end_column) < (first.line, first.column):
        return first
    return Location(first.path, first.line, first.column, last.end_line, last.end_column)
