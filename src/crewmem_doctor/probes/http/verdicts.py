"""What the conversation means, check by check. One cause, one failing check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from crewmem_doctor.probes.http.choose import Choice
from crewmem_doctor.probes.http.estimate import estimate
from crewmem_doctor.probes.http.plan import Seen
from crewmem_doctor.probes.http.talk import Answer
from crewmem_doctor.probes.session import Blind, Session, Verdict

Pattern = Literal["never", "always", "late", "fades", "sometimes"]
FADES = (3, 2)      # recalls before and misses after the delay that make more than chance
HEALED = 3          # recalls in a row, up to the last question, that do


def pattern(seen: Seen) -> Pattern:
    """What the first user's questions look like, taken together."""
    hits = sum(answer.outcome == "recalled" for answer in seen.asked)
    misses = sum(answer.outcome == "missed" for answer in seen.asked)
    if not hits:
        return "never"
    if not misses:
        return "always"
    early, late = _judged([*seen.first, *seen.recall]), _judged(seen.delay)
    if set(early) == {"missed"} and set(late) == {"recalled"} and len(late) > 1 and seen.tells == 1:
        return "late"
    if set(early) == {"recalled"} and set(late) == {"missed"} and len(early) >= FADES[0] and len(late) >= FADES[1]:
        return "fades"
    return "sometimes"


def healed(seen: Seen) -> int:
    """How many questions were recalled after the last that was missed, 0 where they are too few to mean something.

    Workers that share a store and find late what another one saved look like that; so do isolated ones now and then.
    """
    run = 0
    for event in reversed(seen.events):
        if event == "missed":
            break
        run += event == "recalled"
    return run if run >= HEALED else 0


def _judged(answers: Sequence[Answer]) -> list[str]:
    return [answer.outcome for answer in answers if answer.outcome in ("recalled", "missed")]


def inconclusive(seen: Seen) -> str:
    """Why the answers cannot be judged; empty where they can."""
    unclear = [answer.why for answer in seen.everything if answer.outcome == "unclear"]
    judged = _judged(seen.everything)
    if not judged and not unclear:
        return "inconclusive: no request was left to ask with"
    if len(judged) <= len(unclear):
        return f"inconclusive: {len(unclear)} of {len(unclear) + len(judged)} answers say nothing: {_common(unclear)}"
    said = {answer.text for answer in seen.everything if answer.outcome == "missed"}
    if pattern(seen) == "never" and seen.told is not None and said == {seen.told.text}:
        return "inconclusive: the application answers the same to everything it is told or asked; is it the right path?"
    return ""


def _common(reasons: Sequence[str]) -> str:
    return max(dict.fromkeys(reasons), key=list(reasons).count)


def tell(session: Session, choice: Choice, seen: Seen, sent: int, delay: float, restarts: bool) -> None:
    """The observations, in the order of the plan."""
    doubt = inconclusive(seen)
    with _check(session, seen, "answer") as check:
        unclear = sum(answer.outcome == "unclear" for answer in seen.everything)
        some = f"; {unclear} of {len(seen.everything)} answers say nothing" if unclear else ""
        if doubt:
            raise Blind(doubt)
        check.passed(f"the replies could be judged ({sent} requests, as in {choice.template.source}){some}")
    kind = pattern(seen)
    _first(session, seen, kind)
    _recall(session, seen, kind)
    _delay(session, seen, kind, delay)
    if restarts:
        _restart(session, seen, kind)
    _other(session, choice, seen, kind)
    _new_session(session, seen, kind)
    _workers(session, seen, kind)


class _check:
    """`Session.check` for something that took its time before."""

    def __init__(self, session: Session, seen: Seen, name: str) -> None:
        self._context = session.check(name)
        self._took = seen.took.get(name, 0.0)

    def __enter__(self) -> Verdict:
        verdict = self._context.__enter__()
        verdict.took = self._took
        return verdict

    def __exit__(self, *error: object) -> bool | None:
        return self._context.__exit__(*error)  # type: ignore[arg-type]


def counted(answers: Sequence[Answer]) -> str:
    """"3 of 4 replies contain the codeword"."""
    judged = _judged(answers)
    contain = "reply contains" if len(judged) == 1 else "replies contain"
    return f"{judged.count('recalled')} of {len(judged)} {contain} the codeword"


def _first(session: Session, seen: Seen, kind: Pattern) -> None:
    with _check(session, seen, "first-recall") as check:
        if kind == "never":
            times = "" if seen.tells == 1 else f", although it was told {seen.tells} times"
            check.failed(
                f"{counted(seen.asked)}{times}",
                remedy="File memory under an id that the caller sends with each request, and let failed saves stop it")
        elif kind == "late":
            check.failed(
                "not recalled at once, only after a while: it is saved after the reply was sent, or workers see late "
                "what others saved", minor=True,
                remedy="Save before the reply is sent and open the store for each request, or a user's next message "
                       "comes too early")
        elif "recalled" in _judged(seen.first):
            check.passed("recalled at once")
        else:
            check.skipped("not recalled at first, and later now and then; see workers")


