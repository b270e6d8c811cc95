from __future__ import annotations

from typing import Any

from .conftest import target, variable


def test_start_and_variables(read: Any) -> None:
    found = read({"nixpacks.toml": '[variables]\nMODE = "prod"\n[start]\ncmd = "uvicorn main:app"\n'})["nixpacks:app"]
    assert target(found) == [("uvicorn", "main:app")]
    assert variable(found, "MODE") == "prod"
    assert found.hidden_mounts


def test_railway_speaks_first(read: Any) -> None:
    files = {
        "nixpacks.toml": '[start]\ncmd = "uvicorn main:app"\n',
        "railway.json": '{"build": {"builder": "NIXPACKS"}}',
    }
    found = read(files)
    assert found.ids == ["railway:app"]
    assert target(found["railway:app"]) == [("uvicorn", "main:app")]
