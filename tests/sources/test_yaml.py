from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.model.location import Location
from crewmem_doctor.sources import yaml
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence, load


def one(text: str) -> Node:
    documents, gaps = load(text, "f.yaml")
    assert gaps == []
    assert len(documents) == 1
    return documents[0]


def mapping(text: str) -> Mapping:
    node = one(text)
    assert isinstance(node, Mapping)
    return node


def plain(node: Node | None) -> Any:
    if isinstance(node, Mapping):
        return {key.value: plain(value) for key, value in node.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return None if node is None or node.null else node.value


def at(node: Node | None) -> tuple[int, int, int, int]:
    assert node is not None
    return node.at.line, node.at.column, node.at.end_line, node.at.end_column


def test_locations_are_one_based_with_exclusive_ends_in_code_points():
    node = mapping('a: "é😀x"\nliste:\n  - déjà\n  - {k: v}\n')
    assert node.get("a").at == Location("f.yaml", 1, 4, 1, 9)
    items = node.get("liste")
    assert at(items.items[0]) == (3, 5, 3, 9)
    assert at(items.items[1]) == (4, 5, 4, 11)
    assert at(items) == (3, 3, 4, 11)
    assert at(node.key("liste")) == (2, 1, 2, 6)


def test_blocks_end_where_their_text_ends():
    node = mapping("a: |\n  one\n  two\n\n# note\nb:\n  c: 1\n\n\nd: x\n")
    assert node.get("a").value == "one\ntwo\n"
    assert at(node.get("a")) == (1, 4, 3, 6)
    assert at(node.get("b")) == (7, 3, 7, 7)


def test_a_block_that_ends_in_an_alias_ends_there():
    node = mapping("a: &long\n  - 1\n  - 2\n  - 3\nb:\n  c: *long\n")
    assert at(node.get("b")) == (6, 3, 6, 11)


@pytest.mark.parametrize("text", ["\ufeffa: 1\nb: 2\n", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r"])
def test_byte_order_marks_and_line_ends(text: str):
    assert at(mapping(text).get("b")) == (2, 4, 2, 5)


def test_only_line_feeds_are_lines():
    assert mapping("a: x\x85y\u2028z\nb: 2\n").get("b").at.line == 2


def test_what_plain_scalars_mean():
    node = mapping("a:\nb: ~\nc: null\nd: 'null'\ne: ''\nf: yes\ng: 'true'\nh: 22:22\ni: !!str null\n")
    assert [node.get(n).null for n in "abcdefi"] == [True, True, True, False, False, False, False]
    assert node.get("f").truth is True
    assert node.get("g").truth is None
    assert node.get("h").value == "22:22"


def test_merge_keys():
    node = mapping("""
x: &x {a: 1, b: 1}
y: &y {b: 2, c: 2}
own: {<<: *x, b: 3}
both:
  b: 4
  <<: [*x, *y]
quoted: {'<<': *x}
bad: {<<: 1}
""")
    assert plain(node.get("own")) == {"a": "1", "b": "3"}
    assert plain(node.get("both")) == {"a": "1", "c": "2", "b": "4"}
    assert plain(node.get("quoted")) == {"<<": {"a": "1", "b": "1"}}
    assert plain(node.get("bad")) == {"<<": "1"}
    assert node.get("own").get("a").at.line == 2
    assert mapping("a: &a {x: 1, y: 1}\nb: {<<: *a, <<: {x: 2, z: 2}}").get("b").get("x").value == "1"


def test_a_chain_of_merges():
    node = mapping("a: &a {x: 1}\nb: &b {<<: *a, y: 1}\nc: {<<: *b}")
    assert plain(node.get("c")) == {"x": "1", "y": "1"}


def test_aliases_are_one_node():
    node = mapping("a: &a [1]\nb: *a\n")
    assert node.get("a") is node.get("b")


def test_duplicate_keys_stay_visible_and_the_last_wins():
    node = mapping("a: 1\nb: 2\na: 3\n")
    assert [key.value for key, _ in node.entries] == ["a", "b", "a"]
    assert node.get("a").value == "3"
    assert node.key("a").at.line == 3
    assert plain(node) == {"a": "3", "b": "2"}


def test_tags_of_the_file_itself():
    node = mapping("a: !reset null\nb: !override [1]\nc: !Ref X\nd: !override {e: 1}\nf: !!seq [1]\n")
    assert [node.get(n).tag for n in "abcdf"] == ["!reset", "!override", "!Ref", "!override", ""]


def test_keys_that_are_no_scalars_are_passed_over():
    assert plain(one("? [a, b]\n: 1\nc: 2\n")) == {"c": "2"}


def test_documents():
    documents, gaps = load("---\n# nothing\n---\na: 1\n---\nb: [\n", "f.yaml")
    assert [plain(d) for d in documents] == [{"a": "1"}]
    assert [(g.line, g.kind) for g in gaps] == [(7, "parse")]


@pytest.mark.parametrize(("text", "line"), [
    ("a: 1\n\tb: 2\n", 2), ("a: 1\nb: \x00\n", 2), ("a: *nope\n", 1), ("a: 1\nb: 'x\n", 3), ("a: b: c\n", 1),
    ("a: 1\n&x b: [*x]\n- 1\n", 3), ("a: \ud800\n", 1), ("%YAML 9.9\n---\na: 1\n", 1), ("a: !<tag> 1\n@b\n", 2),
])
def test_broken_text_is_a_gap(text: str, line: int):
    documents, gaps = load(text, "f.yaml")
    assert documents == []
    assert [(g.path, g.line, g.kind) for g in gaps] == [("f.yaml", line, "parse")]


@pytest.mark.parametrize("text", [
    "[" * 100_000, "- " * 100_000, "{a: " * 100_000, "\n".join(" " * i + "a:" for i in range(300)), "? " * 100_000,
])
def test_deep_nesting_is_a_gap(text: str):
    documents, gaps = load(text, "f.yaml")
    assert documents == []
    assert gaps[0].why == "nested deeper than 200 levels"


def test_moderate_nesting_is_read():
    assert load("[" * 199 + "]" * 199, "f.yaml")[1] == []


def test_alias_bombs_are_a_gap_in_no_time():
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    merges = "a0: &a0 {k0: 1}\n" + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}, k{i}: 1}}\n" for i in range(1, 20_000))
    tower = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 5_000))
    started = time.process_time()
    for text in (laughs, merges, tower):
        documents, gaps = load(text, "f.yaml")
        assert documents == []
        assert gaps[0].kind == "parse"
    assert time.process_time() - started < 3


