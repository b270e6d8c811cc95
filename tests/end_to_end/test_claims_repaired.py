"""Every broken form of the claims, and what `fix --apply --unsafe` makes of it: a tree that scans clean, or for whatever is
left a refusal that names a page which is there. As a person has it: a plain directory, and no git."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CLAIMS = REPOSITORY / "fixtures" / "claims"
BROKEN = sorted(folder.relative_to(CLAIMS).as_posix() for folder in CLAIMS.glob("*/broken*") if folder.is_dir())
# What no edit of these files can give. Every other variant must come out clean.
BY_HAND = {
    "per-request/broken": "no file of the tree says where the program runs, so none can say where its directory is",
    "per-request/broken-0.67": "the same; and a crew that is shared by requests must be written anew, for it holds their inputs",
    "prevent-2/broken": "the request carries nothing that says who calls: the API must be changed, and its callers",
    "random-key/broken": "the same",
    "random-key/broken-name": "the same; a constant name alone would give everybody one memory",
    "prevent-3/broken": "the store is a class of the project's own that keeps Python objects: another must be chosen",
    "runtimes/broken-entrypoint": "the same, and several workers need a server",
    "runtimes/broken-gunicorn-conf": "the same, and several workers need a server",
    "runtimes/broken-web-concurrency": "the same, and several workers need a server",
    "scale-out/broken": "the same, and several workers need a server",
}
_BLOCK = re.compile(r"^# (CM\d{3}) \S+ · (\S+)\n((?:#   .*\n)*)", re.MULTILINE)
_PAGE = re.compile(r"docs/recipes/(\w+\.(?:md|py))(?:#([\w-]+))?")


def anchors(page: str) -> set[str]:
    """Of a page's headings, as they are made from their words."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def refusals(text: str) -> dict[tuple[str, str], str]:
    """The words under each heading, by rule and place, unwrapped."""
    return {(rule, place): " ".join(line.removeprefix("#").strip() for line in body.splitlines()) for rule, place, body in _BLOCK.findall(text)}


@pytest.mark.parametrize("variant", BROKEN)
def test_repaired_or_refused_with_a_recipe(variant: str, tmp_path: Path, doctor: Callable[..., Any]) -> None:
    root, nothing = tmp_path / Path(variant).name, tmp_path / "bin"
    shutil.copytree(CLAIMS / variant, root)
    nothing.mkdir()
    alone = {"PATH": str(nothing)}
    expected = yaml.safe_load((CLAIMS / variant).parent.joinpath("expect.yaml").read_text(encoding="utf-8"))
    status = expected[root.name]["status"]
    assert doctor("scan", root, "-q", "--fail-on", "warning", env=alone).status in (status if isinstance(status, list) else [status])
    fixed = doctor("fix", root, "--apply", "--unsafe", env=alone)
    after = doctor("scan", root, "--fail-on", "warning", "--format", "json", env=alone)
    left = [f for f in after.report["findings"] if f["severity"] != "note"]
    said = refusals(fixed.text)
    for finding in left:
        reason = said.get((finding["rule"], f"{finding['path']}:{finding['line']}"), "")
        assert "not made, since" in reason, f"{finding['rule']} is left without a word: {fixed.text}"
        pages = _PAGE.findall(reason)
        assert pages, f"{finding['rule']} names no recipe: {reason}"
        for name, anchor in pages:
            page = REPOSITORY / "docs" / "recipes" / name
            assert page.is_file(), reason
            assert not anchor or anchor in anchors(page.read_text(encoding="utf-8")), reason
    assert bool(left) == (variant in BY_HAND), BY_HAND.get(variant, fixed.text)
    assert (fixed.status, after.status) == ((1, 1) if left else (0, 0))


def test_every_exception_is_a_fixture() -> None:
    assert set(BY_HAND) < set(BROKEN)
