"""Small source trees, read as a scan reads them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crewmem_doctor.facts.python import CodeFacts, read_code
from crewmem_doctor.sources.discover import discover

sys.path.insert(0, str(Path(__file__).parent))      # makes `python_tree` importable, whatever the import mode

Read = Callable[[Mapping[str, str]], CodeFacts]


@pytest.fixture
def read(tree: Callable[[Mapping[str, str | bytes]], Path]) -> Read:
    """Writes the files and reads the Python among them."""

    def reading(files: Mapping[str, str]) -> CodeFacts:
        return read_code(discover(tree(dict(files))))

    return reading
