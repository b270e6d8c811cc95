"""From instructions to stages."""

from __future__ import annotations

from collections.abc import Mapping

from crewmem_doctor.facts.dockerfile import copies, packages, users
from crewmem_doctor.facts.dockerfile.bases import base_of
from crewmem_doctor.facts.dockerfile.stage import Stage
from crewmem_doctor.model.deployment import Mount, Setting
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.dockerfile import Dockerfile, Instruction
from crewmem_doctor.sources.expand import expand
from crewmem_doctor.sources.shell import Command, CommandLine, Word, commands, split

MOST = 2000  # instructions; a file with more is no Dockerfile that anybody wrote
_SHELLS = ("sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash", "/bin/ash")


class Builder:
    """Plays a Dockerfile's instructions, without running anything. `stages` are by name and by number."""

    def __init__(self, file: Dockerfile, tree: Tree, context: str, args: Mapping[str, Answer[str]]) -> None:
        self.file = file
        self.tree = tree
        self.context = context
        self.given = args
        self.globals: dict[str, Answer[str] | None] = {}
        self.order: list[Stage] = []
        self.stages: dict[str, Stage] = {}
        self.cmd_set = False

    def run(self) -> None:
        for instruction in self.file.instructions[:MOST]:
            if instruction.name == "FROM":
                self._from(instruction)
            elif not self.order:
                if instruction.name == "ARG":
                    self._arg(instruction, None)
            else:
                self._apply(instruction, self.order[-1])

    def _from(self, instruction: Instruction) -> None:
        words = split(instruction.rest, instruction.at)
        if not words:
            return
        answer = expand(words[0].text, lambda name: self.globals.get(name), words[0].at, self.file.escape)
        image = answer.value if isinstance(answer, Known) else words[0].text
        name = words[2].text.lower() if len(words) > 2 and words[1].text.upper() == "AS" else ""
        parent = self.stages.get(image.lower())
        if parent is not None:
            stage = parent.child(name, instruction.at)
        else:
            stage = stage_from(image, name, instruction.at, self.file.escape)
        self.cmd_set = False
        self.stages[str(len(self.order))] = stage
        self.order.append(stage)
        if name:
            self.stages[name] = stage

    def _apply(self, instruction: Instruction, stage: Stage) -> None:
        name = instruction.name
        if name == "ARG":
            self._arg(instruction, stage)
        elif name == "ENV":
            stage.settings.extend(_settings(instruction, stage))
        elif name == "WORKDIR":
            _workdir(instruction, stage)
        elif name == "USER":
            _user(instruction, stage)
        elif name == "VOLUME":
            words = instruction.words if instruction.words is not None else split(instruction.rest, instruction.at)
            for word in words:
                stage.volumes.append(Mount(stage.absolute(stage.text(word)), "anonymous", word.at, durable=False))
        elif name in ("COPY", "ADD"):
            copies.apply(instruction, stage, self.tree, self.context, self.stages)
        elif name == "RUN":
            self._run(instruction, stage)
        elif name == "CMD":
            stage.cmd, self.cmd_set = _command(instruction), True
        elif name == "ENTRYPOINT":
            stage.entrypoint = _command(instruction)
            if not self.cmd_set:
                stage.cmd = None  # an inherited CMD does not outlive a new ENTRYPOINT

    def _arg(self, instruction: Instruction, stage: Stage | None) -> None:
        for word in split(instruction.rest, instruction.at):
            name, equals, default = word.text.partition("=")
            answer: Answer[str] | None
            if name in self.given:
                answer = self.given[name]
            elif equals:
                lookup = stage.lookup if stage is not None else self.globals.get
                answer = expand(default, lookup, word.at, self.file.escape)
            elif stage is not None and name in self.globals:
                answer = self.globals[name]
            else:
                answer = Unknown(f"the build argument {name} is given from outside", word.at)
            if stage is None:
                self.globals[name] = answer
            else:
                stage.args[name] = answer

    def _run(self, instruction: Instruction, stage: Stage) -> None:
        """The commands of RUN; a `cd` in it lasts until its end."""
        workdir = stage.workdir
        for command in _commands(instruction):
            words = command.words
            if not words:
                continue
            if words[0].text == "cd" and len(words) > 1:
                target = stage.value(words[1])
                if isinstance(target, Known) and isinstance(stage.workdir, Known):
                    stage.workdir = Known(join_path(stage.workdir.value, target.value))
                continue
            _writes(command, instruction, stage)
            users.apply(command, stage, stage.user)
            packages.apply(command, stage, self.tree, self.context)
        stage.workdir = workdir


