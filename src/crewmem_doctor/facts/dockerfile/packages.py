"""What RUN installs with pip and its kin."""

from __future__ import annotations

import re

from crewmem_doctor.facts.dockerfile.stage import Stage
from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.python import is_python
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.shell import Command, Word

_OPTIONS = {
    "-r": "requirement",
    "--requirement": "requirement",
    "-c": "constraint",
    "--constraint": "constraint",
    "-i": "index",
    "--index-url": "index",
    "--extra-index-url": "index",
    "-f": "links",
    "--find-links": "links",
    "-t": "target",
    "--target": "target",
    "--prefix": "prefix",
    "--root": "root",
    "--python": "python",
    "-p": "python",
    "--timeout": "timeout",
    "--retries": "retries",
    "--trusted-host": "host",
    "--cache-dir": "cache",
    "--platform": "platform",
    "-e": "editable",
    "--editable": "editable",
    "--group": "group",
    "-G": "group",
    "--extra": "extra",
    "--only-binary": "binary",
    "--no-binary": "binary",
    "--progress-bar": "bar",
    "--root-user-action": "action",
    "--proxy": "proxy",
    "--log": "log",
    "--index": "index",
    "--default-index": "index",
    "--prerelease": "prerelease",
    "--python-version": "python",
    "--index-strategy": "strategy",
    "--link-mode": "mode",
    "--implementation": "x",
    "--abi": "x",
    "--src": "x",
    "-C": "x",
    "--config-settings": "x",
    "--upgrade-strategy": "x",
    "--report": "x",
    "-n": "name",
    "--name": "name",
    "--channel": "x",
}
_FLAGS = (
    "--no-cache-dir --no-cache --upgrade -U --user --system --no-deps --pre -q --quiet -v --verbose --force-reinstall "
    "--ignore-installed -I --no-build-isolation --break-system-packages --disable-pip-version-check --no-input "
    "-y --yes --no-warn-script-location --prefer-binary --require-hashes --compile-bytecode --no-index --dev --frozen "
    "--locked --no-compile --isolated --debug --no-color --no-progress --reinstall --all-extras"
)
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\]]*\])?\s*([<>=!~@;].*)?$", re.DOTALL)


def apply(command: Command, stage: Stage, tree: Tree, context: str) -> None:
    """Note the requirements a command installs, and the requirement files of the tree that it names."""
    rest = _installs(command.words)
    if rest is None:
        return
    options = read_options(rest, _OPTIONS, _FLAGS)
    for word in options.positional:
        text = stage.text(word)
        if _REQUIREMENT.match(text) and "$" not in text and not text.endswith((".whl", ".tar.gz", ".txt")):
            stage.packages.append(Word(text, word.at))
    for word in options.all("requirement"):
        path = _in_tree(stage.text(word), stage, tree, context)
        if path is not None and path not in stage.requirements:
            stage.requirements.append(path)


def _installs(words: tuple[Word, ...]) -> tuple[Word, ...] | None:
    """The arguments of an installing command; None where it is none."""
    texts = [w.text for w in words[:6]]
    while texts and texts[0] in ("exec", "sudo", "env", "time", "nice", "-E", "-H", "then", "command"):
        words, texts = words[1:], texts[1:]
    if not texts:
        return None
    name = texts[0].rpartition("/")[2]
    if is_python(name) and texts[1:2] == ["-m"]:
        words, texts = words[2:], texts[2:]
        name = texts[0] if texts else ""
    if re.fullmatch(r"pip\d?(\.\d+)?|pipx|mamba|conda|micromamba", name) and texts[1:2] == ["install"]:
        return words[2:]
    if name == "uv" and texts[1:3] in (["pip", "install"], ["tool", "install"]):
        return words[3:]
    if name in ("uv", "poetry", "pdm", "rye") and texts[1:2] == ["add"]:
        return words[2:]
    return None


def _in_tree(name: str, stage: Stage, tree: Tree, context: str) -> str | None:
    path = stage.absolute(name)
    for copied in reversed(stage.copies):
        target = copied.target.rstrip("/")
        if path == target and not tree.is_dir(copied.source):
            return copied.source if tree.exists(copied.source) else None
        if path.startswith(target + "/"):
            inner = join_path(copied.source, path[len(target) + 1 :])
            if tree.exists(inner) and not tree.is_dir(inner):
                return inner
    beside = join_path(context, name.lstrip("/"))
    return beside if tree.exists(beside) and not tree.is_dir(beside) else None
