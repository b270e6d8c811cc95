from __future__ import annotations

from typing import Any


def test_only_python_functions(read: Any) -> None:
    toml = '[build]\ncommand = "npm run build"\nfunctions = "netlify/functions"\n'
    found = read({"netlify.toml": toml, "netlify/functions/ask.py": "def handler(event, context): ...\n"})
    assert found.ids == ["netlify:netlify/functions/ask.py"]
    assert found.services[0].writable == ("/tmp",)


def test_a_front_end_is_nothing(read: Any) -> None:
    assert not read(
        {"netlify.toml": '[build]\ncommand = "npm run build"\npublish = "dist"\n', "main.py": "x = 1\n"}
    ).services
    assert not read({"netlify.toml": '[functions]\ndirectory = "f"\n', "f/a.js": "", "f/tool.py": "x = 1\n"}).services
