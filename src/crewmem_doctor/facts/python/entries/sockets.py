"""Handlers of web sockets: Channels consumers, Socket.IO, `websockets`, Tornado and Starlette endpoints."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.entries._common import Found, argument, decorated, entry, imports
from crewmem_doctor.facts.python.survey import Survey, root

_CLASSES = {
    "channels": (
        "receive",
        "receive_json",
        "connect",
        "websocket_receive",
        "websocket_connect",
        "chat_message",
        "dispatch",
    ),
    "tornado": ("on_message", "open"),
    "starlette": ("on_receive", "on_connect"),
    "socketio": (),
    "flask_socketio": (),
    "autobahn": ("onMessage",),
}
_SOCKETS = ("Consumer", "WebSocketHandler", "WebSocketEndpoint", "Namespace", "WebSocketServerProtocol")
_PACKAGES = ("socketio", "flask_socketio", "fastapi_socketio")


def find(survey: Survey) -> Found:
    for cls in survey.base.classes():
        for name in survey.base.bases(cls.dotted):
            if root(name) in _CLASSES and name.endswith(_SOCKETS):
                for word, method in cls.methods.items():
                    wanted = _CLASSES[root(name)]
                    if word in wanted or (not wanted and word.startswith("on_")):
                        yield entry(survey, method, "socket", f"socket {cls.name}.{word}", root(name))
                break
    for function, target, call, name in decorated(survey):
        known = root(name)
        word = target.attr if isinstance(target, ast.Attribute) else ""
        if word in ("on", "event") and (known in _PACKAGES or (not known and imports(function, *_PACKAGES))):
            event = survey.text(argument(call, "event", "message", position=0), function.scope) or function.name
            if event != "disconnect":
                yield entry(survey, function, "socket", f"socket {event}", known or "socketio")
    for site in survey.calls("serve", "on", "on_event"):
        known = root(site.callee)
        if known == "websockets" or (known in _PACKAGES and not isinstance(site.node.func, ast.Name)):
            handed = argument(site.node, "handler", "ws_handler", "func", position=0 if known == "websockets" else 1)
            handler = survey.function(handed, site.scope)
            if handler is not None and not handler.is_body:
                yield entry(survey, handler, "socket", f"socket {handler.name}", known)
