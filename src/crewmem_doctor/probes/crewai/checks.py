"""The checks of CrewAI's own memory, from the import to what other processes find."""

from __future__ import annotations

from contextlib import ExitStack

from crewmem_doctor.probes.crewai import manners, outside, place, trouble
from crewmem_doctor.probes.crewai.child import Child
from crewmem_doctor.probes.crewai.play import Cast, Play
from crewmem_doctor.probes.crewai.scene import Scene, settle
from crewmem_doctor.probes.process import StepFailed
from crewmem_doctor.probes.session import Session, Verdict

SHARE = "Let every process resolve memory to one directory: an absolute CREWAI_STORAGE_DIR on a volume"


def probe(session: Session) -> None:
    """Everything in turn. What cannot go on ends the probe, with the reason as an observation."""
    with ExitStack() as stack:
        cast = _begin(session, stack)
        if cast is None:
            return
        scene = cast.scene
        place.observe(session, scene)
        if not _write(session, cast):
            return
        cast.play.go("early")
        late = cast.play.late(audits=scene.unified)
        if not _second(session, cast, late):
            return
        manners.early_reader(session, scene, cast.early)
        manners.forked_child(session, scene, cast.writer)
        auditor = manners.crowd(session, scene, cast, late)
        if auditor is None:
            return
        manners.elsewhere(session, auditor)
        length = outside.online(session, scene, cast.play)
        outside.dimension(session, scene, auditor, length)


def _begin(session: Session, stack: ExitStack) -> Cast | None:
    with session.check("import") as check:
        scene = settle(session)
        if scene.subject.unsuited:
            check.skipped(f"{scene.subject.unsuited}; probe crew:package.module:factory, or its server's URL, instead")
            return None
        if scene.stage.open:
            check.skipped(f"{scene.stage.mirrors} has folders that its user cannot write; root, who runs this, can, "
                          "and no other user can reach the interpreter. Run the probe as a normal user")
            return None
        play = stack.enter_context(Play(session, scene))
        cast = Cast(scene, play, play.writer(forks=manners.forks(scene)), play.early())
        try:
            said = cast.writer.answer(play.importing)
        except StepFailed as error:
            trouble.importing(check, error, scene)
            return None
        check.passed(_imported(session, scene, float(said["seconds"])))
        return cast
    return None


def _imported(session: Session, scene: Scene, seconds: float) -> str:
    release = session.project.release if session.project is not None else None
    other = ""
    if release is not None and release.exact is not None and str(release.exact) != scene.version:
        other = f", while {release.source or 'the project'} asks for {release.exact}"
    return f"CrewAI {scene.version} in {scene.python.how}, imported in {seconds:.0f} s{other}"


def _write(session: Session, cast: Cast) -> bool:
    """Whether the first record could be saved, once the early reader has memory open."""
    scene, play = cast.scene, cast.play
    failed: list[str] = []
    with session.check("write") as check:
        locked = str(scene.look["locked"])
        try:
            cast.early.answer(play.importing)
            cast.early.answer(session.seconds)
            play.go("write")
            cast.writer.answer(session.seconds)
            said = cast.writer.answer(session.seconds)
            failed = said["failed"]
            _written(check, scene, failed, locked)
        except StepFailed as error:
            trouble.writing(check, error.kind, str(error), scene)
    written = check.outcome == "pass"
    with session.check("memory-events") as events:
        if failed:
            events.failed(f"while it was saved, CrewAI reported: {failed[0]}", remedy="Make the save work that failed")
        elif not written:
            events.skipped("nothing could be saved")
        else:
            events.passed("no failed save or recall was reported")
    return written


def _written(check: Verdict, scene: Scene, failed: list[str], locked: str) -> None:
    if locked and not scene.stage.mirrors:
        check.failed(
            f"{locked}, the lock of this memory, belongs to another user: every save fails, and CrewAI finds nothing "
            "without saying so", remedy="Run all processes that use this memory as one user, and remove the lock file",
            snippet=f"rm {locked}")
    elif failed and not scene.unified:
        trouble.writing(check, "", failed[0], scene)
    else:
        check.passed(f"a record was saved in {scene.directory}")


def _second(session: Session, cast: Cast, late: Child) -> bool:
    """Whether a process that opens memory afterwards finds the record."""
    with session.check("second-process-reads") as check:
        late.answer(cast.play.importing)
        found = late.answer(session.seconds)["found"]
        lost = [kind for kind, there in found.items() if not there]
        if lost:
            kinds = "" if lost == ["memory"] else f" by {' and '.join(lost)} memory"
            check.failed(f"what one process saved was not found{kinds} in a second", remedy=SHARE,
                         snippet="CREWAI_STORAGE_DIR=/data")
        else:
            check.passed("what one process saved, a second one found")
    return check.outcome in ("pass", "fail")
