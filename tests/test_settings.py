"""Flags, environment, pyproject.toml: what is read, what wins, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from crewmem_doctor.errors import ConfigurationError, UsageError
from crewmem_doctor.model.release import Version
from crewmem_doctor.settings import Settings, load_settings


def load(root: Path, text: str = "", flags: dict[str, object] | None = None,
         environ: dict[str, str] | None = None) -> Settings:
    if text:
        (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return load_settings(root, flags or {}, environ or {})


def test_defaults(tmp_path: Path) -> None:
    assert load(tmp_path) == Settings()
    assert load(tmp_path, "[tool.other]\nx = 1\n") == Settings()


def test_everything_from_pyproject(tmp_path: Path) -> None:
    found = load(tmp_path, """
[tool.crewmem-doctor]
select = ["CM2", "CM3"]
ignore = ["CM201"]
fail-on = "error"
strict = true
include-tests = true
crewai-version = "1.15.30"
jobs = 2
exclude = ["vendor"]
format = ["concise", "json=report.json"]
""")
    assert found == Settings(
        ("CM2", "CM3"), ("CM201",), "error", True, True, Version(1, 15, 30), 2, ("vendor",),
        formats=("concise", "json=report.json"))


def test_precedence(tmp_path: Path) -> None:
    text = '[tool.crewmem-doctor]\nfail-on = "note"\nselect = ["CM1"]\nstrict = true\n'
    assert load(tmp_path, text).fail_on == "note"
    environ = {"CREWMEM_DOCTOR_FAIL_ON": "error", "CREWMEM_DOCTOR_SELECT": "CM2, CM3", "CREWMEM_DOCTOR_STRICT": "0"}
    found = load(tmp_path, environ=environ)
    assert (found.fail_on, found.select, found.strict) == ("error", ("CM2", "CM3"), False)
    found = load(tmp_path, flags={"fail_on": "never", "select": ["CM4"], "strict": None}, environ=environ)
    assert (found.fail_on, found.select, found.strict) == ("never", ("CM4",), False)
    assert load(tmp_path, environ={"CREWMEM_DOCTOR_FAIL_ON": ""}).fail_on == "note"


@pytest.mark.parametrize(("text", "words"), [
    ("[tool.crewmem-doctor]\nfail_on = 'note'\n", "fail_on is not an option; did you mean fail-on?"),
    ("[tool.crewmem-doctor]\nselct = []\n", "did you mean select?"),
    ("[tool.crewmem-doctor]\nzzz = 1\n", "zzz is not an option"),
    ("[tool.crewmem-doctor]\nstrict = 'yes please'\n", "true or false"),
    ("[tool.crewmem-doctor]\nstrict = 1\n", "true or false"),
    ("[tool.crewmem-doctor]\nfail-on = 'worse'\n", "one of error, warning, note, never"),
    ("[tool.crewmem-doctor]\njobs = -1\n", "jobs"),
    ("[tool.crewmem-doctor]\nselect = 3\n", "list of strings"),
    ("[tool.crewmem-doctor]\nselect = [3]\n", "list of strings"),
    ("[tool.crewmem-doctor]\ncrewai-version = 1.15\n", "a release such as"),
    ("[tool]\ncrewmem-doctor = 3\n", "not a table"),
    ("[tool.crewmem-doctor\n", "not valid TOML"),
    ("[[tool.crewmem-doctor.ignore]]\nrule = 'CM201'\npath = '*'\n", "pyproject.toml:1: .* needs reason"),
    ("[[tool.crewmem-doctor.ignore]]\nrule = 'CM201'\npath = '*'\nreason = ' '\n", "not empty"),
    ("[[tool.crewmem-doctor.ignore]]\nrule = 'CM201'\nfile = '*'\nreason = 'x'\n", "file is not one of"),
])
def test_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load(tmp_path, text)


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"[tool.x]\ny = '\xff'\n")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        load(tmp_path)


@pytest.mark.parametrize(("name", "value"), [
    ("FAIL_ON", "sometimes"), ("STRICT", "maybe"), ("JOBS", "many"), ("CREWAI_VERSION", "newest"),
])
def test_variables_are_checked(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"CREWMEM_DOCTOR_{name}"):
        load(tmp_path, environ={f"CREWMEM_DOCTOR_{name}": value})


TABLES = """\
[tool.crewmem-doctor]
strict = true

[[tool.crewmem-doctor.ignore]]
rule = "CM201"
path = "deploy/*.yaml"
reason = "forgets by design"

  [[ tool . "crewmem-doctor" . ignore ]]
rule = "no-volume"
path = "compose.yaml"
subject = "compose:api"
reason = "the same"
"""


def test_ignore_tables_know_their_lines(tmp_path: Path) -> None:
    first, second = load(tmp_path, TABLES).ignores
    assert (first.rule, first.path, first.reason, first.subject) == ("CM201", "deploy/*.yaml", "forgets by design", "")
    assert (first.at.path, first.at.line, first.at.column) == ("pyproject.toml", 4, 1)
    assert (second.subject, second.at.line, second.at.column) == ("compose:api", 9, 3)


def test_ignore_takes_words_and_tables_together(tmp_path: Path) -> None:
    found = load(tmp_path, '[tool.crewmem-doctor]\nignore = ["CM104", {rule = "CM201", path = "*", reason = "x"}]\n')
    assert found.ignore == ("CM104",)
    assert found.ignores[0].at.line == 2


def test_the_nearest_table_inside_a_checkout_decides(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "services" / "api"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text("[project]\nname = 'api'\n", encoding="utf-8")
    load(tmp_path, TABLES)
    found = load_settings(inner, {}, {})
    assert found.strict
    assert found.ignores[0].at.path == "../../pyproject.toml"
    assert found.ignores[1].path == "compose.yaml"
    (tmp_path / ".git").rmdir()
    assert load_settings(inner, {}, {}) == Settings()