def stage_from(image: str, name: str, at: Location, escape: str = "\\") -> Stage:
    """A stage that so far holds nothing but the registry image of that name."""
    base = base_of(image)
    why = "" if base.known else f"the base image {image} decides"
    workdir: Answer[str] = Known(base.workdir) if base.known or base.workdir != "/" else Unknown(why)
    stage = Stage(name, at, image, base, escape, workdir=workdir, user=base.user, user_why=why)
    stage.accounts.extend(base.accounts)
    stage.settings.extend(Setting(key, Known(value), at) for key, value in base.settings)
    stage.entrypoint = CommandLine.of(base.entrypoint, at) if base.entrypoint else None
    stage.cmd = CommandLine.of(base.command, at) if base.command else None
    if base.workdir != "/":
        stage.made.append(base.workdir)
    for account in base.accounts:
        if isinstance(account.home, Known) and account.made == Known(True) and account.uid != "0":
            stage.make(account.home.value, account.name)
    return stage


def _commands(instruction: Instruction) -> tuple[Command, ...]:
    if instruction.words is not None:
        words = instruction.words
        if len(words) > 2 and words[0].text in _SHELLS and words[1].text.startswith("-") and "c" in words[1].text:
            return commands(words[2].text, words[2].at)
        return (Command(words, instruction.at),)
    found = commands(instruction.rest)
    if instruction.heredocs and (
        not found or (len(found) == 1 and found[0].words[:1] and (found[0].words[0].text in _SHELLS))
    ):
        return tuple(c for heredoc in instruction.heredocs for c in commands(heredoc.body))
    return found


def _writes(command: Command, instruction: Instruction, stage: Stage) -> None:
    """A script that RUN writes with `cat <<EOF > FILE`, `echo` or `printf` (entrypoints are made so)."""
    if command.writes is None:
        return
    path = stage.absolute(stage.text(command.writes))
    name = command.words[0].text
    if name == "cat" and instruction.heredocs:
        stage.files[path] = instruction.heredocs[0].body.text
    elif name in ("echo", "printf"):
        texts = [w.text for w in command.words[1:] if w.text not in ("-e", "-n", "-ne", "-en", "%s\\n", "%s")]
        joined = ("\n" if name == "printf" else " ").join(texts).replace("\\n", "\n")
        if path in stage.files or joined.startswith("#!"):
            stage.files[path] = stage.files.get(path, "") + joined + "\n"


def _settings(instruction: Instruction, stage: Stage) -> list[Setting]:
    """ENV of both forms: `A=1 B="x y"` and the old `A the rest of the line`. All see the values from before."""
    words = split(instruction.rest, instruction.at)
    if not words:
        return []
    if "=" not in instruction.rest.text.split(None, 1)[0]:
        name, *rest = instruction.rest.text.split(None, 1)
        if not rest:
            return []
        start = instruction.rest.text.index(rest[0], len(name))
        at = instruction.rest.at(start, start + len(rest[0]))
        text = rest[0].rstrip()
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            text = text[1:-1]
        return [Setting(name, stage.value(Word(text, at)), instruction.rest.at(0, start + len(rest[0])))]
    out = []
    for word in words:
        name, equals, value = word.text.partition("=")
        if equals and name:
            out.append(Setting(name, stage.value(Word(value, word.at, word.literal)), word.at))
    return out


def _workdir(instruction: Instruction, stage: Stage) -> None:
    text = instruction.rest.text.strip().strip("\"'")
    answer = stage.value(Word(text, instruction.at))
    if isinstance(answer, Known) and answer.value.startswith("/"):
        stage.workdir = Known(join_path(answer.value), instruction.at, answer.confidence)
    elif isinstance(answer, Known) and isinstance(stage.workdir, Known):
        stage.workdir = Known(join_path(stage.workdir.value, answer.value), instruction.at, answer.confidence)
    elif isinstance(answer, Unknown):
        stage.workdir = answer
    if isinstance(stage.workdir, Known):
        stage.make(stage.workdir.value, stage.user)


def _user(instruction: Instruction, stage: Stage) -> None:
    answer = stage.value(Word(instruction.rest.text.strip().strip("\"'"), instruction.at))
    stage.user_at = instruction.at
    if isinstance(answer, Known):
        stage.user, stage.user_why = answer.value.partition(":")[0], ""
    else:
        stage.user, stage.user_why = "", answer.why


def _command(instruction: Instruction) -> CommandLine | None:
    """None for `CMD []` and an empty one, which take an inherited command away."""
    if instruction.words is not None:
        return CommandLine(instruction.at, instruction.words) if instruction.words else None
    return CommandLine(instruction.at, (), instruction.rest) if instruction.rest.text else None
