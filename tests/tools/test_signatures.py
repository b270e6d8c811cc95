"""The reader of signatures on small packages that are written here, and the committed tables against wheels where
CREWAI_WHEELS names a folder of them (`python tools/signatures.py download FOLDER`)."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

import packages
import signatures as tool
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases._signatures import ARGUMENTS, OTHERS

MODEL = "from pydantic import BaseModel, ConfigDict, Field, PrivateAttr\nfrom typing import Any, ClassVar\n"


def package(**files: str) -> packages.Package:
    """Modules below `crewai`: "agent_core" is agent/core.py, "agent_" the package's own `__init__.py`."""
    texts = {f"crewai/{name.replace('_', '/')}.py".replace("/.py", "/__init__.py"): text for name, text in files.items()}
    return packages.Package(texts.get, texts)


def crew(text: str, **files: str) -> tool.Signature:
    return tool.Reader(package(crew=text, **files)).all()["Crew"]


def test_fields_of_a_model_and_of_its_bases_are_taken_and_others_dropped() -> None:
    found = crew(
        MODEL + "from crewai.base import Base\n\nclass Crew(Base):\n    memory: bool = False\n    _cache: Any = PrivateAttr()\n"
        "    kind: ClassVar[str] = 'crew'\n    model_config = ConfigDict(arbitrary_types_allowed=True)\n",
        base=MODEL + "\nclass Base(BaseModel):\n    name: str = Field(alias='title')\n    memory: str = ''\n",
    )
    assert (sorted(found.names), found.rest, found.types["memory"]) == (["memory", "title"], "ignored", "bool")


@pytest.mark.parametrize("how", ["model_config = ConfigDict(extra='forbid')", "class Config:\n        extra = Extra.forbid"])
def test_a_model_that_forbids_others(how: str) -> None:
    assert crew(MODEL + f"\nclass Crew(BaseModel):\n    {how}\n    memory: bool = False\n").rest == "ValidationError"


def test_a_constructor_of_its_own_takes_what_it_names() -> None:
    found = crew("class Crew:\n    def __init__(self, a, /, memory=None, *, path: str = ''):\n        pass\n")
    assert (sorted(found.names), found.rest) == (["a", "memory", "path"], "TypeError")


def test_arguments_that_are_handed_on_are_the_bases() -> None:
    found = crew(
        MODEL + "\nclass Base(BaseModel):\n    storage: Any\n    def __init__(self, storage: Any, **data: Any):\n"
        "        super().__init__(storage=storage, **data)\n\nclass Crew(Base):\n    path: str = ''\n"
        "    def __init__(self, crew=None, **data):\n        super().__init__(**{'crew': crew, **data})\n"
    )
    assert (sorted(found.names), found.rest) == (["crew", "path", "storage"], "ignored")


def test_arguments_that_are_swallowed_are_dropped() -> None:
    found = crew("class Crew:\n    def __init__(self, inputs=None, **kwargs):\n        self.state = kwargs\n")
    assert (sorted(found.names), found.rest) == (["inputs"], "ignored")


def test_a_class_without_a_constructor_takes_nothing() -> None:
    assert crew("class Crew:\n    pass\n") == tool.Signature(frozenset(), "TypeError", {})


def test_what_a_validator_takes_out_first_counts() -> None:
    found = crew(
        MODEL + "\nclass Crew(BaseModel):\n    path: str = ''\n    @model_validator(mode='wrap')\n    @classmethod\n"
        "    def accept(cls, data, handler):\n        memory = data.pop('memory', None)\n        return handler(data)\n"
        "    def other(self):\n        self.extra.pop('else')\n"
    )
    assert sorted(found.names) == ["memory", "path"]


