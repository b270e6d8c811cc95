"""Hugging Face Spaces and Streamlit's Community Cloud."""

from __future__ import annotations

from typing import Any

from .conftest import DOCKERFILE, known, mount, target

FRONT = "---\ntitle: x\nsdk: {}\napp_file: ui.py\n---\n\n# Title\n"


def test_gradio(read: Any) -> None:
    found = read({"README.md": FRONT.format("gradio"), "ui.py": "import gradio\n"})["huggingface:space"]
    assert target(found) == [("python", "ui.py")]
    assert (found.at.line, known(found.workdir)) == (3, "/home/user/app")
    assert mount(found, "/data").optional
    assert not found.durable_disk


def test_docker_and_prose(read: Any) -> None:
    found = read(
        {
            "README.md": FRONT.format("docker"),
            "Dockerfile": DOCKERFILE,
            "web/README.md": "# sdk: gradio\n",
            "old/README.md": FRONT.format("static"),
        }
    )
    assert found.ids == ["huggingface:space"]
    assert found["huggingface:space"].dockerfile == "Dockerfile"


STREAMLIT = "import streamlit as st\n\nst.title('x')\n"


def test_streamlit_needs_signs(read: Any) -> None:
    assert not read({"streamlit_app.py": STREAMLIT}).services


def test_streamlit_with_signs_is_a_note(read: Any) -> None:
    found = read({"src/app.py": STREAMLIT, ".streamlit/config.toml": "[server]\n", "pages/main.py": STREAMLIT})
    assert found.ids == ["streamlit:src/app.py"]
    assert found.services[0].dev


def test_streamlit_with_another_deployment(read: Any) -> None:
    found = read({"app.py": STREAMLIT, ".streamlit/config.toml": "[server]\n", "Dockerfile": DOCKERFILE})
    assert found.ids == ["dockerfile:Dockerfile"]
