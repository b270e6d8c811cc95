"""Dockerfiles: what the image needs so that its user can write to a volume."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.model.changes.deployment import GiveHome, OwnDirectory
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.dockerfile import Instruction, parse

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?")
_PATH = re.compile(r"/[A-Za-z0-9_./@+-]+")
HOME = "/home/app"      # of a user that no account gives one
_ROOT = ("root", "0", "root:root", "0:0")
_BARE = ("scratch", "distroless", "chainguard", "cgr.dev")     # no shell to run anything


def own(change: OwnDirectory, sources: Sources) -> list[Edit]:
    """`RUN mkdir … && chown …` right before the USER that the service runs as, while the build is still root."""
    service = change.service
    path, at = service.dockerfile, service.user.at
    if not path or at is None or at.path != path:
        raise Refused(f"what makes {change.path} belong to {service.user.name} stands in no Dockerfile of this tree")
    if not _NAME.fullmatch(service.user.name) or not _PATH.fullmatch(change.path):
        raise Refused(f"the user at line {at.line} of {path} is not known")
    document = sources.document(path)
    switch, before = _stage(parse(document.text, path).instructions, at.line)
    if switch is None:
        raise Refused(f"line {at.line} of {path} sets no user")
    _can_run(before, path, at.line, change.path)
    given = f"chown {service.user.name} {change.path}"
    home = service.user.home.value.rstrip("/") if isinstance(service.user.home, Known) else ""
    if home and change.path.startswith(f"{home}/"):
        # Else root would own the directories between, and nothing could be made beside the store.
        first = change.path[len(home) + 1:].partition("/")[0]
        given = f"chown -R {service.user.name} {home}/{first}"
    return [document.insertion((switch.at.line, 1), f"RUN mkdir -p {change.path} && {given}\n")]


def give_home(change: GiveHome, sources: Sources) -> list[Edit]:
    """The home that the user is said to have, made and given to it; a number without an account gets one by HOME."""
    service, user = change.service, change.service.user
    path, at = service.dockerfile, user.at
    if not path or at is None or at.path != path:
        raise Refused(f"the user {user.name} is chosen in no Dockerfile of this tree; give it a HOME of its own")
    if not _NAME.fullmatch(user.name):
        raise Refused(f"the user at line {at.line} of {path} is not known")
    document = sources.document(path)
    switch, before = _stage(parse(document.text, path).instructions, at.line)
    if switch is None:
        raise Refused(f"line {at.line} of {path} sets no user")
    _can_run(before, path, at.line, user.name)
    home = user.home.value if isinstance(user.home, Known) and user.home.value != "/" else HOME
    if not _PATH.fullmatch(home):
        raise Refused(f"the home of {user.name} is not known")
    made = f"RUN mkdir -p {home} && chown {user.name} {home}\n"
    named = "" if isinstance(user.home, Known) and user.home.value == home else f"ENV HOME={home}\n"
    return [document.insertion((switch.at.line, 1), made + named)]


def _can_run(before: Iterable[Instruction], path: str, line: int, what: str) -> None:
    """Raises Refused where the build cannot make directories for others at this point."""
    before = list(before)
    source = next((i.rest.text for i in before if i.name == "FROM"), "")
    if any(bare in source for bare in _BARE):
        raise Refused(f"{source.split()[0]} has no shell that could make {what}")
    user = next((i.rest.text.strip() for i in reversed(before) if i.name == "USER"), "root")
    if user not in _ROOT:
        raise Refused(f"the build is {user} before line {line} of {path}, and only root gives directories away")


def _stage(instructions: Iterable[Instruction], line: int) -> tuple[Instruction | None, list[Instruction]]:
    """The USER at a line, and its stage's instructions before it, FROM first."""
    before: list[Instruction] = []
    for instruction in instructions:
        if instruction.at.line <= line <= instruction.at.end_line:
            return (instruction if instruction.name == "USER" else None), before
        before = [instruction] if instruction.name == "FROM" else [*before, instruction]
    return None, before


def _is_dockerfile(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.startswith(("dockerfile", "containerfile")) or name.endswith((".dockerfile", ".containerfile"))


DIALECT = Dialect("dockerfile", owns=_is_dockerfile, platforms=("dockerfile",), editors={
    OwnDirectory: own, GiveHome: give_home})