def _recall(session: Session, seen: Seen, kind: Pattern) -> None:
    with _check(session, seen, "recall") as check:
        if kind == "never":
            check.skipped("nothing was ever recalled")
        elif not seen.recall:
            check.skipped("asked only after a while" if seen.delay else "no request was left to ask with")
        elif set(_judged(seen.recall)) == {"recalled"}:
            check.passed(counted(seen.recall))
        else:
            check.skipped(f"{counted(seen.recall)}; see workers")


def _delay(session: Session, seen: Seen, kind: Pattern, delay: float) -> None:
    with _check(session, seen, "recall-after-delay") as check:
        after = f"{delay:.0f} seconds later"
        if kind == "never":
            check.skipped("nothing was ever recalled")
        elif not _judged(seen.delay):
            check.skipped("no request was left to ask with")
        elif kind == "fades":
            check.failed(f"recalled at once, not {after}: {counted(seen.delay)}",
                         remedy="Keep memory for as long as a conversation lasts")
        elif set(_judged(seen.delay)) == {"recalled"}:
            check.passed(f"{counted(seen.delay)} {after}")
        else:
            check.skipped(f"{counted(seen.delay)} {after}; see workers")


def _restart(session: Session, seen: Seen, kind: Pattern) -> None:
    with _check(session, seen, "recall-after-restart") as check:
        judged = _judged(seen.restart)
        if "restart" in seen.why:
            check.blind(seen.why["restart"])
        elif kind in ("never", "fades"):
            check.skipped("nothing was left to recall, and nothing was restarted")
        elif not judged:
            unclear = [answer.why for answer in seen.restart if answer.outcome == "unclear"]
            check.blind(f"inconclusive: {unclear[0]}" if unclear else "no request was left to ask with")
        elif "recalled" in judged:
            check.passed("recalled after the restart")
        elif kind == "sometimes":
            check.skipped("not recalled, which says little while workers disagree")
        else:
            check.failed("recalled before the restart, not after it",
                         remedy="Keep memory outside the process: a directory on a volume, or a server")


def _other(session: Session, choice: Choice, seen: Seen, kind: Pattern) -> None:
    template = choice.template
    sessions = template.places & {"user", "session"} == {"session"}
    stranger = "somebody in another session" if sessions else "a second user"
    same = ", though with the same credentials" if template.credentials else ""
    with _check(session, seen, "other-user") as check:
        judged = _judged(seen.other)
        if "recalled" in judged:
            check.failed(f"{stranger} was told the codeword{same}", remedy="Give each user a scope of one memory")
        elif kind == "never":
            check.skipped("nothing was ever recalled")
        elif not judged:
            check.skipped(seen.why.get("other") or _unanswered(seen.other))
        elif kind == "sometimes":
            check.skipped(f"{stranger} was not told, which says little while workers disagree")
        else:
            check.passed(f"{stranger} was not told")


def _new_session(session: Session, seen: Seen, kind: Pattern) -> None:
    with _check(session, seen, "new-session") as check:
        judged = _judged(seen.session)
        if kind == "never":
            check.skipped("nothing was ever recalled")
        elif not judged:
            check.skipped(seen.why.get("session") or _unanswered(seen.session))
        elif "recalled" in judged:
            check.passed("the same user is recalled in a new session")
        elif kind == "always":
            check.failed(
                "recalled in its own session, not in a new one of the same user", minor=True,
                remedy="File memory under the user, if what users say should outlive a conversation")
        else:
            check.skipped("not recalled, which says little while workers disagree" if kind == "sometimes"
                          else "not recalled, nor in the session that was told")


def _unanswered(answers: Sequence[Answer]) -> str:
    unclear = [answer.why for answer in answers if answer.outcome == "unclear"]
    return f"inconclusive: {unclear[0]}" if unclear else "no request was left to ask with; --probe-requests allows more"


def _workers(session: Session, seen: Seen, kind: Pattern) -> None:
    with _check(session, seen, "workers") as check:
        judged = _judged(seen.delay if kind == "late" else seen.asked)
        tally = f"{judged.count('recalled')} of {len(judged)}"
        if kind in ("never", "fades"):
            check.skipped("nothing was ever recalled" if kind == "never" else "nothing was left to recall")
        elif kind == "sometimes":
            times = "" if seen.tells == 1 else f", told {seen.tells} times"
            late = healed(seen)
            isolated = estimate(seen.events)
            if late:
                check.failed(
                    f"{tally}{times}, the last {late} all recalled; one store that workers see late, or {isolated}",
                    remedy="Open the store for each request if the workers share one, and give them one if they do not")
            else:
                check.failed(f"{tally}{times}; {isolated}",
                             remedy="Keep memory in one store that every worker and replica shares")
        elif seen.tied:
            check.skipped(f"{tally}; the cookie {seen.tied} ties each user to one worker, so no other was asked")
        elif len(judged) < 2:
            check.skipped("one question tells nothing about workers")
        else:
            check.passed(f"{tally}; one store")