@pytest.mark.parametrize("text", ["&a [*a]", "a: &a {b: *a}", "a: &a\n  <<: *a\n"])
def test_a_node_inside_itself_is_a_gap(text: str):
    assert "contains itself" in load(text, "f.yaml")[1][0].why


def test_size_cap():
    assert load("a" * (yaml.MAX_CHARACTERS + 1), "f.yaml")[1][0].kind == "too-large"


def test_without_the_c_parser(monkeypatch: pytest.MonkeyPatch):
    import yaml as pyyaml

    text = "a: &x |\n  one\n\nb: [1, {c: *x}]\nd:\n  - e\n"
    with_c = load(text, "f.yaml")
    monkeypatch.delattr(pyyaml, "CSafeLoader")
    assert load(text, "f.yaml") == with_c
    assert load("a: \x00", "f.yaml")[1][0].kind == "parse"


class TestTemplates:
    def test_values_keep_their_places(self):
        node = mapping('a: {{ .Values.a }}\nb: "{{ x }}/{{ y }}"\nc: { { .Values.c } }\nd: plain\n{{ k }}: v\n')
        assert [node.get(n).value for n in "abc"] == ["{{ .Values.a }}", "{{ x }}/{{ y }}", "{ { .Values.c } }"]
        assert [node.get(n).templated for n in "abcd"] == [True, True, True, False]
        assert at(node.get("a")) == (1, 4, 1, 19)
        assert node.key("{{ k }}").templated

    def test_directives_make_a_gap_and_leave_the_rest(self):
        documents, gaps = load("a:\n  {{- if .Values.b }}\n  b: 1\n  {{- end }}\n  c: 2\n", "t.yaml")
        assert plain(documents[0]) == {"a": {"b": "1", "c": "2"}}
        assert [(g.line, g.kind) for g in gaps] == [(2, "template")]

    def test_comments_and_templates_over_lines(self):
        text = "{{/* a\nb */}}\na: 1\n{% for x in y %}\nb: {{ include\n  'x' }}\n{% endfor %}\n"
        documents, gaps = load(text, "t.yaml")
        assert plain(documents[0]) == {"a": "1", "b": None}
        assert documents[0].get("a").at.line == 3
        assert [g.kind for g in gaps] == ["template"]

    def test_lines_of_a_text_are_no_directives(self):
        node = mapping("task: >\n  Write about\n  {{ topic }}\n\n  today\nb: 'x {% y %}'\n")
        assert node.get("task").value == "Write about {{ topic }}\ntoday\n"
        assert node.get("task").templated
        assert node.get("b").value == "x {% y %}"

    def test_what_still_is_no_yaml(self):
        _, gaps = load("a: {{ .x }}\n {{ if }} b: c: [\n", "t.yaml")
        assert [g.kind for g in gaps] == ["template"]
        assert load("a: {{ never closed\n", "t.yaml")[1][0].kind == "template"

    def test_go_templates_in_commands_make_no_gap(self):
        node = mapping("test: docker inspect -f '{{.State.Health}}' x\nlist: ['{{.Node.Hostname}}']\n")
        assert node.get("test").value == "docker inspect -f '{{.State.Health}}' x"
        assert plain(node.get("list")) == ["{{.Node.Hostname}}"]


tricky = st.text(st.sampled_from("ab:- \n\t'\"|>&*!%@`{}[]#?<~,\\0\x00\ufeff\u2028é"), max_size=60)


@given(st.one_of(st.text(max_size=80), tricky))
@settings(max_examples=400, deadline=None)
def test_no_text_raises(text: str):
    documents, gaps = load(text, "f.yaml")
    lines = text.count("\n") + text.count("\r") + 2
    assert all(1 <= g.line <= lines for g in gaps)
    for document in documents:
        assert 1 <= document.at.line <= document.at.end_line <= lines


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12)


@given(values)
@settings(max_examples=200, deadline=None)
def test_agrees_with_pyyaml_on_structure(value: object):
    import yaml as pyyaml

    text = pyyaml.safe_dump({"root": value}, allow_unicode=True)
    if "{{" in text or "{%" in text or "{ {" in text or any(c in text for c in "\x85\u2028\u2029\ufeff"):
        return

    def shown(thing: object) -> object:
        if isinstance(thing, dict):
            return {str(k): shown(v) for k, v in thing.items()}
        if isinstance(thing, list):
            return [shown(v) for v in thing]
        if isinstance(thing, bool):
            return str(thing).lower()
        return None if thing is None else str(thing)

    documents, gaps = load(text, "f.yaml")
    assert gaps == []
    assert plain(documents[0]) == {"root": shown(value)}


def test_scalars_know_when_they_are_quoted():
    node = mapping("a: 'x'\nb: x\nc: |\n  x\n")
    assert [isinstance(v, Scalar) and v.quoted for _, v in node.items()] == [True, False, False]
