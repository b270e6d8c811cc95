"""The fixtures in whatever style their YAML may be written: the same remedies, exact, and the same result."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proof import prove

from crewmem_doctor import examine

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
FILES = {
    "claims/ephemeral-disk/broken": "compose.yaml", "claims/ephemeral-disk/broken-tmp": "compose.yaml",
    "claims/ephemeral-disk/broken-tmpfs": "compose.yaml", "claims/prevent-1/broken": "compose.yaml",
    "claims/silent-store/broken": "compose.yaml", "deployments/redis-store/broken": "compose.yaml",
    "claims/pods/broken": "k8s/deployment.yaml", "deployments/hostpath/broken": "k8s/broker.yaml",
    "deployments/render/broken": "render.yaml",
}


def restyled(text: str, flow: bool | None, indent: int, comments: bool, anchor: bool, begin: bool, seed: int) -> str:
    """The same documents, written anew. `anchor` merges what all services of a Compose file may share into each."""
    documents = list(yaml.safe_load_all(text))
    out = yaml.safe_dump_all(documents, default_flow_style=flow, indent=indent, sort_keys=False, width=10**6, allow_unicode=True,
                             explicit_start=begin or len(documents) > 1)
    if anchor and "services:\n" in out:
        out = re.sub(r"(?m)^( +)build: \.$", r"\1<<: *common\n\1build: .", out)
        out = out.replace("services:\n", "x-common: &common\n  restart: unless-stopped\nservices:\n", 1)
    if not comments:
        return out
    random = Random(seed)
    lines = []
    for line in out.splitlines():
        lines += [" " * random.randrange(5) + "# a note"] * (random.random() < 0.2) + [line]
    return "\n".join([*lines, "# the end", ""])


@pytest.mark.timeout(600)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(FILES)), flow=st.sampled_from([True, False, None]), indent=st.sampled_from([2, 3, 4]),
       comments=st.booleans(), anchor=st.booleans(), begin=st.booleans(), seed=st.integers(0, 99),
       newline=st.sampled_from(["\n", "\r\n"]), mark=st.booleans(), end=st.booleans())
def test_any_style(tmp_path_factory: pytest.TempPathFactory, name: str, flow: bool | None, indent: int, comments: bool, anchor: bool,
                   begin: bool, seed: int, newline: str, mark: bool, end: bool) -> None:
    root = tmp_path_factory.mktemp("style") / "tree"
    shutil.copytree(FIXTURES / name, root)
    file = root / FILES[name]
    text = restyled(file.read_text(), flow, indent, comments, anchor, begin, seed)
    text = text if end else text.rstrip("\n")
    file.write_bytes((b"\xef\xbb\xbf" if mark else b"") + text.replace("\n", newline).encode())
    before = {(f.rule, f.subject) for f in examine(root).findings if f.severity != "note"}
    plan = prove(root)
    assert before <= {(f.rule, f.subject) for step in plan.steps for f in step.findings}, [r.reason for r in plan.refused]
    assert [f for f in examine(root).findings if f.severity != "note"] == []
