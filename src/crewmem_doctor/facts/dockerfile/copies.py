"""COPY and ADD: which part of the tree lands where in the image."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping

from crewmem_doctor.facts.dockerfile.stage import Stage
from crewmem_doctor.model.deployment import Copied
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.dockerfile import Instruction
from crewmem_doctor.sources.shell import Word, split

_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|git@")
_GLOB_CAP = 200


def words_of(instruction: Instruction) -> tuple[Word, ...]:
    """The sources and the destination."""
    return instruction.words if instruction.words is not None else split(instruction.rest, instruction.at)


def sources_of(instruction: Instruction) -> list[str]:
    """What a COPY or ADD takes from the build context, as written."""
    if instruction.flag("from") or instruction.heredocs:
        return []
    return [w.text for w in words_of(instruction)[:-1] if not _REMOTE.match(w.text) and "$" not in w.text]


def apply(instruction: Instruction, stage: Stage, tree: Tree, context: str, stages: Mapping[str, Stage]) -> None:
    """Note what the instruction copies, and who owns it afterwards."""
    words = words_of(instruction)
    if len(words) < 2:
        return
    target_text = stage.text(words[-1])
    target = stage.absolute(target_text)
    into = target_text.endswith("/") or target_text in (".", "..") or len(words) > 2 or stage.is_made(target)
    existed = stage.is_made(target)
    if instruction.heredocs:
        _heredocs(instruction, stage, target, into)
    elif instruction.flag("from"):
        source_stage = stages.get(stage.text(Word(instruction.flag("from"), instruction.at)).lower())
        if source_stage is not None:
            for word in words[:-1]:
                _from_stage(instruction, stage, source_stage, stage.text(word), target, into)
    else:
        for word in words[:-1]:
            text = stage.text(word)
            if not _REMOTE.match(text):
                _from_context(instruction, stage, tree, context, text, target, into)
    directory = into or any(c.target == target and tree.is_dir(c.source) for c in stage.copies)
    if directory and not existed:
        stage.made.append(target)
    _own(instruction, stage, tree, target, existed, directory)


def _from_context(
    instruction: Instruction, stage: Stage, tree: Tree, context: str, source: str, target: str, into: bool
) -> None:
    path = join_path(context, source.lstrip("/")) if source.strip("./") else context
    if path.startswith(".."):
        return
    if any(c in source for c in "*?["):
        for match in _glob(tree, path):
            stage.copies.append(Copied(match, join_path(target, match.rpartition("/")[2]), instruction.at))
        return
    if any(f.name == "parents" for f in instruction.flags):
        stage.copies.append(Copied(path, join_path(target, source.lstrip("/")), instruction.at))
    elif tree.is_dir(path) or not path:
        stage.copies.append(Copied(path, target, instruction.at))
    else:
        name = path.rpartition("/")[2]
        stage.copies.append(Copied(path, join_path(target, name) if into else target, instruction.at))


def _glob(tree: Tree, pattern: str) -> list[str]:
    """The files and folders of the tree that a pattern's last part matches (patterns higher up are not followed)."""
    folder, _, last = pattern.rpartition("/")
    if any(c in folder for c in "*?["):
        return []
    names = [name for name in tree.children(folder) if fnmatch.fnmatchcase(name, last)]
    return [join_path(folder, name) for name in names[:_GLOB_CAP]]


def _from_stage(instruction: Instruction, stage: Stage, other: Stage, source: str, target: str, into: bool) -> None:
    """What the other stage had copied from the tree, as far as it lies under the source."""
    path = join_path("/", source)
    if any(c in source for c in "*?["):
        matching = [c for c in other.copies if fnmatch.fnmatchcase(c.target, path)]
        stage.copies.extend(Copied(c.source, join_path(target, _last(c.target)), instruction.at) for c in matching)
    else:
        stage.copies.extend([c for c in (_carried(c, path, target, into, instruction) for c in other.copies) if c])
    prefix = path.rstrip("/") + "/"
    for name, text in other.files.items():
        if name == path or name.startswith(prefix):
            stage.files[join_path(target, name[len(path) :].lstrip("/"))] = text
    stage.packages.extend([w for w in other.packages if w not in stage.packages])
    stage.requirements.extend([r for r in other.requirements if r not in stage.requirements])


def _carried(copied: Copied, path: str, target: str, into: bool, instruction: Instruction) -> Copied | None:
    """Where a copy of the other stage ends up when `path` is copied to `target`; None where it lies elsewhere."""
    prefix = path.rstrip("/") + "/"
    if copied.target == path or copied.target.startswith(prefix):
        rest = copied.target[len(path) :].lstrip("/")
        file_into = into and not rest and "." in _last(copied.source)
        place = join_path(target, rest or (_last(path) if file_into else ""))
        return Copied(copied.source, place, instruction.at)
    folder = copied.target.rstrip("/") + "/"
    if not path.startswith(folder):
        return None
    inner = join_path(copied.source, path[len(folder) :])
    is_file = "." in _last(inner).lstrip(".")
    return Copied(inner, join_path(target, _last(inner)) if into and is_file else target, instruction.at)


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _heredocs(instruction: Instruction, stage: Stage, target: str, into: bool) -> None:
    for heredoc in instruction.heredocs:
        stage.files[join_path(target, heredoc.name) if into else target] = heredoc.body.text


def _own(instruction: Instruction, stage: Stage, tree: Tree, target: str, existed: bool, directory: bool) -> None:
    """COPY gives its files to root or to --chown's user; a directory that was there keeps its owner."""
    value = stage.value(Word(instruction.flag("chown"), instruction.at))
    owner = value.value.partition(":")[0] if isinstance(value, Known) else ""
    if not directory or not existed:
        if directory or instruction.flag("chown"):
            stage.owners.append((target, owner or "root"))
        return
    if owner:
        for copied in stage.copies:
            if copied.at == instruction.at and tree.is_dir(copied.source):
                stage.owners.extend(
                    (join_path(copied.target, name), owner)
                    for name in tree.children(copied.source)
                    if tree.is_dir(join_path(copied.source, name))
                )
