"""The start-up check: whether the place can be written and read by two processes, without importing CrewAI."""

from __future__ import annotations

from crewmem_doctor.probes.crewai import place, trouble
from crewmem_doctor.probes.crewai.child import Child, Failed
from crewmem_doctor.probes.crewai.scene import Scene, settle
from crewmem_doctor.probes.session import Session


def probe(session: Session) -> None:
    """What fits into two seconds: the release, the place, its file system, a file from one process to another."""
    scene: Scene | None = None
    with session.check("import") as check:
        scene = settle(session)
        check.passed(f"CrewAI {scene.version} is installed in {scene.python.path}")
    if scene is None:
        return
    place.observe(session, scene)
    with session.check("write") as check:
        try:
            _one(session, scene, {"do": "touch", "text": session.namespace})
            check.passed(f"{scene.directory} can be written")
        except Failed as error:
            trouble.writing(check, error.kind, str(error), scene)
    if check.outcome != "pass":
        return
    with session.check("second-process-reads") as check:
        found = _one(session, scene, {"do": "see"})["text"]
        if found == session.namespace:
            check.passed("a second process read it")
        else:
            check.failed("a second process did not find the file that the first wrote", remedy=place.MOUNT)


def _one(session: Session, scene: Scene, step: dict[str, str]) -> dict[str, object]:
    job = {**scene.stage.job(session), "steps": [{**step, "directory": scene.look["directory"],
                                                      "namespace": session.namespace}]}
    with Child([scene.python.path, "-"], job, cwd=scene.stage.cwd, environ=scene.stage.environ) as child:
        return child.answer(session.seconds)
