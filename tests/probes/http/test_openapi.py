"""The request that an application describes itself, and the doubt where there is some."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewmem_doctor.model.memory import RequestField
from crewmem_doctor.probes.http.fields import compose
from crewmem_doctor.probes.http.openapi import operations
from crewmem_doctor.probes.http.template import Template

APPS = Path(__file__).with_name("apps")


def document(schema: dict[str, Any], mime: str = "application/json", parameters: Any = (), path: str = "/chat", **schemas: Any) -> dict[str, Any]:
    body = {"content": {mime: {"schema": schema}}}
    return {"openapi": "3.1.0", "paths": {path: {"post": {"requestBody": body, "parameters": list(parameters)}, "get": {}}},
            "components": {"schemas": schemas}}


def only(found: dict[str, Any]) -> Template | str:
    (operation,) = operations(found)
    return operation.template


def obj(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties) if required is None else required,
            "properties": {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in properties.items()}}


def test_references_inheritance_and_parameters_are_followed() -> None:
    template = only(document(
        {"$ref": "#/components/schemas/Chat"}, path="/u/{user_id}/chat",
        parameters=[{"$ref": "#/components/parameters/no"}, {"name": "X-Session-Id", "in": "header", "required": True, "schema": {"type": "string"}},
                    {"name": "user_id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "verbose", "in": "query", "schema": {"type": "boolean"}}],
        Base=obj(threadId={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        Chat={"allOf": [{"$ref": "#/components/schemas/Base"}, obj(["userMessage"], userMessage={"type": ["string", "null"]}, top_k="integer")]}))
    assert isinstance(template, Template)
    assert (template.path, template.headers, template.query) == ("/u/{user}/chat", {"X-Session-Id": "{session}"}, {})
    assert template.body == {"threadId": "{session}", "userMessage": "{message}"}


def test_forms_and_uuids() -> None:
    template = only(document(obj(text="string", session_id={"type": "string", "format": "uuid"}), "application/x-www-form-urlencoded"))
    assert isinstance(template, Template)
    assert (template.kind, template.uuids) == ("form", True)


@pytest.mark.parametrize(("schema", "why"), [
    (obj(name="string"), "no field looks like the message"), (obj(message="integer"), "no field looks like the message"),
    (obj(message="string", tenant="string"), "it needs tenant"), (obj(message="string", user_id="integer"), "it needs user_id"),
    (obj(message="string", query="string"), "message and query both look like the message"),
    (obj([], message="string", prompt="string"), "both look like"), (obj(message={"type": "string", "enum": ["a"]}), "no field looks like"),
    (obj(message={"type": "array", "items": {"type": "string"}}), "no field looks like"), ({"$ref": "#/components/schemas/Gone"}, "no field looks like"),
    ({"$ref": "other.json#/x"}, "no field looks like"), ({"$ref": "#/paths/~1chat/post/requestBody/content/application~1json/schema"}, "no field looks like")])
def test_what_leaves_a_doubt_is_no_request(schema: dict[str, Any], why: str) -> None:
    found = only(document(schema))
    assert isinstance(found, str)
    assert why in found


def test_an_optional_second_text_is_no_doubt() -> None:
    found = only(document(obj(["message"], message="string", input="string")))
    assert isinstance(found, Template)
    assert found.body == {"message": "{message}"}


def test_a_path_with_an_open_part_is_no_request() -> None:
    found = compose("x", "POST", "/teams/{team}/chat", [RequestField("message", "json")])
    assert found == "its path /teams/{team}/chat has a part that nothing says what to put into"
    found = compose("x", "POST", "/chat/<string:session_id>", [RequestField("message", "json"), RequestField("session_id", "path")])
    assert isinstance(found, Template)
    assert found.path == "/chat/{session}"


def test_what_fastapi_itself_writes_is_understood() -> None:
    sys.path.insert(0, str(APPS))
    try:
        import api
    finally:
        sys.path.remove(str(APPS))
    (operation,) = operations(api.app.openapi())
    assert isinstance(operation.template, Template)
    assert operation.template.body == {"message": "{message}", "user_id": "{user}", "session_id": "{session}"}


JSON = st.recursive(st.none() | st.booleans() | st.text(max_size=5) | st.sampled_from(["#/paths", "string", "message"]),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["paths", "post", "requestBody", "content", "application/json", "schema", "$ref", "properties", "required", "type", "anyOf",
                         "allOf", "parameters", "name", "in", "message", "/x"]), inner, max_size=4), max_leaves=12)


@given(JSON)
def test_no_document_is_too_strange(value: Any) -> None:
    operations(value)
    operations({"paths": {"/x": value}})
    operations({"paths": {"/x": {"post": {"requestBody": {"content": {"application/json": {"schema": value}}}, "parameters": value}}}})
