"""Every remedy has a proof, and those that are no Python do what they say: the file that they change no longer has the finding."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from printed import Printed
from proofs import OTHER, PROOFS, PYTHON, proof_of

from crewmem_doctor import examine
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.known import KNOWN
from crewmem_doctor.settings import Settings

pytestmark = pytest.mark.timeout(300)


def test_every_remedy_has_a_proof(printed: list[Printed]) -> None:
    """A new snippet that nothing runs fails here. Add its proof to proofs.py."""
    without = [(one.rule, one.snippet) for one in printed if not proof_of(one.snippet)]
    assert not without
    python = [one.snippet for one in printed if proof_of(one.snippet)[0] in PYTHON]
    assert len(python) > 20, "the examples print many; an empty list would prove nothing"


def test_every_remedy_is_a_sentence_without_blanks(printed: list[Printed]) -> None:
    for one in printed:
        assert re.match(r"[A-Z`]", one.title), one.title
        assert not one.title.endswith("."), one.title
        assert "…" not in one.snippet, f"{one.rule}: {one.snippet}"


def test_no_proof_is_left_over(printed: list[Printed]) -> None:
    """What nothing prints any more needs no proof. Some are printed for trees that only other tests have."""
    elsewhere = {"self\\.remember", "crew\\.kickoff", "Agent\\(role=role", "#"}
    for proof in PROOFS:
        if proof.how != "read as a dict's item" and not any(proof.pattern.startswith(word) for word in elsewhere):
            assert any(proof_of(one.snippet)[:1] == [proof] for one in printed), proof.pattern


def test_python_is_python(printed: list[Printed]) -> None:
    for one in printed:
        how = proof_of(one.snippet)[0]
        if how in PYTHON or how.how == "read as Python":
            code = one.snippet
            if code.startswith("except"):
                code = f"try:\n    pass\n{code}"
            elif re.match(r"\w+=", code) and not re.match(r"\w+ = ", code):
                code = f"dict({code})"
            elif code.startswith("@persist"):
                code += "\nclass Kept:\n    pass"
            ast.parse(code)
        elif how.how == "read as a dict's item":
            ast.parse("{" + one.snippet + "}")


def test_requirements_are_releases_that_exist(printed: list[Printed]) -> None:
    for one in printed:
        if proof_of(one.snippet)[0].how != "requirement":
            continue
        needed = Requirement(one.snippet)
        if needed.name == "crewai":
            versions = [Version.parse(s.version) for s in needed.specifier]
            assert all(v in KNOWN or any(k >= v for k in KNOWN if v is not None) for v in versions)


def test_words_of_a_shell(printed: list[Printed]) -> None:
    for one in printed:
        if proof_of(one.snippet)[0].how == "words":
            assert shlex.split(one.snippet)[0] in ("docker", "FROM")


def merged(base: Any, change: Any) -> Any:
    """The file with the change written into it, as a person would."""
    if isinstance(base, Mapping) and isinstance(change, Mapping):
        out = {k: v for k, v in base.items() if not (k == "tmpfs" and "volumes" in change)}
        if isinstance(base.get("environment"), list) and isinstance(change.get("environment"), Mapping):
            out["environment"] = dict(item.partition("=")[::2] for item in base["environment"])
        return {**out, **{k: merged(out.get(k), v) for k, v in change.items()}}
    if isinstance(base, list) and isinstance(change, list):
        targets = {_target(v) for v in change}
        return [v for v in base if _target(v) not in targets or _target(v) is None] + change
    return change


def _target(volume: Any) -> str | None:
    """Where a volume is mounted: two at one place would not both hold."""
    if isinstance(volume, str) and ":" in volume:
        return volume.split(":")[1]
    if isinstance(volume, str) and volume.startswith("/"):
        return volume
    return volume.get("target") if isinstance(volume, Mapping) else None


def applied(tree: Path, finding: Finding, snippet: str, root: Path) -> Path | None:
    """A copy of the tree with the compose file changed as the snippet says. None where it is no compose service."""
    if not finding.subject.startswith("compose:") and "services:" not in snippet:
        return None
    files = [f for f in tree.rglob("*") if f.name in ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")]
    if len(files) != 1:
        return None
    change = yaml.safe_load(snippet)
    if not isinstance(change, Mapping):
        return None
    name = finding.subject.partition(":")[2]
    if "services" not in change:
        change = {"services": {name: change}}
    copy = root / tree.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(tree, copy)
    file = copy / files[0].relative_to(tree)
    before = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not set(change["services"]) <= set(before["services"]):
        return None
    for volume in (v for s in change["services"].values() for v in s.get("volumes", ()) if isinstance(v, str)):
        change.setdefault("volumes", {}).setdefault(volume.partition(":")[0], None)
    file.write_text(yaml.safe_dump(merged(before, change), sort_keys=False), encoding="utf-8")
    return copy


# Rules whose remedy is more than the lines of the snippet: a directory that an image must make, a package to require, or an
# orchestrator's own disk. The titles say so.
MORE_THAN_THE_SNIPPET = {"CM204", "CM208", "CM304"}


def test_compose_remedies_end_the_finding(printed: list[Printed], tmp_path: Path) -> None:
    tried: dict[str, int] = {}
    for one in printed:
        if proof_of(one.snippet)[0].how != "deployment" or one.rule in MORE_THAN_THE_SNIPPET:
            continue
        for tree, finding in one.trees:
            changed = applied(tree, finding, one.snippet, tmp_path)
            if changed is None:
                continue
            tried[one.rule] = tried.get(one.rule, 0) + 1
            after = examine(changed, Settings()).findings
            left = [f for f in after if f.rule == one.rule and f.subject == finding.subject and f.evidence == finding.evidence]
            assert not left, f"{one.rule} in {tree.name} after\n{one.snippet}\n{left[0].message if left else ''}"
    assert {"CM201", "CM202", "CM203", "CM206", "CM302", "CM303", "CM503", "CM504"} <= set(tried), tried


def test_deployment_snippets_parse_in_their_format(printed: list[Printed]) -> None:
    import tomllib

    for one in printed:
        if proof_of(one.snippet)[0].how == "deployment" and not one.snippet.startswith("--"):
            if one.snippet.startswith("["):
                assert tomllib.loads(one.snippet)
            else:
                assert isinstance(yaml.safe_load(one.snippet), Mapping), one.snippet


def test_the_git_commands_take_the_store_out_of_the_tree(printed: list[Printed], tmp_path: Path) -> None:
    done = 0
    for one in printed:
        if proof_of(one.snippet)[0].how != "git":
            continue
        for tree, finding in one.trees:
            copy = tmp_path / str(done)
            shutil.copytree(tree, copy)
            for command in ("git init -q .", "git add -A -f", one.snippet):
                subprocess.run(command, shell=True, cwd=copy, check=True, capture_output=True, timeout=60)
            listed = subprocess.run(["git", "ls-files"], cwd=copy, check=True, capture_output=True, text=True, timeout=60).stdout
            store = one.snippet.splitlines()[-1].split()[1]
            assert store not in listed
            assert not [f for f in examine(copy, Settings()).findings if f.rule == one.rule and f.evidence == finding.evidence]
            done += 1
    assert done


def test_the_list_of_what_is_only_read_does_not_grow_in_silence() -> None:
    assert sum(proof.how.startswith("read as") for proof in OTHER) == 5