def test_methods_and_what_only_type_checkers_see() -> None:
    found = tool.Reader(
        package(
            crew="class Mixin:\n    if TYPE_CHECKING:\n        def kickoff(self, *args, **kwargs): ...\n\n"
            "class Base:\n    @overload\n    def kickoff(self): ...\n    def kickoff(self, inputs=None): ...\n\n"
            "class Crew(Mixin, Base):\n    async def kickoff_async(self, *args, **more):\n"
            "        return await super().kickoff_async(**more)\n"
        )
    ).all()
    assert sorted(found["Crew.kickoff"].names) == ["inputs"]
    assert found["Crew.kickoff"].rest == "TypeError"
    assert found["Crew.kickoff_async"].rest == "ignored"
    assert "Crew.akickoff" not in found


def test_a_class_is_found_through_the_imports_that_bring_it() -> None:
    found = tool.Reader(
        package(
            agent_="from .core import Agent\n", agent_core="from ..base import Base as B\n\nclass Agent(B):\n    pass\n",
            base="class Base:\n    def __init__(self, role): ...\n",
        )
    ).all()
    assert sorted(found["Agent"].names) == ["role"]


def test_a_base_that_cannot_be_seen_is_no_guess() -> None:
    with pytest.raises(tool.Unreadable, match=r"crewai\.crew\.Crew inherits from langchain\.Base"):
        crew("from langchain import Base\n\nclass Crew(Base):\n    pass\n")


def test_exports_are_the_packages_own() -> None:
    found = tool.Reader(
        package(memory_="from typing import Any\nfrom crewai.memory.types import Record\n__all__ = ['Memory', 'Record']\n",
                memory_types="", memory_storage_vectors="", crew="")
    ).imports()
    assert found == {"crewai.memory.Record", "crewai.memory.Memory", "crewai.memory.types", "crewai.memory.storage.vectors"}


def versions(*texts: str) -> list[Version]:
    return [v for v in map(Version.parse, texts) if v is not None]


def test_spans() -> None:
    releases = versions("0.27.0", "0.28.0", "1.0.0", "1.1.0")
    assert tool.spans(releases, lambda v: v.major == 0) == "0.27.0-1.0.0"
    assert tool.spans(releases, lambda v: v.minor in (27, 1)) == "0.27.0-0.28.0 1.1.0-"
    assert tool.spans(releases, lambda v: False) == ""
    assert tool.valued(releases, lambda v: {0: "a", 1: "b c"}[v.major]) == "0.27.0-1.0.0 a; 1.0.0- b c"


def test_a_folder_of_wheels(tmp_path: Path) -> None:
    for version, field in (("0.28.0", "memory"), ("1.9.3", "memory"), ("1.10.1", "skills")):
        with zipfile.ZipFile(tmp_path / f"crewai-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("crewai/crew.py", f"{MODEL}\nclass Crew(BaseModel):\n    {field}: bool = False\n")
    data = tool.tables(tool.read(tmp_path))
    assert data.arguments == {"Crew": {"memory": "0.28.0-1.10.1", "skills": "1.10.1-"}}
    assert data.others == {"Crew": "0.28.0- ignored"}
    assert data.types["Crew.memory"] == "0.28.0-1.10.1 bool"


def test_a_wheel_that_the_list_does_not_know_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "crewai-99.0.0-py3-none-any.whl").touch()
    assert tool.check(tmp_path) == 1
    assert "not in the list of releases: 99.0.0" in capsys.readouterr().err


@pytest.mark.skipif("CREWAI_WHEELS" not in os.environ, reason="no folder of wheels")
@pytest.mark.timeout(600)
def test_the_committed_tables_are_what_the_wheels_say() -> None:
    assert tool.check(Path(os.environ["CREWAI_WHEELS"])) == 0


def test_the_committed_tables_have_the_classes_that_the_tool_reads() -> None:
    methods = {f"{name}.{method}" for name, words in tool.METHODS.items() for method in words}
    assert set(ARGUMENTS) == set(OTHERS)
    assert set(ARGUMENTS) == {*tool.CLASSES, *methods}
