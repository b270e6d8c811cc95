"""A model's provider without a network: the HTTP interfaces of OpenAI, Anthropic and Ollama, as far as CrewAI uses them.

The model knows nothing but what stands in the question. So when it says the codeword of the project to an application that
was asked for it, that application's memory gave it the codeword.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KNOWN = re.compile(r"codeword of the project is (\w+)")
SIZE = 256
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "input_tokens": 1, "output_tokens": 1}


def vector(text: str) -> list[float]:
    """Texts with words in common are near each other, in every process and release."""
    found = [0.0] * SIZE
    for word in re.findall(r"\w+", text.lower()):
        found[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % SIZE] += 1.0
    length = math.sqrt(sum(x * x for x in found)) or 1.0
    return [x / length for x in found]


def filled(schema: Mapping[str, Any], text: str, name: str = "", whole: Mapping[str, Any] | None = None) -> Any:
    """A value that the schema accepts, with the text wherever it takes one."""
    whole = schema if whole is None else whole
    if "$ref" in schema:
        return filled(whole["$defs"][schema["$ref"].rpartition("/")[2]], text, name, whole)
    for several in ("anyOf", "allOf"):
        if several in schema:
            return filled(schema[several][0], text, name, whole)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {key: filled(value, text, key, whole) for key, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [] if "scope" in name or name == "entities" else [filled(schema["items"], text, name, whole)]
    plain = {"number": 0.5, "integer": 1, "boolean": False, "null": None}
    return plain.get(str(kind), "/" if "scope" in name else text)


class Model:
    """Listens on a port of its own. `knows` is a codeword that it needs no memory for."""

    def __init__(self) -> None:
        self.knows = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def says(self, asked: str) -> str:
        found = KNOWN.search(asked)
        known = found[1] if found else self.knows
        return f"The codeword of the project is {known}" if known else "Nobody has told me a codeword of the project"

    def answer(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path.endswith("/embeddings") and "input" in body:
            texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
            data = [{"object": "embedding", "index": n, "embedding": vector(text)} for n, text in enumerate(texts)]
            return {"object": "list", "model": body["model"], "usage": USAGE, "data": data}
        if path.endswith("/api/embed"):
            return {"embeddings": [vector(text) for text in body["input"]]}
        text = self.says(json.dumps(body.get("messages")))
        if path.endswith("/messages"):
            return {"id": "m", "type": "message", "role": "assistant", "model": body["model"], "stop_reason": "end_turn",
                    "content": [{"type": "text", "text": text}], "usage": USAGE}
        message: dict[str, Any] = {"role": "assistant", "content": text}
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        if schema:
            message["content"] = json.dumps(filled(schema, text))
        for tool in body["tools"] if isinstance(body.get("tool_choice"), dict) else ():  # it calls no tool of its own accord
            function = {"name": tool["function"]["name"], "arguments": json.dumps(filled(tool["function"]["parameters"], text))}
            message["tool_calls"] = [{"id": "t", "type": "function", "function": function}]
        return {"id": "m", "object": "chat.completion", "created": 0, "model": body["model"], "usage": USAGE,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def _handler(model: Model) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = json.dumps(model.answer(self.path, body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
