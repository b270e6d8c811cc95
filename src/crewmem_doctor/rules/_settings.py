"""What a deployed service's environment surely lacks."""

from __future__ import annotations

import re

from crewmem_doctor.model.changes.deployment import VOLUME
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Project, Run

# Whoever runs such an image by hand may set more, and a unit's drop-ins lie on the machine.
OPEN_PLATFORMS = ("dockerfile", "systemd", "cron")
LOCAL = re.compile(r"(?:^|[/@\s])(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/?\s]|$)", re.IGNORECASE)


def is_closed(project: Project, service: Service) -> bool:
    """Whether the tree shows every variable of that service: no missing env_file, no dashboard, no dotenv in the code, no
    code that sets variables whose names it computes."""
    computed = any(write.name in ("", "*") for write in project.code.env_writes)
    return not computed and not service.environment.open and service.platform not in OPEN_PLATFORMS and not project.code.dotenv_loads


def given(project: Project, run: Run, name: str) -> Answer[str] | None:
    """The value of a variable for that run; None only where it is certainly not set."""
    answer = run.around.variable(name)
    if answer is None:
        answer = next((s.value for s in reversed(project.dotenv) if s.name == name), None)
    return answer


def lacks(project: Project, run: Run, name: str) -> bool:
    """Certainly not set, or set to nothing."""
    answer = given(project, run, name)
    if answer is None:
        return is_closed(project, run.service)
    return isinstance(answer, Known) and not answer.value.strip() and is_closed(project, run.service)


def written_in_code(project: Project, name: str) -> bool:
    return any(write.name == name for write in project.code.env_writes)


def given_outside(service: Service, name: str) -> str:
    """What a placeholder leaves to people."""
    if service.platform == "kubernetes":
        return f"The pods wait until there is a secret {VOLUME} with the key {name}."
    return f"{name} must be given from outside, else the service does not start."


def environment_at(service: Service) -> Location:
    """Where a variable would be added: the first one that the service's own file sets, else the service."""
    own = next((s.at for s in service.environment.settings if s.at.path == service.at.path and s.at.line > service.at.line), None)
    return own or service.at


def names_this_host(value: str) -> bool:
    return bool(LOCAL.search(value))
