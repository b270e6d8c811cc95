"""The request file: every word of it is used, or refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from crewmem_doctor.errors import UsageError
from crewmem_doctor.probes.http.template import Caller, Template, joined
from crewmem_doctor.probes.http.written import read, written
from crewmem_doctor.settings import Settings

ANN = Caller("ann/1", "s&1")
OK = {"json": {"message": "{message}"}}


def template(**keys: Any) -> Template:
    return read(keys, "request.yaml", {"TOKEN": "s3cr3t", "KEY": "k{user}y"})


def test_everything_is_filled_in_where_it_stands() -> None:
    message = template(
        path="/u/{user}/chat?v=1", headers={"X-User-Id": "{user}", "Authorization": "Bearer ${TOKEN}"}, query={"s": "{session}", "n": 3, "f": True},
        json={"m": ["{message}", {"who": "{user}/{session}", "k": "${KEY}"}], "n": 1, "b": None, "other": "{left} {alone}"},
    ).render("https://h/api/?a=b", ANN, 'say "{user}"')
    parts = urlsplit(message.url)
    assert (message.method, parts.path) == ("POST", "/api/u/ann%2F1/chat")
    assert parse_qs(parts.query) == {"a": ["b"], "v": ["1"], "s": ["s&1"], "n": ["3"], "f": ["true"]}
    assert message.headers == {"X-User-Id": "ann/1", "Authorization": "Bearer s3cr3t", "Content-Type": "application/json", "Accept": "*/*"}
    assert message.body is not None
    assert json.loads(message.body) == {
        "m": ['say "{user}"', {"who": "ann/1/s&1", "k": "k{user}y"}], "n": 1, "b": None, "other": "{left} {alone}"}


def test_forms_and_plain_text() -> None:
    form = template(form={"text": "{message}", "n": 1}).render("http://h/chat", ANN, "a & b")
    assert (form.body, form.headers["Content-Type"]) == (b"text=a+%26+b&n=1", "application/x-www-form-urlencoded")
    plain = template(text="{message}\n", method="put").render("http://h", ANN, "größer")
    assert (plain.method, plain.body, plain.url) == ("PUT", "größer\n".encode(), "http://h/")
    asked = template(query={"q": "{message}"}).render("http://h/ask", ANN, "x y")
    assert (asked.method, asked.body, asked.url) == ("GET", None, "http://h/ask?q=x+y")


@pytest.mark.parametrize("path", ["/chat", "/a//b", "/@evil.example/x", "/..//evil.example"])
def test_no_path_leads_to_another_host(path: str) -> None:
    assert urlsplit(joined("https://h:8443/base/", path, [])).netloc == "h:8443"


@pytest.mark.parametrize(("keys", "told"), [
    ({"jsn": {}, **OK}, "jsn is none of method, path, headers, query, json, form, text, reply, remember, recall; did you mean json?"),
    ({"header": {}, **OK}, "did you mean headers?"), ({}, "has no {message}"), ({"json": {"m": "hello"}}, "has no {message}"),
    ({"json": {"m": "{message}"}, "form": {"m": "{message}"}}, "json and form are two bodies"), ({"method": "P O", **OK}, "method is"),
    ({"path": "chat", **OK}, "begins with one /"), ({"path": "//evil.example/x", **OK}, "begins with one /"), ({"path": "https://evil.example", **OK}, "begins with"),
    ({"headers": {"X-Token": "abcdef"}, **OK}, "holds credentials"), ({"headers": {"Authorization": "Bearer abc"}, **OK}, "Bearer ${API_TOKEN}"),
    ({"headers": {"Cookie": "sid=1"}, **OK}, "holds credentials"), ({"headers": {"X Y": "1"}, **OK}, "is no name of a header"),
    ({"headers": {"X": "a\nb"}, **OK}, "in one line"), ({"headers": ["X"], **OK}, "takes names with values"), ({"query": {"a": [1]}, **OK}, "query.a takes one value"),
    ({"headers": {"X": "${NOWHERE}"}, **OK}, "the environment variable NOWHERE is not set"), ({"json": {"m": "{message}", "t": "${NOWHERE}"}}, "NOWHERE is not set"),
    ({"remember": "hello", **OK}, "remember must hold {codeword}"), ({"recall": "Is it {codeword}?", **OK}, "recall must not hold {codeword}"),
    ({"reply": 3, **OK}, "reply takes a string"), ({"reply": " ", **OK}, "not empty"), ({"text": ""}, "text takes a string that is not empty"),
    ({"json": {"m": "{message}", "at": __import__("datetime").date(2026, 1, 1)}}, "quote dates")])
def test_what_cannot_be_used_is_refused_by_name(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        template(**keys)
    assert told in str(error.value)
    assert str(error.value).startswith("request.yaml")


@pytest.mark.parametrize(("text", "told"), [
    ("a: [", "not valid YAML in line"), ("- a", "holds no keys"), ("", "holds no keys"), ("\x00", "not valid YAML"), ("&a [*a]", "holds no keys"),
    ("json: &a {message: '{message}', again: *a}", "JSON cannot say")])
def test_files_that_are_no_request(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "request.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=told):
        written(Settings(probe_request=str(path)), {})


def test_the_file_wins_over_the_table_and_neither_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "request.yaml"
    path.write_text("text: '{message}'\n")
    table = {"json": {"message": "{message}"}}
    for settings, kind in ((Settings(probe_request=str(path), probe_http=table), "text"), (Settings(probe_http=table), "json")):
        found = written(settings, {})
        assert found is not None
        assert found.kind == kind
    assert written(Settings(), {}) is None


def test_what_a_person_is_shown_has_no_value_of_a_variable() -> None:
    shown = template(headers={"Authorization": "Bearer ${TOKEN}"}, path="/chat", json={"m": "{message}"}).shown("http://h")
    assert shown == '  POST http://h/chat\n  Authorization: Bearer ${TOKEN}\n  {"m": "{message}"}'
    assert "s3cr3t" not in repr(template(headers={"Authorization": "Bearer ${TOKEN}"}, **OK))


def test_fixed_credentials_are_one_persons() -> None:
    assert template(headers={"Authorization": "Bearer ${TOKEN}"}, **OK).credentials
    assert not template(headers={"Authorization": "Bearer {user}"}, **OK).credentials
    assert not template(headers={"X-User-Id": "{user}"}, **OK).credentials
