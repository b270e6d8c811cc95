"""Command lines of servers, workers and scripts → the processes that run application code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from crewmem_doctor.facts.servers.run import run_text, run_words
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Copied, Environment, Process
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import CommandLine, Word

__all__ = ["Scene", "process", "processes", "started"]

_ROOT: Answer[str] = Known("/")


def process(
    words: Sequence[str | Word],
    at: Location,
    environment: Environment | None = None,
    tree: Tree | None = None,
    directory: str = "",
) -> Process:
    """The process of one command given as words: the first where it runs several, server "unknown" where it is not
    understood. `directory` is the folder of the tree that its relative files lie in."""
    scene = Scene(environment=environment or Environment(), tree=tree, directory=directory)
    line = CommandLine.of(words, at)
    found = run_words(line.words, scene)
    return found[0] if found else Process(tuple(w.text for w in line.words), at)


def processes(
    command: str | Passage | Sequence[str | Word] | CommandLine,
    at: Location,
    environment: Environment | None = None,
    tree: Tree | None = None,
    directory: str = "",
    *,
    workdir: Answer[str] = _ROOT,
    copies: tuple[Copied, ...] = (),
    files: Mapping[str, str] | None = None,
    homes: Mapping[str, Answer[str]] | None = None,
) -> tuple[Process, ...]:
    """Every process that a command ends up running, through wrappers, shells and scripts of the tree.

    Text is read as a shell would, a sequence as exec form. `copies` (bind mounts of the tree may be among them) say
    where the container's files lie in the tree, and `directory` where relative ones do if no copy tells. What ends by
    itself (migrations, `flask db upgrade`, `celery inspect`) is no process.
    """
    scene = Scene(environment or Environment(), tree, directory, workdir, copies, files or {}, homes or {})
    return started(None, _line(command, at), scene)


def started(entrypoint: CommandLine | None, command: CommandLine | None, scene: Scene) -> tuple[Process, ...]:
    """What Docker starts of both: an exec-form entrypoint gets the command as its arguments, one in shell form none."""
    if entrypoint is not None and entrypoint.script is not None:
        return run_text(entrypoint.script, replace(scene, arguments=()))
    words = entrypoint.words if entrypoint is not None else ()
    if command is None:
        return run_words(words, scene)
    if command.script is not None:
        if not words:
            return run_text(command.script, replace(scene, arguments=()))
        shell = (Word("/bin/sh", command.at), Word("-c", command.at), Word(command.script.text, command.at))
        return run_words((*words, *shell), scene)
    return run_words((*words, *command.words), scene)


def _line(command: str | Passage | Sequence[str | Word] | CommandLine, at: Location) -> CommandLine:
    if isinstance(command, CommandLine):
        return command
    if isinstance(command, (str, Passage)):
        return CommandLine.shell(command, at)
    return CommandLine.of(command, at)
