"""One run of one probe against one target: its name space, deadline, observations, and what it leaves behind."""

from __future__ import annotations

import re
import secrets
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from crewmem_doctor.errors import CrewmemError
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.observation import CHECKS, Observation, Outcome
from crewmem_doctor.model.project import Project
from crewmem_doctor.probes.process import StepFailed, StepTimedOut, Worker
from crewmem_doctor.probes.target import Target
from crewmem_doctor.redact import HIDDEN, redact
from crewmem_doctor.settings import Settings

UNDOING = 20.0              # seconds that a process may take to start and to note what it is to remove
CHECKS_PER_PROBE = 10       # the deadline of a whole probe, in deadlines of one check
LOADING = 5.0               # seconds more for tidying up, where the process has not loaded its driver yet
# Passwords that are part of other words ("port", "postgresql://"), which would tell them if they were hidden there.
_COMMON = re.compile(r".{1,3}|postgres|redis")


class Blind(CrewmemError):
    """The target could not be looked at; the text says why. Ends the probe, as an observation of outcome "error".

    `remedy` is one imperative sentence, where there is a better one than that of the rule.
    """

    def __init__(self, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.remedy = remedy


@dataclass
class Verdict:
    """What a check came to. Exactly one of the four methods is called inside the block of `Session.check`.

    `took` are seconds that the check had taken before the block began.
    """

    outcome: Outcome | None = None
    detail: str = ""
    remedy: str = ""
    snippet: str = ""
    minor: bool = False
    took: float = 0.0

    def passed(self, detail: str) -> None:
        self.outcome, self.detail = "pass", detail

    def failed(self, detail: str, *, remedy: str, snippet: str = "", minor: bool = False) -> None:
        """It loses memory. `remedy` is one imperative sentence, `snippet` the change as it would be written."""
        self.outcome, self.detail, self.remedy, self.snippet, self.minor = "fail", detail, remedy, snippet, minor

    def skipped(self, detail: str) -> None:
        """Nothing can be said, and that is nobody's fault: the server hides it, the application has no such thing."""
        self.outcome, self.detail = "skip", detail

    def blind(self, detail: str, *, remedy: str = "") -> None:
        """It should have been looked at and could not be: exit status 2."""
        self.outcome, self.detail, self.remedy = "error", detail, remedy


@dataclass(frozen=True)
class Undo:
    """How to remove what a probe wrote: a worker's step, which answers {"left": [what is still there]}, and the command
    with which a person would do it."""

    step: str
    job: Mapping[str, Any]
    command: str
    seconds: float = 0.0


@dataclass
class Session:
    """Everything a probe needs. Use as a context: what was written is removed when it is left, in whatever way.

    `namespace` is unique to the run and made of lower-case letters, digits and underscores. `project` is what the scan
    found, None where there was none. `environ` is the environment of this program. `confirm` asks the person at the
    terminal; `progress` is told the target and the check that begins; `warn` is told what an interrupted probe, which
    makes no report, could not remove.
    """

    target: Target
    settings: Settings
    environ: Mapping[str, str]
    root: Path
    project: Project | None = None
    confirm: Callable[[str], bool] = lambda question: False
    progress: Callable[[str, str], None] = lambda target, check: None
    at: Location | None = None
    warn: Callable[[str], None] = lambda text: None
    namespace: str = field(default_factory=lambda: f"crewmem_probe_{secrets.token_hex(6)}")
    observations: list[Observation] = field(default_factory=list)
    _secrets: set[str] = field(default_factory=set)
    _undos: list[Undo] = field(default_factory=list)
    _janitor: Worker | None = None
    _begun: float = field(default_factory=time.monotonic)

    @property
    def deadline(self) -> float:
        """Seconds for the whole probe."""
        return self.settings.timeout * CHECKS_PER_PROBE

    @property
    def seconds(self) -> float:
        """Seconds that the next step may take: the time of one check, or what is left for the whole probe."""
        return self.at_least(0.0)

    def at_least(self, seconds: float) -> float:
        """As `seconds`, for a step that may take so long whatever the time of one check is."""
        left = self._begun + self.deadline - time.monotonic()
        if left <= 0:
            raise Blind(f"the probe's deadline of {self.deadline:.0f} seconds has passed",
                        "Give it more time: --timeout")
        return min(max(self.settings.timeout, seconds), left)

    @property
    def tidying(self) -> float:
        """Seconds that removing what was written may take, whatever became of the rest."""
        return 5.0 if self.settings.ready else max(5.0, min(self.settings.timeout, 20.0))

    def secret(self, *words: str) -> None:
        """Words that no output may contain, beside those of the target's URL."""
        self._secrets.update(word for word in words if word)

    def clean(self, text: str) -> str:
        """`text` in one line and without secrets."""
        for word in sorted({*self._secrets, *self.target.secrets}, key=len, reverse=True):
            whole = re.escape(word)
            if _COMMON.fullmatch(word):
                whole = rf"(?<![^\W_]){whole}(?![^\W_])"
            text = re.sub(whole, HIDDEN, text)
        return " ".join(redact(text).split())

    @contextmanager
    def check(self, name: str) -> Iterator[Verdict]:
        """One check, timed. What goes wrong inside becomes its outcome "error"; Blind also ends the probe."""
        verdict = Verdict()
        begun = time.monotonic()
        self.progress(self.target.shown, name)
        try:
            yield verdict
            if verdict.outcome is None:
                verdict.blind("the check came to no verdict; please report it")
        except Blind as error:
            self._observe(name, _blinded(error), begun - verdict.took)
            raise Ended from None
        except StepTimedOut as error:
            verdict.blind(str(error))
        except StepFailed as error:
            verdict.blind(f"{error.kind}: {error}")
        self._observe(name, verdict, begun - verdict.took)

    def _observe(self, name: str, verdict: Verdict, begun: float) -> None:
        assert verdict.outcome is not None
        assert verdict.outcome != "fail" or CHECKS[name].meaning != "told", f"{name} only informs"
        seen = Observation(
            self.target.kind, self.target.shown, name, verdict.outcome, self.clean(verdict.detail),
            round((time.monotonic() - begun) * 1000, 1), self.at, self.clean(verdict.remedy), verdict.snippet,
            verdict.minor)
        self.observations.append(seen)

    def undo(self, step: str, job: Mapping[str, Any], command: str, seconds: float = 0.0) -> None:
        """Registers how to remove what is about to be written. Call it before writing. `seconds` for a step that has to
        start something slow."""
        self._undos.append(Undo(step, job, command, seconds))
        if self._janitor is None:
            self._janitor = Worker()
        self._janitor.tell({"later": self._later()})
        self._janitor.answer("later", UNDOING)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> bool:
        with _undisturbed():
            if isinstance(error, Blind):
                self._observe("deadline", _blinded(error), self._begun)
            left = self._tidy() if self._undos else ""
            if left and error is not None and not isinstance(error, Ended | Blind):
                self.warn(self.clean(f"{self.target.shown}: {left}"))
            self._dismiss(left)
        return isinstance(error, (Ended, Blind))

    def _tidy(self) -> str:
        """Removes what was written, and proves it. What could not be removed is said with the command that does it, and
        returned."""
        begun = time.monotonic()
        self.progress(self.target.shown, "cleanup")
        verdict = Verdict()
        left: list[str] = []
        for undo in reversed(self._undos):
            try:
                seconds = max(self.tidying + LOADING, undo.seconds)
                remains = self._tidier().ask(undo.step, undo.job, seconds)["left"]
                if remains:
                    left.append(f"{', '.join(remains)} is still there; remove it with: {undo.command}")
            except (StepFailed, StepTimedOut) as error:
                left.append(f"it could not be removed ({error}); remove it with: {undo.command}")
        if left:
            verdict.blind("; ".join(dict.fromkeys(left)))
        else:
            verdict.passed("what was written is gone again")
        self._observe("cleanup", verdict, begun)
        return verdict.detail if left else ""

    def _tidier(self) -> Worker:
        """The process that waits for it, or another where that one had to be killed."""
        if self._janitor is None or self._janitor.ended:
            self._janitor = Worker()
        return self._janitor

    def _dismiss(self, left: str) -> None:
        """Ends the process that waits to tidy up. What could not be removed it tries again for a minute."""
        if self._janitor is None:
            return
        if left:
            self._tidier().tell({"later": self._later()})
            self._tidier().release()
        else:
            self._janitor.tell({"later": []})
            self._janitor.close()

    def _later(self) -> list[dict[str, Any]]:
        return [{"step": undo.step, "job": dict(undo.job)} for undo in reversed(self._undos)]


class Ended(CrewmemError):
    """Nothing more can be looked at; what was to be said has been observed."""


def _blinded(error: Blind) -> Verdict:
    verdict = Verdict()
    verdict.blind(str(error), remedy=error.remedy)
    return verdict


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Holds back Ctrl-C and SIGTERM until the block has ended."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    held: Iterable[int] = (signal.SIGINT, signal.SIGTERM)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
