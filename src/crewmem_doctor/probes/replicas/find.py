"""Which replicas there are: of a Compose service, of a Kubernetes workload, or as given."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from crewmem_doctor.errors import CrewmemError, UsageError
from crewmem_doctor.probes.replicas.replica import Place
from crewmem_doctor.probes.session import Blind, Session

_KINDS = "deployment,statefulset,daemonset"
_ADVICE = re.compile(r"Usage:|(?:Run|See) ['\"`]")
_DEFAULT = "kubectl.kubernetes.io/default-container"


class Few(CrewmemError):
    """There are not two of them. The text says how many, and how to have more."""


def found(session: Session) -> list[Place]:
    """Two or more. Raises Few, Blind where the tool is missing or refuses, UsageError for words without an end."""
    places = {"compose": _compose, "k8s": _kubernetes, "exec": _given}[session.target.kind](session)
    if len(places) < 2:
        more = {"compose": f"docker compose up --scale {session.target.rest}=2",
                "k8s": "kubectl scale --replicas=2"}.get(session.target.kind, "")
        one = f"only {places[0].name} is running" if places else "no replica is running"
        raise Few(f"{one}: two are needed to see what one finds of the other" + (f" ({more})" if more else ""))
    return places


def _given(session: Session) -> list[Place]:
    try:
        words = [tuple(shlex.split(half)) for half in session.target.rest.split("::")]
    except ValueError as error:
        raise UsageError(f"{session.target.shown}: {error}") from None
    # Not the whole command, which may hold what nobody should read.
    return [Place(f"the {number} replica ({words[0]})", (words,))
            for number, words in zip(("first", "second"), words, strict=False)]


def _compose(session: Session) -> list[Place]:
    service = session.target.rest
    docker = _tool(session, "docker")
    said = _run(session, [docker, "compose", "ps", "--format", "json", service])
    running = [one for one in _records(said) if str(one.get("State", "running")).lower() == "running"]
    places = []
    for one in running:
        name = str(one.get("Name", ""))
        index = re.search(r"[-_](\d+)$", name)
        prefix = (docker, "compose", "exec", "-T", "--index", index[1] if index else "1", service)
        places.append(Place(name or service, (prefix,)))
    return places


def _records(text: str) -> list[dict[str, Any]]:
    """A list, or one object a line, as docker compose prints them by its version."""
    text = text.strip()
    try:
        found = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line]
    except ValueError:
        raise Blind("docker compose ps answered with something that is not JSON") from None
    return [one for one in found if isinstance(one, dict)]


def _kubernetes(session: Session) -> list[Place]:
    namespace, _, workload = session.target.rest.partition("/")
    kubectl = _tool(session, "kubectl")
    start = [kubectl, "-n", namespace]
    which = [workload] if "/" in workload else [_KINDS, workload, "--ignore-not-found"]
    found = _object(_run(session, [*start, "get", *which, "-o", "json"]))
    items = found.get("items", [found] if found else [])
    if not items:
        raise Blind(f"namespace {namespace} has no deployment, stateful set or daemon set {workload}",
                    "Name it as `kubectl get deployments,statefulsets,daemonsets` shows it")
    labels = items[0].get("spec", {}).get("selector", {}).get("matchLabels", {})
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    if not selector:
        raise Blind(f"{workload} selects its pods by no label, so they cannot be told from others")
    pods = _object(_run(session, [*start, "get", "pods", "-l", selector, "-o", "json"])).get("items", [])
    return [_pod(pod, [*start, "exec", "-i"]) for pod in pods if _ready(pod)]


def _pod(pod: dict[str, Any], start: list[str]) -> Place:
    """The container that is meant by default comes first."""
    name = str(pod["metadata"]["name"])
    default = pod["metadata"].get("annotations", {}).get(_DEFAULT, "")
    containers = sorted((str(one["name"]) for one in pod["spec"]["containers"]), key=lambda one: one != default)
    return Place(name, tuple((*start, name, "-c", container, "--") for container in containers))


def _ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError:
        raise Blind("kubectl answered with something that is not JSON") from None
    return found if isinstance(found, dict) else {}


def _tool(session: Session, name: str) -> str:
    program = shutil.which(name, path=session.environ.get("PATH"))
    if program is None:
        raise Blind(f"{name} is not on PATH, which {session.target.kind}: targets need",
                    f"Install {name}, or run the probe on a machine that has it")
    return program


def _run(session: Session, command: Sequence[str]) -> str:
    """What the tool prints. Raises Blind with its own words where it fails."""
    shown = " ".join([command[0].rpartition("/")[2], *command[1:]])
    try:
        done = subprocess.run(list(command), cwd=session.root, env=dict(session.environ), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=session.seconds, check=False)
    except subprocess.TimeoutExpired:
        raise Blind(f"{shown} did not answer within {session.seconds:.0f} seconds") from None
    except OSError as error:
        raise Blind(f"{shown} cannot be started: {error.strerror or error}") from None
    if done.returncode != 0:
        said = _reason(done.stderr)
        old = re.match(r"unknown (?:shorthand )?(?:flag|command)|docker: 'compose' is not", said)
        raise Blind(f"{shown} failed: {said}",
                    "Install Docker Compose 2 or later, until `docker compose version` answers" if old else
                    "Run that command by hand where it works, and the probe there")
    return done.stdout


def _reason(said: str) -> str:
    """The last line that is no advice on how the tool is used."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not _ADVICE.match(line.strip())]
    return lines[-1] if lines else "no word of why"
