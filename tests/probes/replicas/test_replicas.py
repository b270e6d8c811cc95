"""The replica probe through the installed command.

Docker and Kubernetes are played by small programs with exactly the sub-commands and options that the probe uses; each of
their "containers" is a home and a working directory, and what is run inside is a real process. CrewAI is played by the
stand-in of the CrewAI probe's tests, except in the tests marked `crewai`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from standin import StandIn, tree

Doctor = Callable[..., Any]
PLAYED = '''#!{python}
import json, os, subprocess, sys
state = json.load(open({state!r}))
words = sys.argv[1:]
def enter(name, command):
    box = state["boxes"][name]
    environ = {{"PATH": state["path"], "HOME": box + "/home", "TMPDIR": box + "/tmp", **state["environ"]}}
    os.chdir(box + "/app")
    os.execvpe(command[0], command, environ) if not state.get("distroless") else sys.exit(127)
'''
DOCKER = PLAYED + '''
if words[:4] == ["compose", "ps", "--format", "json"]:
    if words[4] != "api":
        sys.exit("no such service: " + words[4])
    rows = [{{"Name": name, "Service": "api", "State": state["states"].get(name, "running")}} for name in state["boxes"]]
    print(json.dumps(rows) if state["list"] else "\\n".join(map(json.dumps, rows)))
elif words[:4] == ["compose", "exec", "-T", "--index"] and words[5] == "api":
    enter("shop-api-" + words[4], words[6:])
else:
    sys.exit("unknown words: " + repr(words))
'''
KUBECTL = PLAYED + '''
assert words[:2] == ["-n", "staging"], words
words = words[2:]
if words == ["get", "deployment,statefulset,daemonset", "api", "--ignore-not-found", "-o", "json"]:
    print(json.dumps({{"kind": "Deployment", "spec": {{"selector": {{"matchLabels": {{"app": "api", "tier": "web"}}}}}}}}))
elif words[:2] == ["get", "deployment,statefulset,daemonset"]:
    pass
elif words == ["get", "pods", "-l", "app=api,tier=web", "-o", "json"]:
    print(json.dumps({{"items": [
        {{"metadata": {{"name": name}}, "spec": {{"containers": [{{"name": "proxy"}}, {{"name": "api"}}]}},
         "status": {{"conditions": [{{"type": "Ready", "status": state["states"].get(name, "True")}}]}}}}
        for name in state["boxes"]]}}))
elif words[:2] == ["exec", "-i"] and words[3] == "-c" and words[5] == "--":
    if words[4] == "proxy":
        sys.exit("OCI runtime exec failed: exec: python3: executable file not found in $PATH")
    enter(words[2], words[6:])
else:
    sys.exit("unknown words: " + repr(words))
'''


class Cluster:
    """Replicas that `docker` and `kubectl` reach. `environ` is set inside each."""

    def __init__(self, root: Path, names: tuple[str, ...], behaviour: str = "", environ: Mapping[str, str] | None = None,
                 **more: object) -> None:
        self.boxes = {name: root / "boxes" / name for name in names}
        for box in self.boxes.values():
            for folder in ("home", "tmp", "app"):
                (box / folder).mkdir(parents=True)
        self.standin = StandIn(root / "standin", behaviour)
        state = {"boxes": {name: str(box) for name, box in self.boxes.items()}, "environ": dict(environ or {}),
                 "path": f"{self.standin.bin}:/usr/bin:/bin", "states": {}, "list": False, **more}
        (root / "state.json").write_text(json.dumps(state))
        (root / "tools").mkdir()
        for name, text in (("docker", DOCKER), ("kubectl", KUBECTL)):
            tool = root / "tools" / name
            tool.write_text(text.format(python=sys.executable, state=str(root / "state.json")))
            tool.chmod(0o755)
        self.path = f"{root / 'tools'}:{os.environ['PATH']}"

    def left(self) -> list[str]:
        return [f"{name}: {path}" for name, box in self.boxes.items() for path in tree(box) if "/" in path]


def outcomes(report: Mapping[str, Any]) -> dict[str, str]:
    return {one["check"]: one["outcome"] for one in report["observations"]}


def detail(report: Mapping[str, Any], check: str) -> str:
    return str(next(one["detail"] for one in report["observations"] if one["check"] == check))


COMPOSE = ("shop-api-1", "shop-api-2")


def ask(doctor: Doctor, cluster: Cluster, target: str, *words: str) -> Any:
    return doctor("probe", target, "--format", "json", *words, env={"PATH": cluster.path}, timeout=110)


@pytest.mark.parametrize("listed", [True, False], ids=["a-list", "a-line-each"])
def test_compose_replicas_with_disks_of_their_own(doctor: Doctor, tmp_path: Path, listed: bool) -> None:
    cluster = Cluster(tmp_path, COMPOSE, list=listed)
    outcome = ask(doctor, cluster, "compose:api")
    assert outcome.status == 1
    assert outcomes(outcome.report) == {"connect": "pass", "place": "pass", "write": "pass", "other-replica-reads": "fail",
                                        "cleanup": "pass"}
    assert "what shop-api-1 saved, shop-api-2 does not find" in detail(outcome.report, "other-replica-reads")
    assert [finding["rule"] for finding in outcome.report["findings"]] == ["CM901"]
    assert cluster.left() == []


@pytest.mark.parametrize(("target", "names"), [("compose:api", COMPOSE), ("k8s:staging/api", ("api-x1", "api-x2"))])
def test_replicas_that_share_a_volume(doctor: Doctor, tmp_path: Path, target: str, names: tuple[str, ...]) -> None:
    cluster = Cluster(tmp_path, names, environ={"CREWAI_STORAGE_DIR": str(tmp_path / "volume")})
    outcome = ask(doctor, cluster, target)
    assert outcome.status == 0, outcome.report["observations"]
    assert outcomes(outcome.report)["other-replica-reads"] == "pass"
    assert cluster.left() == []
    assert not (tmp_path / "volume").exists()


def test_pods_with_disks_of_their_own(doctor: Doctor, tmp_path: Path) -> None:
    """The container without a Python is passed over; a pod that is not ready is not asked."""
    cluster = Cluster(tmp_path, ("api-x0", "api-x1", "api-x2"), states={"api-x0": "False"})
    outcome = ask(doctor, cluster, "k8s:staging/api")
    assert (outcome.status, outcomes(outcome.report)["other-replica-reads"]) == (1, "fail")
    assert "what api-x1 saved, api-x2 does not find" in detail(outcome.report, "other-replica-reads")
    assert cluster.left() == []


def test_one_replica_is_no_error(doctor: Doctor, tmp_path: Path) -> None:
    outcome = ask(doctor, Cluster(tmp_path, COMPOSE, states={"shop-api-2": "exited"}), "compose:api")
    assert (outcome.status, outcomes(outcome.report)) == (0, {"connect": "skip"})
    assert "--scale api=2" in detail(outcome.report, "connect")


@pytest.mark.parametrize(("target", "behaviour", "more", "words"), [
    ("compose:web", "", {}, "no such service: web"),
    ("k8s:staging/web", "", {}, "no deployment, stateful set or daemon set web"),
    ("compose:api", "absent", {}, "CrewAI is not installed for python3"),
    ("compose:api", "", {"distroless": True}, "no Python answers in shop-api-1"),
])
def test_what_cannot_be_looked_at_is_named(doctor: Doctor, tmp_path: Path, target: str, behaviour: str,
                                           more: Mapping[str, Any], words: str) -> None:
    outcome = ask(doctor, Cluster(tmp_path, COMPOSE, behaviour, **more), target)
    assert (outcome.status, outcomes(outcome.report)) == (2, {"connect": "error"})
    assert words in detail(outcome.report, "connect")


def test_without_the_tool(doctor: Doctor, tmp_path: Path) -> None:
    outcome = doctor("probe", "k8s:staging/api", "--format", "json", env={"PATH": str(tmp_path)})
    assert outcome.status == 2
    assert "kubectl is not on PATH" in detail(outcome.report, "connect")


def test_production_is_asked_about(doctor: Doctor, tmp_path: Path) -> None:
    outcome = ask(doctor, Cluster(tmp_path, ("api-x1",)), "k8s:production/api")
    assert outcome.status == 2
    assert "--yes" in detail(outcome.report, "consent")


@pytest.mark.parametrize(("behaviour", "outcome_", "rule", "status"), [
    ("unwritable", "fail", "CM904", 1), ("no-home", "fail", "CM904", 1), ("dies", "error", "", 2)])
def test_a_replica_that_cannot_save(doctor: Doctor, tmp_path: Path, behaviour: str, outcome_: str, rule: str,
                                    status: int) -> None:
    cluster = Cluster(tmp_path, COMPOSE, behaviour)
    outcome = ask(doctor, cluster, "compose:api")
    assert (outcomes(outcome.report)["write"], outcome.status) == (outcome_, status)
    assert not rule or rule in {finding["rule"] for finding in outcome.report["findings"]}
    assert cluster.left() == []


def exec_target(tmp_path: Path, path: str, storage: str = "") -> str:
    halves = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shared = f" CREWAI_STORAGE_DIR={storage}" if storage else ""
        halves.append(f"env -i PATH={path}:/usr/bin:/bin HOME={tmp_path / name} TMPDIR={tmp_path / name}{shared}")
    return "exec:" + "::".join(halves)


def test_any_two_commands(doctor: Doctor, tmp_path: Path) -> None:
    standin = StandIn(tmp_path / "standin")
    target = exec_target(tmp_path, str(standin.bin), str(tmp_path / "volume"))
    outcome = doctor("probe", target, "--format", "json", cwd=tmp_path, timeout=110)
    assert (outcome.status, outcomes(outcome.report)["other-replica-reads"]) == (0, "pass")
    assert [name for one in ("a", "b") for name in tree(tmp_path / one)] == []
    assert not (tmp_path / "volume").exists()


def test_a_command_that_is_no_command(doctor: Doctor, tmp_path: Path) -> None:
    outcome = doctor("probe", "exec:no-such-shell a::no-such-shell b", "--format", "json", cwd=tmp_path)
    assert (outcome.status, outcomes(outcome.report)) == (2, {"connect": "error"})
    assert "no-such-shell cannot be started" in detail(outcome.report, "connect")
    assert doctor("probe", "exec:sh 'a::sh b", cwd=tmp_path).status == 2


REAL = [python for python in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if python]


@pytest.mark.crewai
@pytest.mark.timeout(600)
@pytest.mark.skipif(not REAL, reason="CrewAI is not installed")
@pytest.mark.parametrize("shared", [True, False])
def test_the_real_crewai(doctor: Doctor, tmp_path: Path, shared: bool) -> None:
    target = exec_target(tmp_path, str(Path(REAL[0]).parent), str(tmp_path / "volume") if shared else "")
    outcome = doctor("probe", target, "--format", "json", "--timeout", "120", cwd=tmp_path, timeout=500)
    assert (outcome.status, outcomes(outcome.report)["other-replica-reads"]) == ((0, "pass") if shared else (1, "fail"))
    assert outcomes(outcome.report)["cleanup"] == "pass"
    assert [name for one in ("a", "b") for name in tree(tmp_path / one)] == []
    assert not (tmp_path / "volume").exists()
