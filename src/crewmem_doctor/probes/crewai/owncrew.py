"""The probe of the user's own crew, flow, agent or memory object: `crew:package.module:factory`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from crewmem_doctor.probes.crewai import trouble
from crewmem_doctor.probes.crewai.child import Child, Failed
from crewmem_doctor.probes.crewai.play import IMPORTING, Play
from crewmem_doctor.probes.crewai.scene import REMOVE, Scene, settle
from crewmem_doctor.probes.session import Blind, Session

SHARE = "Give the object a store that all processes share: a directory on a volume, or a server"


def probe(session: Session) -> None:
    """Two processes make the object; what the memory of one saves, that of the other must find."""
    with ExitStack() as stack:
        begun = _begin(session, stack)
        if begun is None:
            return
        scene, play, writer = begun
        with session.check("write") as check:
            try:
                writer.answer(session.seconds)      # said to go on
                failed = writer.answer(session.seconds)["failed"]
                if failed:
                    check.failed(f"while it was saved, CrewAI reported: {failed[0]}",
                                 remedy="Make the save work that failed")
                else:
                    check.passed("a record was saved")
            except Failed as error:
                trouble.writing(check, error.kind, str(error), scene)
        if check.outcome == "pass":
            _read(session, play)


def _begin(session: Session, stack: ExitStack) -> tuple[Scene, Play, Child] | None:
    with session.check("import") as check:
        scene = settle(session)
        play = stack.enter_context(Play(session, scene))
        writer = play.child(_adopt(session), play.wait("write"), {"do": "write", "texts": [play.text]})
        try:
            made = writer.answer(play.importing)
        except Failed as error:
            if error.kind == "Refused":
                raise Blind(f"{session.target.rest} cannot be probed: {error}",
                            "Probe the store behind it (redis://, postgresql://, sqlite:///), or crewai") from None
            if error.kind == "NotUsable":
                raise Blind(str(error), "Name a function or an object that is a crew, a flow or a memory") from None
            trouble.importing(check, error, scene)
            return None
        check.passed(f"{session.target.rest} gives a {made['what']} (CrewAI {scene.version} in {scene.python.how})")
    if check.outcome != "pass":
        return None
    _undo(session, scene, made)
    with session.check("place") as told:
        kinds = {"table": f"in a table of the probe's own beside yours, {made['own']}",
                 "folder": f"in a folder of the probe's own, {made['own']}",
                 "scope": f"in {made['own']}, your own store, in a scope of the probe's own and deleted by id"}
        told.passed(f"{kinds[made['isolated']]}; an embedder of the probe's own stands in for yours, and no LLM is "
                    "asked")
    play.go("write")
    return scene, play, writer


def _adopt(session: Session) -> dict[str, Any]:
    return {"do": "crew", "target": session.target.rest, "root": str(session.root)}


def _undo(session: Session, scene: Scene, made: dict[str, Any]) -> None:
    if made["isolated"] == "scope":
        step = {**_adopt(session), "do": "crew-forget"}
        job = {**scene.stage.job(session), "lock": "", "steps": [step]}
        session.undo("crewai.forget_records",
                     {"command": [scene.python.path, "-"], "job": job, "cwd": str(scene.stage.cwd)},
                     f"your store's own client: the records in scope /{session.namespace}", IMPORTING)
    else:
        session.undo("crewai.tidy", {"lock": scene.stage.lock, "own": [made["own"]]}, f"{REMOVE} {made['own']}")


def _read(session: Session, play: Play) -> None:
    with session.check("second-process-reads") as check:
        reader = play.child(_adopt(session), {"do": "read", "text": play.text})
        reader.answer(play.importing)
        found = reader.answer(session.seconds)["found"]
        if all(found.values()):
            check.passed("what the object of one process saved, that of a second one found")
        else:
            check.failed("what the object of one process saved, that of a second one does not find", remedy=SHARE)
