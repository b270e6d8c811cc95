"""A template from the fields of a request, found by their names. Only where they leave no doubt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from crewmem_doctor.model.memory import RequestField as Field
from crewmem_doctor.probes.http.template import Body, Template

MESSAGE = ("message", "usermessage", "chatmessage", "msg", "prompt", "userprompt", "query", "userquery", "question",
           "userquestion", "input", "userinput", "chatinput", "text", "usertext", "content", "utterance", "q")
USER = ("userid", "user", "uid", "username", "xuserid", "xuser", "customerid", "memberid", "clientid", "visitorid",
        "accountid", "senderid", "xuseruuid", "useruuid")
SESSION = ("sessionid", "session", "sid", "conversationid", "threadid", "chatid", "xsessionid", "xconversationid",
           "xthreadid", "sessionuuid", "sessionkey", "xchatid")


def role(name: str) -> Literal["message", "user", "session"] | None:
    """What a field of that name is for."""
    bare = re.sub(r"[^a-z0-9]", "", name.lower())
    if bare in MESSAGE:
        return "message"
    if bare in USER:
        return "user"
    return "session" if bare in SESSION else None


def compose(source: str, method: str, path: str, fields: Sequence[Field]) -> Template | str:
    """The template, or why there is none."""
    roles = {number: role(field.name) for number, field in enumerate(fields)}
    messages = [field for number, field in enumerate(fields) if roles[number] == "message" and field.type == "text"
                and field.place != "cookie"]
    if not messages:
        return "no field looks like the message"
    needed = [field for field in messages if field.required]
    if len(messages) > 1 and len(needed) != 1:
        return f"{' and '.join(field.name for field in messages)} both look like the message"
    message = needed[0] if needed else messages[0]
    filled: dict[Field, str] = {message: "{message}"}
    for number, field in enumerate(fields):
        found = roles[number]
        if found in ("user", "session") and field.type != "other" and field.place != "cookie":
            filled[field] = "{" + found + "}"
        elif field.required and field not in filled:
            return f"it needs {field.name}, and nothing says what to send there"
    return _template(source, method, path, filled)


def _template(source: str, method: str, path: str, filled: Mapping[Field, str]) -> Template | str:
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    body: dict[str, Any] = {}
    kind: Body = "none"
    for field, place in filled.items():
        if field.place == "header":
            headers[field.name] = place
        elif field.place == "query":
            query[field.name] = place
        elif field.place == "path":
            name = re.escape(field.name)
            path = re.sub(rf"\{{{name}(?::[^}}]*)?\}}|<(?:\w+:)?{name}>", place, path)
        else:
            if kind not in ("none", field.place):
                return "it takes both JSON and a form"
            kind = "json" if field.place == "json" else "form"
            (body.setdefault(field.inside, {}) if field.inside else body)[field.name] = place
    if re.search(r"\{(?!(?:message|user|session)\})|<", path):
        return f"its path {path} has a part that nothing says what to put into"
    return Template(source, method=method, path=path, headers=headers, query=query, kind=kind,
                    body=body if kind != "none" else None, uuids=any(field.type == "uuid" for field in filled))
