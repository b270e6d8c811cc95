"""useradd, adduser, chown, mkdir and their kin, in RUN: who has which home, and who owns what."""

from __future__ import annotations

import re

from crewmem_doctor.facts.dockerfile.bases import default_home
from crewmem_doctor.facts.dockerfile.image import Account
from crewmem_doctor.facts.dockerfile.stage import Stage
from crewmem_doctor.facts.servers.options import Options, read_options
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.sources.shell import Command, Word

_USERADD = {
    "-d": "home",
    "--home-dir": "home",
    "--home": "home",
    "-b": "base",
    "--base-dir": "base",
    "-u": "uid",
    "--uid": "uid",
    "-g": "gid",
    "--gid": "gid",
    "-G": "groups",
    "--groups": "groups",
    "-s": "shell",
    "--shell": "shell",
    "-c": "comment",
    "--comment": "comment",
    "-k": "skel",
    "--skel": "skel",
    "-p": "password",
    "--password": "password",
    "-e": "expire",
    "-f": "inactive",
    "-K": "key",
    "-R": "root",
    "-Z": "seuser",
}
_ADDUSER = {
    "--home": "home",
    "-h": "home",
    "--uid": "uid",
    "-u": "uid",
    "--gid": "gid",
    "--ingroup": "gid",
    "-G": "gid",
    "--shell": "shell",
    "-s": "shell",
    "--gecos": "gecos",
    "-g": "gecos",
    "--comment": "gecos",
    "--firstuid": "first",
    "--lastuid": "last",
    "--conf": "conf",
    "-k": "skel",
}
_ADDUSER_FLAGS = (
    "--system --disabled-password --disabled-login --no-create-home --group --quiet --force-badname --allow-bad-names "
    "-D -S -H --empty-password --add-extra-groups --debug --verbose --allow-badname"
)
_SHADOW_FLAGS = (
    "--system --create-home --no-create-home --user-group --no-user-group --no-log-init --non-unique "
    "--badname -r -m -M -U -N -l -o"
)
_PASSWD = re.compile(r"([A-Za-z_][\w.-]*):[^:\n]*:(\d+):\d*:[^:\n]*:(/[^:\n]*):")


def apply(command: Command, stage: Stage, user: str) -> None:
    """Note what a command of RUN, running as `user`, changes about accounts and owners."""
    name = command.words[0].text.rpartition("/")[2] if command.words else ""
    words = command.words[1:]
    if name in ("useradd", "adduser") and words:
        (_useradd if name == "useradd" or _shadow(words, stage) else _adduser)(words, stage)
    elif name == "usermod":
        _usermod(words, stage)
    elif name == "chown":
        _chown(words, stage)
    elif name == "chmod":
        _chmod(words, stage)
    elif name in ("mkdir", "install"):
        _mkdir(words, stage, user, name)
    elif command.writes is not None and stage.text(command.writes) == "/etc/passwd":
        _passwd(" ".join(stage.text(w) for w in words), stage)
    elif name == "touch":
        pass
    elif name in ("cp", "mv", "ln") and len(words) > 1:
        stage.owners.append((stage.absolute(stage.text(words[-1])), user))


def _shadow(words: tuple[Word, ...], stage: Stage) -> bool:
    """Red Hat's adduser is useradd."""
    return stage.base.family == "redhat"


def _split_cluster(words: tuple[Word, ...], values: dict[str, str]) -> tuple[Word, ...]:
    """`-ms /bin/bash` and `-rm` as single options, as getopt reads them."""
    out: list[Word] = []
    for word in words:
        text = word.text
        if len(text) < 3 or not text.startswith("-") or text.startswith("--"):
            out.append(word)
            continue
        for i, letter in enumerate(text[1:], 1):
            if "-" + letter in values:
                out.append(Word("-" + letter, word.at))
                if text[i + 1 :]:
                    out.append(Word(text[i + 1 :], word.at))
                break
            out.append(Word("-" + letter, word.at))
    return tuple(out)


def _useradd(words: tuple[Word, ...], stage: Stage) -> None:
    options = read_options(_split_cluster(words, _USERADD), _USERADD, _SHADOW_FLAGS)
    if not options.positional:
        return
    name = stage.text(options.positional[-1])
    system = bool({"-r", "--system"} & options.flags)
    home, made = default_home(name, stage.base.family, system, "useradd")
    base = options.get("base")
    if base is not None:
        home = Known(join_path(stage.text(base), name))
    given = options.get("home")
    if given is not None:
        home = stage.value(given)
    if {"-m", "--create-home"} & options.flags:
        made = Known(True)
    elif {"-M", "--no-create-home"} & options.flags:
        made = Known(False)
    _add(name, home, made, options, stage, system)


