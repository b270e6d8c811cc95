"""The options of `gcloud run deploy`: variables, instances, volumes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.facts.platforms.syntax import as_number
from crewmem_doctor.facts.servers.options import Options
from crewmem_doctor.model.deployment import Environment, Mount, Setting
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.shell import CommandLine, Word

ANY = Unknown("Cloud Run starts as many instances as it needs, unless --max-instances says otherwise")
VALUES = {
    name: name
    for name in (
        "--image",
        "--source",
        "--max-instances",
        "--min-instances",
        "--set-env-vars",
        "--update-env-vars",
        "--env-vars-file",
        "--set-secrets",
        "--update-secrets",
        "--add-volume",
        "--add-volume-mount",
        "--command",
        "--args",
        "--region",
        "--project",
        "--platform",
        "--memory",
        "--cpu",
        "--port",
        "--service-account",
        "--timeout",
        "--concurrency",
        "--dockerfile",
        "--workdir",
        "--max",
        "--tasks",
        "--function",
    )
}
FLAGS = (
    "--allow-unauthenticated --no-allow-unauthenticated --quiet -q --no-traffic --no-cpu-throttling --cpu-boost "
    "--clear-secrets"
)


def filled_in(word: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$\{?([A-Za-z_]\w*)\}?", lambda match: variables.get(match[1], match[0]), word)


def named_in(image: Word | None) -> str:
    last = image.text.partition("@")[0].rpartition("/")[2].partition(":")[0] if image is not None else ""
    return "" if "$" in last else last


def listed(word: Word | None) -> CommandLine | None:
    if word is None or not word.text or "$" in word.text:
        return None
    return CommandLine.of([Word(part, word.at) for part in word.text.split(",")], word.at)


def environment_of(options: Options) -> Environment:
    """`--set-env-vars` sets them all; without it, or with `--update-…`, those of the revision before stay.

    Those that come from secrets are apart: only `--set-secrets` and `--clear-secrets` replace them."""
    found_settings: list[Setting] = []
    why: list[str] = [] if options.get("--set-env-vars") is not None else ["the service's variables on Cloud Run"]
    if options.get("--set-secrets") is None and "--clear-secrets" not in options.flags:
        why.append("the service's secrets on Cloud Run")
    for name in ("--set-env-vars", "--update-env-vars"):
        for word in options.all(name):
            pairs, more = pairs_of(word)
            found_settings.extend(pairs)
            why.extend(more)
    for name in ("--set-secrets", "--update-secrets"):
        for word in options.all(name):
            found_settings.extend(
                Setting(s.name, Unknown("it comes from a secret", word.at), word.at, True)
                for s in pairs_of(word)[0]
                if not s.name.startswith("/")
            )
    if options.get("--env-vars-file") is not None:
        why.append("--env-vars-file")
    return Environment(tuple(found_settings), tuple(why))


def pairs_of(word: Word) -> tuple[list[Setting], list[str]]:
    """`A=1,B=2`, or `^@^A=1@B=2` with a separator of one's own."""
    body, separator = word.text, ","
    match = re.match(r"\^([^^]+)\^", body)
    if match is not None:
        separator, body = match[1], body[match.end() :]
    out, why = [], []
    for pair in body.split(separator):
        name, equals, value = pair.partition("=")
        if equals and "$" not in name:
            said: Answer[str] = (
                Unknown("a variable of the script fills it in", word.at) if "$" in value else Known(value, word.at)
            )
            out.append(Setting(name.strip(), said, word.at))
        elif "$" in pair:
            why.append("a variable of the script")
    return out, why


def most_of(options: Options) -> tuple[Answer[int], Location | None]:
    word = options.get("--max-instances") or options.get("--max")
    if word is None:
        return ANY, None
    return (ANY if word.text == "default" else as_number(word.text, word.at)), word.at


def mounts_of(options: Options) -> Iterator[Mount]:
    kinds = {}
    for word in options.all("--add-volume"):
        said = dict(part.partition("=")[::2] for part in word.text.split(","))
        kinds[said.get("name", "")] = said
    for word in options.all("--add-volume-mount"):
        said = dict(part.partition("=")[::2] for part in word.text.split(","))
        target, volume = said.get("mount-path", ""), kinds.get(said.get("volume", ""), {})
        if target.startswith("/"):
            yield mount_of(target, volume.get("type", ""), said.get("volume", ""), word.at)


def mount_of(target: str, kind: str, source: str, at: Location) -> Mount:
    """Buckets and NFS shares are one for all instances; memory and ephemeral disks go with the instance."""
    target = target.rstrip("/") or "/"
    if kind in ("nfs", "cloud-storage", "gcs"):
        return Mount(target, "nfs", at, source, shared=True, network="nfs" if kind == "nfs" else "gcsfuse")
    if kind in ("in-memory", "empty_dir", "emptyDir", "ephemeral-disk"):
        return Mount(target, "emptydir", at, source, durable=False)
    if kind in ("secret", "cloud-sql"):
        return Mount(target, "secret", at, source, durable=False, read_only=True)
    return Mount(target, "unknown", at, source)
