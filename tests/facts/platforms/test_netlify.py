from __future__ import annotations

from typing import Any


def test_python_functions_are_not_run_there(read: Any) -> None:
    toml = '[build]\ncommand = "npm run build"\nfunctions = "netlify/functions"\n'
    found = read({"netlify.toml": toml, "netlify/functions/ask.py": "def handler(event, context): ...\n"})
    assert not found.services
    assert [gap.path for gap in found.gaps] == ["netlify/functions/ask.py"]


def test_a_front_end_is_nothing(read: Any) -> None:
    found = read({"netlify.toml": '[build]\ncommand = "npm run build"\npublish = "dist"\n', "main.py": "x = 1\n"})
    assert not found.services
    assert not found.gaps
