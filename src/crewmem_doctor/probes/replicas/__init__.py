"""The probe of replicas: write inside one, read inside another, with the Python and the CrewAI that they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crewmem_doctor.probes.crewai import trouble
from crewmem_doctor.probes.crewai.child import Child, Failed
from crewmem_doctor.probes.crewai.play import IMPORTING
from crewmem_doctor.probes.guard import allow
from crewmem_doctor.probes.replicas.find import Few, found
from crewmem_doctor.probes.replicas.replica import Replica, enter
from crewmem_doctor.probes.session import Session

SHARE = "Give the replicas one store: a volume that all of them mount, or a server"


def probe(session: Session) -> None:
    """Observes whether the second of two replicas finds what the first one saved."""
    pair: list[Replica] = []
    with session.check("connect") as check:
        target = session.target
        allow(session, "saves one record in one replica, in a table of its own, and removes it again",
              target.rest.partition("/")[0] if target.kind == "k8s" else target.rest)
        try:
            pair = [enter(session, place) for place in found(session)[:2]]
        except Few as few:
            check.skipped(str(few))
            return
        first, second = pair
        other = f" and {second.version}" if second.version != first.version else ""
        check.passed(f"{first.name} and {second.name} run CrewAI {first.version}{other}")
    if len(pair) < 2:
        return
    for replica in pair:
        session.undo("replicas.forget", {"command": list(replica.command), "job": replica.forgetting(session),
                                         "cwd": str(session.root)},
                     f"{' '.join(replica.prefix)} rm -rf {' '.join(replica.own)}")
    with session.check("place") as check:
        check.passed("; ".join(f"{replica.name}: {replica.told}" for replica in pair))
    text = f"codeword {session.namespace.rpartition('_')[2]}"
    if _written(session, pair[0], text):
        _read(session, pair, text)


def _written(session: Session, replica: Replica, text: str) -> bool:
    with session.check("write") as check:
        try:
            failed = _answers(session, replica, {"do": "write", "texts": [text]})["failed"]
        except Failed as error:
            told = f"nothing can be saved in {replica.name}: {error.kind}: {error}"
            if trouble.environmental(error):
                check.failed(told, remedy=f"Let the user of {replica.name} write {replica.directory} and its home")
            else:
                check.blind(told)
        else:
            if failed:
                check.blind(f"saving in {replica.name} failed with {failed[0]}")
            else:
                check.passed(f"a record was saved in {replica.name}")
    return check.outcome == "pass"


def _read(session: Session, pair: list[Replica], text: str) -> None:
    first, second = pair
    with session.check("other-replica-reads") as check:
        said = _answers(session, second, {"do": "read", "fresh": True, "text": text})["found"]
        lost = [kind for kind, there in said.items() if not there]
        if lost:
            check.failed(f"what {first.name} saved, {second.name} does not find{_why(first, second)}", remedy=SHARE)
        else:
            check.passed(f"what {first.name} saved, {second.name} found")


def _why(first: Replica, second: Replica) -> str:
    if first.directory != second.directory:
        return f": one keeps it in {first.directory}, the other looks in {second.directory}"
    return f": each has its own {first.directory}"


def _answers(session: Session, replica: Replica, step: Mapping[str, Any]) -> dict[str, Any]:
    """What a step comes to in a process of that replica that has imported CrewAI."""
    importing = session.at_least(IMPORTING)
    job = {**replica.job(session), "alarm": int(importing + session.seconds),
           "steps": [{"do": "guard", "lock": replica.lock}, {"do": "import"}, step]}
    with Child(replica.command, job, cwd=session.root, environ=session.environ, life=False) as child:
        child.answer(session.seconds)
        child.answer(importing)
        return child.answer(session.seconds)
