"""Programs that run another command: what they leave of their own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Setting
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.shell import Word


@dataclass(frozen=True, slots=True)
class Wrapper:
    """`commands` are subcommands of which one must come first; `values` options that take a value; `skip` how many
    positional words are the wrapper's own. `last` says that only what follows `--` is the command."""

    commands: tuple[str, ...] = ()
    values: frozenset[str] = field(default_factory=frozenset)
    skip: int = 0
    last: bool = False


def _of(commands: str = "", values: str = "", skip: int = 0, last: bool = False) -> Wrapper:
    return Wrapper(tuple(commands.split()), frozenset(values.split()), skip, last)


_PLAIN = _of()
WRAPPERS: Mapping[str, Wrapper] = {
    "exec": _of(values="-a"),
    "nohup": _PLAIN,
    "command": _PLAIN,
    "builtin": _PLAIN,
    "time": _of(values="-f -o"),
    "setsid": _PLAIN,
    "nice": _of(values="-n --adjustment"),
    "ionice": _of(values="-c -n -p --class --classdata"),
    "stdbuf": _of(values="-i -o -e"),
    "unbuffer": _PLAIN,
    "chrt": _of(skip=1),
    "taskset": _of(skip=1),
    "timeout": _of(values="-s -k --signal --kill-after", skip=1),
    "catatonit": _PLAIN,
    "s6-setuidgid": _of(skip=1),
    "tini": _of(values="-p -e"),
    "tini-static": _of(values="-p -e"),
    "dumb-init": _of(values="-r --rewrite"),
    "docker-init": _PLAIN,
    "with-contenv": _PLAIN,
    "xvfb-run": _of(values="-n -s -w -f -e -p --server-num --server-args"),
    "gosu": _of(skip=1),
    "su-exec": _of(skip=1),
    "setpriv": _of(),
    "chroot": _of(skip=1),
    "sudo": _of(values="-u -g -h -p -C --user --group"),
    "runuser": _of(values="-u -g -s"),
    "poetry": _of("run", "-C --directory -P --project"),
    "pipenv": _of("run"),
    "rye": _of("run"),
    "pdm": _of("run", "-p --project"),
    "hatch": _of("run"),
    "pixi": _of("run", "-e --environment --manifest-path"),
    "uv": _of(
        "run",
        "--with --extra --group --python -p --env-file --project --directory --package --index --only-group "
        "--no-group --with-requirements --with-editable --index-url --extra-index-url --default-index --link-mode "
        "--cache-dir --no-extra --env --config-file --color",
    ),
    "uvx": _of(values="--from --with --python -p --env-file"),
    "pipx": _of("run", "--spec --python"),
    "conda": _of("run", "-n --name -p --prefix --cwd"),
    "mamba": _of("run", "-n --name -p --prefix"),
    "micromamba": _of("run", "-n --name -p --prefix"),
    "opentelemetry-instrument": _of(
        values="--traces_exporter --metrics_exporter --logs_exporter --service_name --exporter_otlp_endpoint"
    ),
    "ddtrace-run": _PLAIN,
    "newrelic-admin": _of("run-program"),
    "sentry-run": _PLAIN,
    "logfire": _of("run"),
    "doppler": _of("run", "-t -p -c --token --project --config"),
    "infisical": _of("run", last=True),
    "op": _of("run", last=True),
    "chamber": _of("exec", last=True),
    "aws-vault": _of("exec", last=True),
    "dotenv": _of("run", "-f --file -e"),
    "dotenvx": _of("run", "-f --env-file"),
    "envdir": _of(skip=1),
    "chpst": _of(values="-u -U -e -n"),
    "dockerize": _of(values="-wait -timeout -template -stdout -stderr -wait-retry-interval --wait --timeout -delims"),
    "wait-for-it": _of(values="-h -p -t --host --port", skip=1),
    "wait-for": _of(values="-t", skip=1),
    "wait-for-it.sh": _of(values="-h -p -t --host --port", skip=1),
    "wait-for.sh": _of(values="-t", skip=1),
    "wait_for_it.sh": _of(values="-h -p -t --host --port", skip=1),
    "wait-port": _of(last=True),
    "wait-for-postgres.sh": _of(skip=1),
    "watchmedo": _of("auto-restart shell-command", last=True),
    "flock": _of(values="-w -E", skip=1),
    "accelerate": _of("launch", "--num_processes --config_file"),
    "coverage": _of("run", "--rcfile --source -m"),
    "strace": _of(values="-e -o -p"),
    "busybox": _PLAIN,
}


def unwrap(words: tuple[Word, ...], name: str, scene: Scene) -> tuple[tuple[Word, ...], Scene] | None:
    """The command that a wrapper runs and the scene it finds; None where `name` is no wrapper (or has no command)."""
    if name == "env":
        return _env(words[1:], scene)
    wrapper = WRAPPERS.get(name)
    if wrapper is None:
        return None
    rest = words[1:]
    if wrapper.last:
        for i, word in enumerate(rest):
            if word.text == "--":
                return rest[i + 1 :], scene
        if name != "watchmedo":
            return None
    rest = _options(rest, wrapper)
    if wrapper.commands:
        if not rest or rest[0].text not in wrapper.commands:
            return None
        rest = _options(rest[1:], wrapper)
    user = rest[0] if wrapper.skip and rest else None
    rest = _options(rest[wrapper.skip :], wrapper) if wrapper.skip else rest
    if name in ("gosu", "su-exec") and user is not None:
        scene = _as_user(user, scene, name)
    elif name == "uv" and rest and rest[0].text.endswith(".py"):
        rest = (Word("python", rest[0].at), *rest)
    elif name == "coverage":
        rest = (Word("python", words[0].at), *rest)
    return (rest, scene) if rest else None


def _options(words: tuple[Word, ...], wrapper: Wrapper) -> tuple[Word, ...]:
    """Without leading options; `--` ends them."""
    i = 0
    while i < len(words):
        text = words[i].text
        if text == "--":
            return words[i + 1 :]
        if not text.startswith("-") or text == "-":
            break
        if text in ("-m", "--module") and "--with" in wrapper.values:  # uv run -m module
            return (Word("python", words[i].at), *words[i:])
        i += 2 if text in wrapper.values else 1
    return words[i:]


def _env(words: tuple[Word, ...], scene: Scene) -> tuple[tuple[Word, ...], Scene] | None:
    i = 0
    added: list[Setting] = []
    while i < len(words):
        name, equals, value = words[i].text.partition("=")
        if words[i].text in ("-u", "--unset", "-C", "--chdir"):
            i += 2
        elif words[i].text.startswith("-"):
            i += 1
        elif equals and name.isidentifier():
            word = Word(value, words[i].at, words[i].literal)
            added.append(Setting(name, scene.value(word), words[i].at))
            i += 1
        else:
            break
    return (words[i:], with_settings(scene, added)) if i < len(words) else None


def with_settings(scene: Scene, added: list[Setting]) -> Scene:
    """The scene with variables that its commands get in their environment."""
    if not added:
        return scene
    return replace(scene, variables=(*scene.variables, *added), exported=(*scene.exported, *added))


def _as_user(user: Word, scene: Scene, name: str) -> Scene:
    """gosu and su-exec set HOME to that of the user they change to."""
    text = scene.value(user)
    home: Answer[str] = Unknown(f"{name} changes to a user that is not known", user.at)
    if isinstance(text, Known):
        known = text.value.partition(":")[0]
        home = scene.homes.get(known, Unknown(f"{name} changes to {known}, whose home is not known", user.at))
    return with_settings(scene, [Setting("HOME", home, user.at)])
