"""How memory behaves with several processes, and what the release itself does to records.

What is a property of the release on every healthy deployment is a note, unless the service that is mirrored does it.
"""

from __future__ import annotations

from crewmem_doctor.errors import CrewmemError
from crewmem_doctor.probes.crewai.child import Child
from crewmem_doctor.probes.crewai.play import DELAYS, FORK_SECONDS, Cast
from crewmem_doctor.probes.crewai.scene import Scene
from crewmem_doctor.probes.process import StepFailed, StepTimedOut
from crewmem_doctor.probes.session import Session

PIN = "Set CREWAI_STORAGE_DIR to an absolute path"
RESTART = "Open memory when a request needs it, or restart the workers after the first record"


def early_reader(session: Session, scene: Scene, early: Child) -> None:
    """Whether a process that had memory open before the first record sees it."""
    with session.check("early-reader") as check:
        early.answer(session.seconds)
        said = early.answer(session.seconds + DELAYS[-1])
        lost = [kind for kind, there in said["found"].items() if not there]
        if not lost:
            waited = f", {said['after']} seconds later" if said["after"] else ""
            check.passed(f"a process that had memory open before the first record finds it{waited}")
            return
        kinds = "" if lost == ["memory"] else f" {' and '.join(lost)}"
        told = (f"a process that had{kinds} memory open before the first record does not find it within "
                f"{DELAYS[-1]} seconds")
        many = scene.subject.many
        where = f", and {scene.stage.mirrors} keeps memory open in several" if many else (
            "; that matters where several processes keep memory open")
        check.failed(told + where, remedy=RESTART, minor=not many)


def crowd(session: Session, scene: Scene, cast: Cast, late: Child) -> Child | None:
    """Two processes that save at once, one that saves and ends: what is found of it afterwards. The process that
    looked, None where it could not."""
    play = cast.play
    auditor = late
    with session.check("two-writers") as check:
        play.go("crowd")
        for child in (cast.early, late):
            child.answer(session.seconds)
        for child in (cast.early, late):
            child.answer(session.seconds)
        trouble = _leave(session, cast)
        if not scene.unified:
            cast.early.kill()
            late.kill()
            auditor = play.auditor()
            auditor.answer(play.importing)
        play.go("count")
        auditor.answer(session.seconds)
        found, saved = int(auditor.answer(session.seconds)["count"]), sum(map(len, play.crowds))
        if found == saved:
            check.passed(f"two processes saved {saved} records at once, and all were found")
        else:
            check.failed(f"two processes saved {saved} records at once, and {found} were found",
                         remedy="Let one process save, or keep memory on a server")
    if check.outcome == "error":
        return None
    _exit_after_save(session, scene, int(auditor.answer(session.seconds)["count"]), len(play.later), trouble)
    return auditor


def _leave(session: Session, cast: Cast) -> CrewmemError | None:
    """The writer saves in the background and ends."""
    try:
        cast.play.go("leave")
        cast.writer.answer(session.seconds)
        cast.writer.answer(session.seconds)
        cast.writer.ended(session.seconds)
    except (StepFailed, StepTimedOut) as error:
        return error
    return None


def _exit_after_save(session: Session, scene: Scene, found: int, saved: int, trouble: CrewmemError | None) -> None:
    """Whether what is saved in the background is kept when the process ends right away. From 1.10 on it is not."""
    with session.check("exit-after-save") as check:
        if trouble is not None:
            raise trouble
        calls = _ending(session, scene)
        if found == saved:
            check.passed("what was saved right before a process ended is kept")
        else:
            how = "remember_many() took" if scene.unified else "were saved"
            check.failed(
                f"of {saved} records that {how} right before its process ended, {found} were found: CrewAI "
                f"{scene.version} saves them in the background" + (f", and so does {calls}" if calls else ""),
                remedy="Call drain_writes() or close() before a process ends", snippet="memory.drain_writes()",
                minor=not calls)


def _ending(session: Session, scene: Scene) -> str:
    """The call of the project that leaves saves behind and ends the process."""
    memory = scene.subject.memory
    if session.project is None or memory is None:
        return ""
    calls = [call for call in session.project.code.failures.unflushed
             if call.memory == memory.at and not call.drained and (call.exits is not None or not call.handlers)]
    return f"the one at {calls[0].at}" if calls else ""


def forks(scene: Scene) -> bool:
    """Whether a fork is worth trying: not where the service is known not to fork with memory made."""
    return scene.subject.run is None or scene.subject.forks


def forked_child(session: Session, scene: Scene, writer: Child) -> None:
    """Whether a child can use memory that its parent has used."""
    with session.check("forked-child") as check:
        if not forks(scene):
            check.skipped(f"{scene.stage.mirrors} does not fork after it has made memory")
            return
        how = str(writer.answer(session.seconds + FORK_SECONDS)["how"])
        if how == "nofork":
            check.skipped("this system has no fork")
        elif how == "works":
            check.passed("a child forked after memory was used saves and recalls")
        else:
            whose = f"; {scene.stage.mirrors} forks like that" if scene.subject.forks else (
                "; that matters for --preload, Celery's prefork and multiprocessing with memory made at import")
            check.failed(f"a child forked after memory was used {how}{whose}", minor=not scene.subject.forks,
                         remedy="Make memory after the fork", snippet="preload_app = False      # gunicorn")


def elsewhere(session: Session, auditor: Child) -> None:
    """What processes with another working directory and with another home find."""
    for name, what in (("other-directory", "working directory"), ("other-home", "home")):
        with session.check(name) as check:
            said = auditor.answer(session.seconds)
            if said["found"]:
                check.passed(f"a process with another {what} finds the records")
            else:
                check.failed(f"a process with another {what} does not find the records: CrewAI's default place depends "
                             "on it", remedy=PIN, snippet="CREWAI_STORAGE_DIR=/data", minor=True)
