"""`crewmem-doctor fix` as people and their CI run it."""

from __future__ import annotations

import os
import select
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from crewmem_doctor.model.finding import Edit
from crewmem_doctor.rules import _trees

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
Tree = Callable[..., Path]
Run = Callable[..., Any]
NO_VOLUME = _trees.service("services:\n  api:\n    build: .\n")
SAFE = {
    "team.py": "from crewai import Crew\n\n\ndef team(agents, tasks, history):\n"
               "    return Crew(agents=agents, tasks=tasks, memory=True, long_term_memory=history)\n",
    "requirements.txt": "crewai==1.15.30\n",
}
BOTH = {**NO_VOLUME, "team.py": SAFE["team.py"]}
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


def committed(root: Path) -> Path:
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "as it was")
    return root


def test_shows_a_diff_and_writes_nothing(doctor: Run, tree: Tree) -> None:
    root = tree(NO_VOLUME)
    outcome = doctor("fix", root)
    assert outcome.status == 1
    assert outcome.text == (
        "# CM201 no-volume · compose.yaml:2\n"
        "#   Mount a named volume in api and put the store on it with an absolute\n#   CREWAI_STORAGE_DIR (unsafe)\n"
        "#   The volume begins empty: what is remembered now stays behind in the old\n#   container.\n"
        "--- a/compose.yaml\n+++ b/compose.yaml\n@@ -1,3 +1,10 @@\n services:\n   api:\n     build: .\n"
        "+    environment:\n+      CREWAI_STORAGE_DIR: /data\n+    volumes:\n+      - crew-memory:/data\n+\n"
        "+volumes:\n+  crew-memory:\n")
    assert outcome.errors == "1 edit in 1 file to make, --apply --unsafe writes them\n"
    assert (root / "compose.yaml").read_text() == NO_VOLUME["compose.yaml"]


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs patch")
def test_patch_takes_the_diff(doctor: Run, tree: Tree, tmp_path: Path) -> None:
    root = tree({**BOTH, "compose.yaml": BOTH["compose.yaml"].rstrip("\n")})
    shutil.copytree(root, tmp_path / "other")
    shown = doctor("fix", root).out
    subprocess.run(["patch", "-p1"], cwd=root, input=shown, check=True, capture_output=True)
    assert doctor("fix", tmp_path / "other", "--apply", "--unsafe").status == 0
    for name in BOTH:
        assert (root / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name


def test_apply_writes_what_is_safe_and_unsafe_the_rest(doctor: Run, tree: Tree) -> None:
    root = tree(BOTH)
    first = doctor("fix", root, "--apply")
    assert first.status == 1
    assert "1 edit in 1 file written" in first.errors
    assert "1 unsafe one left out; --unsafe writes those too" in first.errors
    assert "history)" not in (root / "team.py").read_text().splitlines()[-1]
    assert (root / "compose.yaml").read_text() == BOTH["compose.yaml"]
    second = doctor("fix", root, "--apply", "--unsafe")
    assert second.status == 0
    assert "crew-memory:/data" in (root / "compose.yaml").read_text()
    third = doctor("fix", root, "--apply", "--unsafe")
    assert (third.status, third.out, third.errors) == (0, b"", "no edits written\n")
    assert doctor("scan", root, "--format", "json").report["summary"]["error"] == 0


def test_nothing_to_fix(doctor: Run, tree: Tree) -> None:
    outcome = doctor("fix", tree({"main.py": "print(1)\n"}))
    assert (outcome.status, outcome.out) == (0, b"")


def test_a_rule_chooses(doctor: Run, tree: Tree) -> None:
    root = tree(BOTH)
    assert "CM201" not in doctor("fix", root, "--select", "CM601").text
    assert "CM601" not in doctor("fix", root, "--ignore", "CM6").text
    assert doctor("fix", root, "--exclude", "team.py", "--ignore", "CM201").status == 0
    assert doctor("fix", root, "--select", "CM999").status == 2


def test_what_cannot_be_made_is_told_with_the_way_by_hand(doctor: Run) -> None:
    outcome = doctor("fix", FIXTURES / "claims" / "prevent-1" / "broken", "--select", "CM201")
    assert outcome.status == 1
    assert "would bring CM304" in outcome.text or "CM304" in outcome.text
    assert "by hand" in outcome.text or "+++" in outcome.text


@pytest.mark.parametrize("state", ["changed", "staged", "unknown", "ignored"])
def test_work_that_git_does_not_have_is_not_written_over(state: str, doctor: Run, tree: Tree) -> None:
    root = tree({**NO_VOLUME, **({".gitignore": "other\n"} if state == "ignored" else {})})
    if state != "unknown":
        committed(root)
    else:
        git(root, "init", "-q")
    if state in ("changed", "staged"):
        (root / "compose.yaml").write_text(NO_VOLUME["compose.yaml"] + "# mine\n")
    if state == "staged":
        git(root, "add", "-A")
    before = (root / "compose.yaml").read_bytes()
    outcome = doctor("fix", root, "--apply", "--unsafe")
    if state == "ignored":
        assert outcome.status == 0, "other files' state does not matter"
        return
    assert outcome.status == 2
    assert "compose.yaml: not committed as it is now" in outcome.errors
    assert (root / "compose.yaml").read_bytes() == before
    assert doctor("fix", root, "--apply", "--unsafe", "--force").status == 0
    assert (root / "compose.yaml").read_bytes() != before


def test_a_folder_of_a_checkout_is_asked_about_alone(doctor: Run, tree: Tree) -> None:
    root = committed(tree({f"back end/{name}": text for name, text in NO_VOLUME.items()} | {"other.txt": "1"}))
    (root / "other.txt").write_text("2")
    assert doctor("fix", root / "back end", "--apply", "--unsafe").status == 0
    (root / "back end" / "compose.yaml").write_text(NO_VOLUME["compose.yaml"])
    git(root, "commit", "-qam", "next")
    (root / "back end" / "compose.yaml").write_text(NO_VOLUME["compose.yaml"] + "\n")
    assert doctor("fix", root / "back end", "--apply", "--unsafe").status == 2


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")
def test_mode_and_links_stay(doctor: Run, tree: Tree) -> None:
    root = tree({name: text for name, text in NO_VOLUME.items() if name != "compose.yaml"})
    (root / "deploy").mkdir()
    real = root / "deploy" / "real.txt"
    real.write_text(NO_VOLUME["compose.yaml"])
    real.chmod(0o640)
    (root / "compose.yaml").symlink_to("deploy/real.txt")
    assert doctor("fix", root, "--apply", "--unsafe").status == 0
    assert (root / "compose.yaml").is_symlink()
    assert "crew-memory" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in (root / "deploy").iterdir()) == ["real.txt"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written(doctor: Run, tree: Tree) -> None:
    root = tree(NO_VOLUME)
    root.chmod(0o500)
    try:
        outcome = doctor("fix", root, "--apply", "--unsafe")
    finally:
        root.chmod(0o700)
    assert outcome.status == 2
    assert "compose.yaml could not be written" in outcome.errors


def test_secrets_around_an_edit_are_not_shown(doctor: Run, tree: Tree) -> None:
    secret = "sk-proj-abcdefghijklmnop1234"
    root = tree({**NO_VOLUME, "compose.yaml": NO_VOLUME["compose.yaml"]
                 + f"    environment:\n      OPENAI_API_KEY: {secret}\n"})
    outcome = doctor("fix", root)
    assert "CREWAI_STORAGE_DIR" in outcome.text
    assert secret not in outcome.text + outcome.errors
    assert doctor("fix", root, "--apply", "--unsafe").status == 0
    assert secret in (root / "compose.yaml").read_text()


def test_interactive_needs_a_terminal(doctor: Run, tree: Tree) -> None:
    outcome = doctor("fix", tree(NO_VOLUME), "--interactive")
    assert outcome.status == 2
    assert "needs a terminal" in outcome.errors


def converse(command: Sequence[str], root: Path, answers: str) -> tuple[int, str]:
    """Runs `fix --interactive` on a terminal, with one answer for each question."""
    import pty

    main, other = pty.openpty()
    process = subprocess.Popen([*command, "fix", str(root), "--interactive"], stdin=other, stdout=other, stderr=other,
                               env={**os.environ, "TERM": "dumb", "NO_COLOR": "1"})
    os.close(other)
    heard, asked, waiting = "", 0, list(answers)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([main], [], [], 0.5)
        if ready:
            try:
                piece = os.read(main, 65536)
            except OSError:
                break       # Linux says so when the other side is closed
            if not piece:
                break
            heard += piece.decode("utf-8", "replace")
            while heard.count("[q]uit: ") > asked and waiting:
                asked += 1
                os.write(main, f"{waiting.pop(0)}\n".encode())
        elif process.poll() is not None:
            break
    os.close(main)
    return process.wait(timeout=10), heard


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize(("answers", "status", "written"), [
    ("yy", 0, {"compose.yaml", "team.py"}), ("yn", 1, {"compose.yaml"}), ("ny", 1, {"team.py"}),
    ("q", 1, set()), ("yq", 1, {"compose.yaml"}), ("?aa", 0, {"compose.yaml", "team.py"}),
])
def test_interactive(answers: str, status: int, written: set[str], command: list[str], tree: Tree) -> None:
    root = tree(BOTH)
    found, heard = converse(command, root, answers)
    assert "Make this edit?" in heard
    assert found == status, heard
    assert {name for name in BOTH if (root / name).read_text() != BOTH[name]} == written


def test_all_of_a_rule_asks_once(command: list[str], tree: Tree) -> None:
    pytest.importorskip("pty")
    root = tree({**SAFE, "team.py": SAFE["team.py"], "other.py": SAFE["team.py"]})
    status, heard = converse(command, root, "a")
    assert heard.count("Make this edit?") == 1, heard
    assert status == 0
    assert all("history)" not in (root / name).read_text().splitlines()[-1] for name in ("team.py", "other.py"))


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_reports_for_programs_carry_the_same_edits(form: str, doctor: Run, tree: Tree) -> None:
    from crewmem_doctor.fixes.text import Document

    root = tree(BOTH)
    edits = list({"json": in_json, "sarif": in_sarif}[form](doctor("scan", root, "--format", form).report))
    assert {edit.path for edit in edits} == {"compose.yaml", "team.py"}
    made = {}
    for path in ("compose.yaml", "team.py"):
        document = Document.read(path, (root / path).read_bytes())
        made[path] = document.spliced(edit for edit in edits if edit.path == path)
    assert doctor("fix", root, "--apply", "--unsafe").status == 0
    assert made == {path: (root / path).read_bytes() for path in made}


def in_json(report: dict[str, Any]) -> Iterator[Edit]:
    for finding in report["findings"]:
        for edit in (finding["fix"] or {"edits": []})["edits"]:
            yield Edit(edit["path"], tuple(edit["start"]), tuple(edit["end"]), edit["text"])


def in_sarif(log: dict[str, Any]) -> Iterator[Edit]:
    for result in log["runs"][0]["results"]:
        for change in (change for fix in result.get("fixes", []) for change in fix["artifactChanges"]):
            for one in change["replacements"]:
                region = one["deletedRegion"]
                yield Edit(change["artifactLocation"]["uri"], (region["startLine"], region["startColumn"]),
                           (region["endLine"], region["endColumn"]), one["insertedContent"]["text"])
