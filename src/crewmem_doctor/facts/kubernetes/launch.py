"""What a container starts: command over the image's ENTRYPOINT, args over its CMD."""

from __future__ import annotations

from collections.abc import Mapping as Texts

from crewmem_doctor.facts.dockerfile import Image
from crewmem_doctor.facts.kubernetes.environment import references
from crewmem_doctor.facts.servers import Scene, started
from crewmem_doctor.model.deployment import Process, Service
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.shell import CommandLine, Word
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence


def processes_of(
    container: Mapping, service: Service, image: Image | None, tree: Tree, files: Texts[str, str]
) -> tuple[Process, ...]:
    """The processes of a container, read with its own variables, files and folders.

    A command of the pod's own takes the image's ENTRYPOINT and its CMD away, args only the CMD.
    """
    command, arguments = _line(container.get("command"), service), _line(container.get("args"), service)
    entrypoint = image.entrypoint if image is not None and command is None else command
    if arguments is None and command is None and image is not None:
        arguments = image.cmd
    scene = Scene(
        environment=service.environment,
        tree=tree,
        directory=service.context,
        workdir=service.workdir,
        copies=service.copies,
        files={**(image.files if image is not None else {}), **files},
        homes={a.name: a.home for a in image.accounts} if image is not None else {},
    )
    return started(entrypoint, arguments, scene)


def _line(node: Node | None, service: Service) -> CommandLine | None:
    """The words of `command` or `args`; None where it is not given. One that a template makes gives no words."""
    if node is None or (isinstance(node, Scalar) and node.null):
        return None
    items = node.items if isinstance(node, Sequence) else (node,)
    words = [_word(item, service) for item in items if isinstance(item, Scalar) and not item.templated]
    return CommandLine.of(words, node.at) if words else None


def _word(item: Scalar, service: Service) -> Word:
    """Kubernetes replaces `$(NAME)` where that is set and runs no shell, so any other `$` means itself."""
    text = item.value
    if "$" not in text:
        return Word(text, item.at, literal=True)
    names = [name for name in references(text) if service.environment.get(name) is not None]
    if not names:
        return Word(text.replace("$$", "$"), item.at, literal=True)
    script = "\n" in text or " " in text.strip()
    shown = text if script else text.replace("\\", "\\\\").replace("$", "\\$")
    for name in names:
        shown = shown.replace(f"$({name})" if script else f"\\$({name})", f"${{{name}}}")
    return Word(shown, item.at)
