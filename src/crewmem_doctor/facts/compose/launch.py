"""What a compose service starts: its command over its entrypoint over those of the image."""

from __future__ import annotations

from crewmem_doctor.facts.compose.interpolate import Variables, fill
from crewmem_doctor.facts.compose.project import Project
from crewmem_doctor.facts.dockerfile.image import Image
from crewmem_doctor.facts.servers import Scene, started
from crewmem_doctor.model.deployment import Environment, Process, Service, Setting
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import CommandLine, Word, split
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence


def processes_of(
    node: Mapping, project: Project, tree: Tree, image: Image | None, service: Service
) -> tuple[Process, ...]:
    """The processes of a service, read with its own variables, files and folders."""
    own_entrypoint, own_command = node.get("entrypoint"), node.get("command")
    entrypoint, command = command_line(own_entrypoint, project), command_line(own_command, project)
    if image is not None:
        # An entrypoint of the service's own also takes the image's command away.
        command = image.cmd if command is None and entrypoint is None else command
        entrypoint = image.entrypoint if entrypoint is None else entrypoint
    replaced = (*variables_of(own_entrypoint, project), *variables_of(own_command, project))
    environment = Environment((*service.environment.settings, *replaced), service.environment.open)
    scene = Scene(
        environment=environment, tree=tree, directory=service.context, workdir=service.workdir, copies=service.copies,
        files=image.files if image else {}, homes={a.name: a.home for a in image.accounts} if image else {},
    )
    return started(entrypoint, command, scene)


def command_line(node: Node | None, project: Project) -> CommandLine | None:
    """The words of `command` or `entrypoint`: Compose splits a string itself and runs no shell. None where not given.

    Variables stay in the words, so that each keeps its own place; `variables_of` says what they hold.
    """
    if node is None or (isinstance(node, Scalar) and node.null) or isinstance(node, Mapping):
        return None
    variables = project.scope(node.at).variables
    words: list[Word] = []
    if isinstance(node, Scalar):
        words = [part for word in split(_passage(node), node.at) for part in _again(word, variables)]
    elif isinstance(node, Sequence):
        words = [Word(item.value, item.at) for item in node.items if isinstance(item, Scalar)]
    return CommandLine.of([Word(w.text.replace("$$", "$"), w.at, w.literal) for w in words], node.at)


def variables_of(node: Node | None, project: Project) -> tuple[Setting, ...]:
    """The variables that Compose replaces in a command, as settings. They are its own, not the container's."""
    if node is None:
        return ()
    found: dict[str, Setting] = {}
    for item in node.items if isinstance(node, Sequence) else (node,):
        if not isinstance(item, Scalar) or "$" not in item.value:
            continue
        variables = project.scope(item.at).variables
        filled = fill(item.value, variables)
        for name in filled.missing:
            found[name] = Setting(name, Unknown(f"${{{name}}} is set outside this tree", item.at), item.at)
        for name, text in filled.values:
            known = variables.get(name)
            value = known if isinstance(known, Known) and known.value == text else Known(text, item.at, "medium")
            found.setdefault(name, Setting(name, value, item.at))
    return tuple(found.values())


def _passage(node: Scalar) -> Passage:
    """The scalar's text; with places where it stands in the file as it is."""
    at, quote = node.at, 1 if node.quoted else 0
    if at.line == at.end_line and at.end_column - at.column == len(node.value) + 2 * quote:
        return Passage(node.value, at, ((0, at.line, at.column + quote),))
    return Passage(node.value, at)


def _again(word: Word, variables: Variables) -> list[Word]:
    """A variable that holds several words gives several; Compose replaces before it splits."""
    if word.literal or not (word.text.startswith("$") and not word.text.startswith("$$")):
        return [word]
    filled = fill(word.text, variables)
    if filled.missing or not any(c.isspace() for c in filled.text):
        return [word]
    return [Word(part.text, word.at) for part in split(filled.text, word.at)]
