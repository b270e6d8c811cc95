"""SQLite URLs as SQLAlchemy reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crewmem_doctor.probes.sqlite.address import Address, Unreadable, parse


@pytest.mark.parametrize(("url", "wanted"), [
    ("sqlite:///memory.db", Address("/srv/app/memory.db")), ("sqlite:////data/memory.db", Address("/data/memory.db")),
    ("sqlite:///./data/m.db", Address("/srv/app/data/m.db")), ("sqlite+aiosqlite:////data/m.db", Address("/data/m.db")),
    ("sqlite:////data/m%20x.db", Address("/data/m%20x.db")),        # SQLAlchemy decodes no path
    ("sqlite:///file:/data/m%20x.db?uri=true", Address("/data/m x.db")), ("sqlite:///file:m.db?uri=true", Address("/srv/app/m.db")),
    ("sqlite:///file:" + "///data/m.db?mode=rw&uri=true", Address("/data/m.db")),
    ("sqlite:////data/m.db?timeout=30", Address("/data/m.db", busy=30)), ("sqlite:////data/m.db?timeout=x", Address("/data/m.db")),
    ("sqlite:///file:/data/m.db?mode=ro&uri=true", Address("/data/m.db", "mode=ro")),
    ("sqlite:///file:/data/m.db?nolock=1&cache=shared&uri=true", Address("/data/m.db", options="nolock=1")),
    ("sqlite://", Address("")), ("sqlite:///", Address("")), ("sqlite:///:memory:", Address("")),
])
def test_what_a_url_names(url: str, wanted: Address) -> None:
    assert parse(url, Path("/srv/app")) == wanted


def test_two_slashes_name_nothing() -> None:
    with pytest.raises(Unreadable):
        parse("sqlite://memory.db", Path("/srv/app"))
