"""Terraform and Bicep as trees of literals."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.sources.hcl import load
from crewmem_doctor.sources.yaml_nodes import Mapping, Node, Scalar, Sequence


def plain(node: Node) -> object:
    """Values as Python has them; what is no literal ends in a question mark."""
    if isinstance(node, Mapping):
        return {key.value: plain(value) for key, value in node.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value + ("?" if node.templated else "")


def body(text: str) -> object:
    blocks = load(text, "main.tf")
    assert len(blocks) == 1
    return plain(blocks[0].body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a "b" {\n x = "t" # no\n y = 3 // no\n /* no\n */ z = true\n}', {"x": "t", "y": "3", "z": "true"}),
        (
            'a "b" {\n x = ["1", "2",\n "3",]\n y = { k = "v", "q" : 2 }\n}',
            {"x": ["1", "2", "3"], "y": {"k": "v", "q": "2"}},
        ),
        (
            'a "b" {\n x = var.y\n y = "${z}-1"\n z = cond ? 1 : 2\n w = f("a,b", {\n c = 1 })\n}',
            {"x": "var.y?", "y": "${z}-1?", "z": "cond ? 1 : 2?", "w": 'f("a,b", {\n c = 1 })?'},
        ),
        ('a "b" {\n env { n = 1 }\n env { n = 2 }\n one {}\n}', {"env": [{"n": "1"}, {"n": "2"}], "one": {}}),
        ('a "b" {\n x = jsonencode([{ n = "c" }])\n y = [for i in z : i]\n}', {"x": [{"n": "c"}], "y": "[for …]?"}),
        ('a "b" {\n x = <<-EOT\n  one\n  EOT\n y = 1\n}', {"x": "  one\n", "y": "1"}),
        (
            "resource x 'T@1' = {\n name: 'n'\n list: [ { a: 'b' }\n { a: c } ]\n text: '''one\ntwo'''\n}",
            {"name": "n", "list": [{"a": "b"}, {"a": "c?"}], "text": "one\ntwo"},
        ),
        ("resource x 'T@1' = if (prod) {\n name: 'n'\n}", {"name": "n"}),
    ],
)
def test_bodies(text: str, expected: object) -> None:
    assert body(text) == expected


def test_labels_and_places() -> None:
    first, second = load('variable "a" {}\n\nresource "kind" "name" {\n  key = "value"\n}\n', "x/main.tf")
    assert (first.kind, first.labels) == ("variable", ("a",))
    assert (second.kind, second.labels, second.at.line) == ("resource", ("kind", "name"), 3)
    value = second.body.get("key")
    assert isinstance(value, Scalar)
    assert (value.at.path, value.at.line, value.at.column, value.at.end_column) == ("x/main.tf", 4, 9, 16)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                'a "b" {',
                "}",
                "[",
                "]",
                "(",
                ")",
                "=",
                ":",
                ",",
                "\n",
                '"',
                "'",
                "'''",
                "<<A\n",
                "A\n",
                "x",
                "1",
                "${",
                "#",
                "/*",
                "*/",
                "for",
                "jsonencode(",
                "\\",
                "é",
                "\x00",
            ]
        ),
        max_size=40,
    )
)
def test_any_text_is_read(parts: list[str]) -> None:
    for block in load(" ".join(parts), "main.tf"):
        plain(block.body)


@pytest.mark.parametrize(
    "text", ["<<A\n" * 20_000, "{" * 50_000, "a = (" * 20_000, "a={" * 20_000, "[ " * 50_000, "'''\n" * 20_001]
)
def test_odd_files_take_no_long_time(text: str) -> None:
    start = time.process_time()
    load(text, "main.tf")
    assert time.process_time() - start < 2
