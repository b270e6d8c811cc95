"""The child program as one text, which any Python 3.10 or later runs from its standard input: `python -`."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("program")
# In the order in which they need one another.
MODULES = ("channel", "disk", "place", "unified", "legacy", "steps", "online", "crew", "main")
PACKAGE = "crewmem_probe_program"
_LOADER = """\
import sys
sys.path[:] = [path for path in sys.path if path]
import json, types
def load(sources, name):
    package = types.ModuleType(name)
    package.__path__ = []
    sys.modules[name] = package
    for module, text in sources.items():
        made = types.ModuleType(name + "." + module)
        made.__package__ = name
        sys.modules[made.__name__] = made
        setattr(package, module, made)
        exec(compile(text, "<" + made.__name__ + ">", "exec"), made.__dict__)
    return made
load(json.loads({sources!r}), {package!r}).main(json.loads({job!r}))
"""


@functools.lru_cache(maxsize=1)
def _sources() -> str:
    return json.dumps({name: (PROGRAM / f"{name}.py").read_text(encoding="utf-8") for name in MODULES})


def program(job: Mapping[str, Any]) -> str:
    """The text that carries out `job` (see `program.main`)."""
    return _LOADER.format(sources=_sources(), package=PACKAGE, job=json.dumps(job))
