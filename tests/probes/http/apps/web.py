"""A Flask application whose pages are as different as those of real ones."""

from __future__ import annotations

import gzip
import os
import time
import uuid
from typing import Any

from agent import agent
from flask import Flask, Response, jsonify, redirect, request, session

app = Flask(__name__)
app.secret_key = "not a secret: this is a test"
calls: dict[str, int] = {}


@app.get("/pid")
def pid() -> Any:
    return jsonify(pid=os.getpid())


@app.post("/asked")
def pid_of_a_reader() -> Any:
    request.get_json()
    return pid()


@app.post("/chat")
def chat() -> Any:
    return any_chat("module")


@app.post("/<kind>/chat")
def any_chat(kind: str) -> Any:
    data = request.get_json()
    return jsonify(reply=agent(kind).answer(data["user_id"], data["message"]))


@app.post("/cookie")
def cookie() -> Any:
    """The session cookie says who it is."""
    session.setdefault("who", uuid.uuid4().hex)
    return jsonify(reply=agent("module").answer(session["who"], request.get_json()["message"]))


@app.post("/form")
def form() -> Any:
    """Says what it has to say on another page, as sites without JavaScript do."""
    answer = agent("module").answer(request.form["user"], request.form["message"])
    return redirect(f"/said?text={answer}", code=303)


@app.get("/said")
def said() -> Any:
    return f"<html><body><p>{request.args['text']}</p></body></html>"


@app.post("/old")
def old() -> Any:
    return redirect("/chat", code=308)


@app.post("/elsewhere")
def elsewhere() -> Any:
    return redirect(os.environ["APP_ELSEWHERE"], code=307)


@app.post("/busy")
def busy() -> Any:
    """Asks for patience every third time."""
    calls["busy"] = calls.get("busy", 0) + 1
    if calls["busy"] % 3 == 2:
        return Response("slow down", 429, {"Retry-After": "1"})
    return chat()


@app.post("/full")
def full() -> Any:
    return Response("come back tomorrow", 429, {"Retry-After": "86400"})


@app.post("/private")
def private() -> Any:
    if request.headers.get("Authorization") != "Bearer " + os.environ["APP_TOKEN"]:
        return Response("who are you?", 401, {"WWW-Authenticate": "Bearer"})
    return chat()


@app.post("/page")
def page() -> Any:
    return redirect("/login", code=302)


@app.get("/login")
def login() -> Any:
    return "<html><form><input name=user><input type='password' name=password></form></html>"


@app.post("/packed")
def packed() -> Any:
    """Packs although nobody asked it to, and says no content type."""
    data = request.get_json()
    body = gzip.compress(agent("module").answer(data["user_id"], data["message"]).encode())
    return Response(body, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=latin-1"})


@app.post("/fails")
def fails() -> Any:
    return jsonify(error="openai: insufficient_quota"), 200


@app.post("/breaks")
def breaks() -> Any:
    return Response("oh no", 500)


@app.get("/broken-by-design")
def broken() -> Any:
    return Response("oh no", 500)


@app.post("/empty")
def empty() -> Any:
    return Response(status=204)


@app.post("/refuses")
def refuses() -> Any:
    if "remember" in request.get_json()["message"]:
        return jsonify(reply="Noted.")
    return jsonify(reply="I'm sorry, but I can't share confidential information such as codewords.")


@app.post("/job")
def job() -> Any:
    return jsonify(task_id=uuid.uuid4().hex, status="queued"), 202


@app.post("/slow")
def slow() -> Any:
    time.sleep(30)
    return jsonify(reply="at last")


@app.post("/endless")
def endless() -> Any:
    def forever() -> Any:
        data = request.get_json()
        answer = agent("module").answer(data["user_id"], data["message"])
        yield f"data: {answer}\n\n"
        while True:
            time.sleep(0.2)
            yield ": still here\n\n"

    from flask import stream_with_context

    return Response(stream_with_context(forever()), mimetype="text/event-stream")


@app.post("/thinking")
def thinking() -> Any:
    """Has begun to answer when the time is up."""
    def forever() -> Any:
        yield 'data: {"reply": "Let me thi'
        for _ in range(25):
            time.sleep(0.2)
            yield " "

    return Response(forever(), mimetype="text/event-stream") if "What" in request.get_json()["message"] else jsonify(reply="Noted.")


@app.post("/echoes")
def echoes() -> Any:
    return Response("." * int(request.args["pad"]) + request.headers["X-Api-Key"], 500)


@app.post("/tied")
def tied() -> Any:
    answer = chat()
    answer.set_cookie("AWSALB", "worker-1")
    return answer
