"""stub"""
from crewmem_doctor.probes.session import Session


def probe(session: Session) -> None: ...
