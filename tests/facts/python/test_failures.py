"""What the code does when memory fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from crewmem_doctor.doctor import read_project
from crewmem_doctor.model.failure import Failures
from crewmem_doctor.settings import Settings
from crewmem_doctor.sources.discover import discover

HEAD = "import logging, os, shutil\nfrom crewai import Agent, Crew, Task\nfrom crewai.memory import Memory\n"


def failures(root: Path, code: str) -> Failures:
    (root / "app.py").write_text(HEAD + code, encoding="utf-8")
    project = read_project(discover(root), Settings())
    assert not [g for g in project.gaps if "failed" in g.why or "facts were read" in g.why]
    return project.code.failures


TRIED = "memory = Memory()\ndef note(text):\n    try:\n        memory.remember(text)\n    except {}:\n        {}\n"


@pytest.mark.parametrize(
    ("kind", "body", "how"),
    [
        ("Exception", "pass", "silent"),
        ("Exception as e", "logging.error(e)", "logged"),
        ("Exception", "return 'sorry'", "answered"),
        ("Exception", "return None", "silent"),
        ("OSError as e", "print(e)", "logged"),
        ("Exception", "raise", None),
        ("Exception as e", "return {'error': str(e)}", None),
        ("Exception as e", "failed.append(e)", None),
        ("Exception", "return 'x', 503", None),
        ("ValueError", "pass", None),
        ("KeyError", "pass", None),
    ],
)
def test_what_a_handler_leaves(tmp_path: Path, kind: str, body: str, how: str | None) -> None:
    found = failures(tmp_path, TRIED.format(kind, body)).swallows
    assert [s.how for s in found] == ([how] if how else [])


def test_an_inner_handler_takes_it(tmp_path: Path) -> None:
    code = (
        "memory = Memory()\ndef note(text):\n    try:\n        try:\n            memory.remember(text)\n"
        "        except Exception:\n            pass\n    except Exception:\n        pass\n"
    )
    assert [s.at.line for s in failures(tmp_path, code).swallows] == [9]


def test_a_caller_that_asks_is_told(tmp_path: Path) -> None:
    code = (
        "def build():\n    try:\n        return Crew(agents=[], tasks=[], memory=True)\n    except Exception:\n"
        "        return None\n\ndef run():\n    crew = build()\n    if crew is None:\n        raise RuntimeError()\n"
    )
    assert not failures(tmp_path, code).swallows


# A directory that a package names, or else one of one's own, is no store that could not be had.
HOME = (
    "from pathlib import Path\ndef home():\n    try:\n        from product.paths import data_dir\n        return Path(data_dir())\n"
    "    except Exception:\n        env = os.getenv('PRODUCT_HOME')\n        return Path(env) if env else Path.home() / '.product'\n"
)


@pytest.mark.parametrize(
    ("code", "to"),
    [
        ("try:\n    m = Memory(storage='/data')\nexcept Exception:\n    m = False\n", "off"),
        ("m = Memory(storage='/data') if os.getenv('DATABASE_URL') else False\n", "off"),
        ("m = Memory(storage=os.getenv('MEMORY_DIR', ':memory:'))\n", "ram"),
        ("m = Memory(storage='/data') if os.getenv('ENVIRONMENT') else False\n", None),
        ("m = Memory(storage=os.getenv('MEMORY_DIR', './memory'))\n", None),
        ("try:\n    m = Memory(storage='/data')\nexcept Exception:\n    raise\n", None),
        (HOME + "m = Memory(storage=str(home() / 'memory'))\n", None),
        (HOME + "m = Memory(storage=f'{home()}/memory')\n", None),
        (
            "try:\n    import backend\n    s = backend.open_store()\nexcept Exception:\n    s = './memory'\nm = Memory(storage=s)\n",
            "local",
        ),
    ],
)
def test_fallbacks(tmp_path: Path, code: str, to: str | None) -> None:
    found = failures(tmp_path, code + "crew = Crew(agents=[], tasks=[], memory=m)\n").fallbacks
    assert [f.to for f in found] == ([to] if to else [])


@pytest.mark.parametrize(
    ("code", "moment", "deliberate"),
    [
        ("shutil.rmtree('/data')\n", "import", False),
        ("def setup():\n    shutil.rmtree('/data')\nsetup()\n", "start", False),
        ("def reset():\n    shutil.rmtree('/data')\nreset()\n", "start", True),
        ("if os.getenv('CLEAR'):\n    shutil.rmtree('/data')\n", "import", True),
        ("def never_called():\n    shutil.rmtree('/data')\n", "never", False),
    ],
)
def test_wipes(tmp_path: Path, code: str, moment: str, deliberate: bool) -> None:
    found = failures(tmp_path, "memory = Memory(storage='/data')\n" + code).wipes
    assert [(w.moment, w.deliberate) for w in found] == [(moment, deliberate)]


@pytest.mark.parametrize(
    ("code", "late"),
    [
        ("os.environ['CREWAI_STORAGE_DIR'] = '/data'\n", True),
        ("def setup():\n    os.environ.setdefault('CREWAI_STORAGE_DIR', '/data')\n", True),
        ("os.environ['LOG_LEVEL'] = 'info'\n", False),
    ],
)
def test_settings_after_the_import(tmp_path: Path, code: str, late: bool) -> None:
    assert bool(failures(tmp_path, "memory = Memory()\n" + code).late) == late


def test_a_project_without_memory_has_none(tmp_path: Path) -> None:
    crew = "Crew(agents=[], tasks=[])"
    code = f"def run():\n    try:\n        return {crew}.kickoff()\n    except Exception:\n        pass\n"
    assert failures(tmp_path, code) == Failures()