def _adduser(words: tuple[Word, ...], stage: Stage) -> None:
    """Debian's adduser and busybox's; `adduser USER GROUP` only adds a known user to a group."""
    family = stage.base.family
    values = {k: v for k, v in _ADDUSER.items() if family in ("alpine", "") or k.startswith("--")}
    options = read_options(_split_cluster(words, values), values, _ADDUSER_FLAGS)
    if not options.positional:
        return
    name = stage.text(options.positional[0])
    if len(options.positional) > 1 and any(a.name == name for a in stage.accounts):
        return
    system = bool({"--system", "-S"} & options.flags)
    if not family and {"-D", "-S", "-H"} & options.flags:
        family = "alpine"
    home, made = default_home(name, family, system, "adduser")
    given = options.get("home")
    if given is not None:
        home, made = stage.value(given), Known(True)
    if {"--no-create-home", "-H"} & options.flags:
        made = Known(False)
    _add(name, home, made, options, stage, system)


def _add(name: str, home: Answer[str], made: Answer[bool], options: Options, stage: Stage, system: bool) -> None:
    word = options.get("uid")
    uid = stage.text(word) if word is not None else "" if system else stage.next_uid()
    stage.accounts = [a for a in stage.accounts if a.name != name]
    stage.accounts.append(Account(name, home, uid, made))
    if isinstance(home, Known) and made == Known(True) and not stage.is_made(home.value):
        # An existing directory stays as it is: its owner does not change.
        stage.make(home.value, name)


def _usermod(words: tuple[Word, ...], stage: Stage) -> None:
    options = read_options(_split_cluster(words, _USERADD), _USERADD, _SHADOW_FLAGS)
    if not options.positional:
        return
    name = stage.text(options.positional[-1])
    home, uid = options.get("home"), options.get("uid")
    for i, account in enumerate(stage.accounts):
        if account.name == name:
            moved = home is not None and "-m" in options.flags
            stage.accounts[i] = Account(
                name,
                stage.value(home) if home is not None else account.home,
                stage.text(uid) if uid is not None else account.uid,
                account.made if home is None or moved else Known(False),
            )


def _chown(words: tuple[Word, ...], stage: Stage) -> None:
    rest = [w for w in words if not w.text.startswith("-")]
    if any(w.text.startswith("--reference") for w in words) or len(rest) < 2:
        return
    owner = stage.value(rest[0])
    if isinstance(owner, Unknown) or not owner.value.partition(":")[0]:
        return
    name = re.split(r"[:.](?![\d.]+$)|:", owner.value)[0]
    for word in rest[1:]:
        for path in _braces(stage.text(word)):
            stage.owners.append((stage.absolute(path.removesuffix("/*")), name))


def _chmod(words: tuple[Word, ...], stage: Stage) -> None:
    """What everybody may write belongs to everybody, as far as memory is concerned."""
    rest = [w for w in words if not re.match(r"-[A-Za-z]+$|--", w.text) or w.text.startswith("-w")]
    if len(rest) < 2:
        return
    mode = stage.text(rest[0])
    if re.fullmatch(r"[0-7]?[0-7][0-7][2367]", mode) or re.search(r"(^|,)(a|[ugo]*o)?\+[rxX]*w", mode):
        for word in rest[1:]:
            for path in _braces(stage.text(word)):
                stage.owners.append((stage.absolute(path), "*"))


def _mkdir(words: tuple[Word, ...], stage: Stage, user: str, name: str) -> None:
    options = read_options(
        words,
        {"-m": "mode", "--mode": "mode", "-o": "owner", "--owner": "owner", "-g": "group"},
        "-p --parents -v -d -D --directory -pv -vp",
    )
    if name == "install" and not {"-d", "--directory"} & options.flags:
        return
    owner, mode = options.get("owner"), options.get("mode")
    who = stage.text(owner) if owner is not None else user
    for word in options.positional:
        for path in _braces(stage.text(word)):
            stage.make(stage.absolute(path), who)
            if mode is not None and re.fullmatch(r"[0-7]?[0-7][0-7][2367]", stage.text(mode)):
                stage.owners.append((stage.absolute(path), "*"))


def _passwd(text: str, stage: Stage) -> None:
    for name, uid, home in _PASSWD.findall(text):
        stage.accounts.append(Account(name, Known(home), uid, Known(False)))


def _braces(text: str) -> list[str]:
    """`/app/{data,logs}` as bash expands it, one level deep."""
    match = re.match(r"([^{}]*)\{([^{}]*,[^{}]*)\}([^{}]*)$", text)
    return [match.group(1) + part + match.group(3) for part in match.group(2).split(",")] if match else [text]
