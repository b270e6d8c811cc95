"""Any bytes in any file: no traceback, an exit status of the table, and the rest of the tree still audited."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor import examine

GOOD = {
    "good/app.py": "from crewai import Crew\nfrom fastapi import FastAPI\napp = FastAPI()\n"
                   "@app.post('/chat')\ndef chat():\n    return Crew(agents=[], tasks=[], memory=True).kickoff()\n",
    "good/requirements.txt": "crewai==1.15.30\n",
}
DEEP = 100_000
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9))
MERGE_BOMB = "a: &a {k: v}\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{', '.join(['*' + chr(97 + n)] * 9)}]}}\n" for n in range(12))
COMPOSE = "services:\n  api:\n    build: .\n    command: uvicorn app:app\n"
CASES: dict[str, dict[str, str | bytes]] = {
    "python-2": {"app.py": "from crewai import Crew\nprint 'crewai'\n"},
    "python-3.12-f-string": {"app.py": "from crewai import Crew\nx = f\"{'a' + f\"{'b'}\"}\"\n"},
    "template": {"app.py": "from crewai import Crew\n{% if memory %}\nCrew(memory=True)\n{% endif %}\n"},
    "nul": {"app.py": b"from crewai import Crew\n\x00\x00", "compose.yaml": b"services:\n  a: \x00\n", "Dockerfile": b"FROM \x00\n"},
    "latin-1": {"app.py": "# caf\xe9\nfrom crewai import Crew\nCrew(memory=True)\n".encode("latin-1")},
    "declared-latin-1": {"app.py": "# -*- coding: latin-1 -*-\n# caf\xe9\nfrom crewai import Crew\nCrew(memory=True)\n".encode("latin-1")},
    "declared-nonsense": {"app.py": "# -*- coding: klingon -*-\nfrom crewai import Crew\n"},
    "utf-16": {"app.py": "from crewai import Crew\n".encode("utf-16"), "compose.yaml": COMPOSE.encode("utf-16")},
    "bom-and-crlf": {"app.py": b"\xef\xbb\xbffrom crewai import Crew\r\nCrew(memory=True)\r\n",
                     "compose.yaml": b"\xef\xbb\xbf" + COMPOSE.replace("\n", "\r\n").encode()},
    "old-mac-lines": {"app.py": "from crewai import Crew\rCrew(memory=True)\r", "Dockerfile": "FROM a\rRUN b\r"},
    "surrogates": {"app.py": "from crewai import Crew\nCrew(name='\\ud800', memory=True)\n",
                   "compose.yaml": 'services:\n  "\\ud800":\n    build: .\n'},
    "deep-expression": {"app.py": "from crewai import Crew\nx = " + "(" * 5000 + ")" * 5000 + "\n"},
    "deep-attribute": {"app.py": "from crewai import Crew\nx = a" + ".b" * 5000 + "\n"},
    "deep-sum": {"app.py": "from crewai import Crew\nCrew(name=" + "+".join(["'a'"] * 20_000) + ", memory=True)\n"},
    "deep-blocks": {"app.py": "from crewai import Crew\n" + "".join(" " * n + "if x:\n" for n in range(95)) + " " * 95 + "Crew(memory=True)\n"},
    "deep-unary": {"app.py": "from crewai import Crew\nx = " + "-" * DEEP + "1\n"},
    "huge-number": {"app.py": "from crewai import Crew\nCrew(memory=" + "9" * 100_000 + ")\n"},
    "long-line": {"app.py": "from crewai import Crew\nx = '" + "a" * 3_000_000 + "'\n"},
    "over-the-cap": {"app.py": "from crewai import Crew\n" + "# padding\n" * 500_000, "compose.yaml": COMPOSE + "# padding\n" * 500_000},
    "cyclic-imports": {"a.py": "from b import crew\nfrom crewai import Crew\n", "b.py": "from a import crew\nfrom crewai import Crew\n"},
    "cyclic-values": {"app.py": "from crewai import Crew\na = b\nb = a\ndef f(x=1):\n    return f(x)\nCrew(name=f(a), memory=a)\n"},
    "cyclic-classes": {"app.py": "from crewai import Crew\nclass A(B): pass\nclass B(A): pass\nA(memory=True)\n"},
    "yaml-deep-flow": {"compose.yaml": "a: " + "[" * DEEP},
    "yaml-deep-block": {"compose.yaml": "".join(" " * n + "a:\n" for n in range(3000))},
    "yaml-deep-dashes": {"compose.yaml": "- " * DEEP + "a\n"},
    "yaml-alias-bomb": {"compose.yaml": BOMB + "services: *i\n"},
    "yaml-merge-bomb": {"compose.yaml": MERGE_BOMB + "services:\n  api: {<<: *m}\n"},
    "yaml-recursive-alias": {"compose.yaml": "services: &s\n  api: *s\n  list: &l [*l]\n"},
    "yaml-tabs": {"compose.yaml": "services:\n\tapi:\n\t\tbuild: .\n"},
    "yaml-helm": {"chart/templates/deployment.yaml": "{{- if .Values.on }}\napiVersion: apps/v1\nspec:\n  replicas: {{ .Values.n }}\n{{- end }}\n"},
    "yaml-broken-helm": {"compose.yaml": "services:\n  api: { { .Values.x } }\n"},
    "yaml-odd-shapes": {"compose.yaml": "services:\n  - a\n  - {b: c}\n", "docker-compose.yml": "[]\n", "compose.yml": "null\n"},
    "yaml-odd-values": {"compose.yaml": "services:\n  api: null\n  b: 7\n  c: {build: [], command: {a: b}, environment: 3, volumes: x, deploy: [], "
                                        "env_file: {}, user: [], ports: ~, tmpfs: {}, extends: 4, scale: many, profiles: 1}\n  ? [x]\n  : {}\n"},
    "yaml-tags": {"compose.yaml": "services: !reset\n  api: !!python/object/apply:os.system ['false']\n"},
    "yaml-many-documents": {"compose.yaml": "---\n" * 20_000},
    "compose-extends-itself": {"compose.yaml": "services:\n  api:\n    extends: {service: api}\n  b:\n    extends: {file: compose.yaml, service: b}\n"},
    "compose-include-itself": {"compose.yaml": "include: [compose.yaml]\nservices: {}\n"},
    "compose-outside": {"compose.yaml": "include: [../../../etc/passwd]\nservices:\n  api:\n    build: ../../..\n    env_file: [/etc/passwd, ../../x]\n"
                                        "    extends: {file: ../../../compose.yaml, service: x}\n"},
    "compose-interpolation": {"compose.yaml": "services:\n  api:\n    image: ${A:-${B:-${C}}}\n    command: ${\n    environment:\n      X: ${Y:?}${Z:\n"},
    "compose-markup": {"compose.yaml": 'services:\n  "[bold red]api[/]":\n    build: .\n  "a\\e[31mb":\n    build: .\n  "two\\nlines":\n    build: .\n  "":\n    build: .\n',
                       "Dockerfile": "FROM python\nCOPY good .\nCMD uvicorn app:app\n"},
    "dockerfile-odd": {"Dockerfile": "RUN\nFROM\nENV A\nENV =\nCOPY\nUSER\nCMD [\nENTRYPOINT [1, {}]\nWORKDIR\nFROM a AS\nCOPY --from=9 x y\nVOLUME [\nARG\n"},
    "dockerfile-heredoc": {"Dockerfile": "FROM python\nRUN <<EOF\nno end\n"},
    "dockerfile-endless": {"Dockerfile": "FROM python\nRUN a \\\n" * 2000},
    "dockerfile-long-line": {"Dockerfile": "FROM python\nRUN " + "a" * 1_000_000 + "\n"},
    "shell-odd": {"Dockerfile": "FROM python\nCOPY s.sh /s.sh\nCMD sh -c 'uvicorn \"app\n", "s.sh": "exec \"$(((\n'`\n${x:-${y\n"},
    "script-calls-itself": {"Dockerfile": "FROM python\nCOPY . /app\nWORKDIR /app\nENTRYPOINT [\"./s.sh\"]\n", "s.sh": "exec ./s.sh\n"},
    "gunicorn-conf": {"gunicorn.conf.py": "workers = workers\nbind = (\n", "Dockerfile": "FROM python\nCOPY good .\nCMD gunicorn app:app -w\n"},
    "requirements-loop": {"requirements.txt": "-r requirements.txt\n-c requirements.txt\ncrewai[\n==1\n@@@\ncrewai===\n"},
    "toml-broken": {"requirements/pyproject.toml": "[project\n", "poetry.lock": "[[package]]\nname = 3\n", "uv.lock": "package = 1\n", "Pipfile.lock": "[1]"},
    "json-deep": {"Pipfile.lock": "[" * DEEP, "package.json": "{" * DEEP},
    "env-odd": {".env": b"=\nA\n'B=\n\xff\xfe=1\nexport\nC=${C}\n", "compose.yaml": COMPOSE + "    env_file: .env\n"},
    "odd-names": {"a\nb.py": "from crewai import Crew\nCrew(memory=True)\n", "[red]x.py": "from crewai import Crew\nCrew(memory=True)\n",
                  "\x1b[31m.py": "from crewai import Crew\nCrew(memory=True)\n"},
    "folders-named-as-files": {"Dockerfile/x": "", "compose.yaml/x": "", "requirements.txt/x": "", "app.py/x": "", ".gitignore/x": ""},
    "suppressions": {"app.py": "from crewai import Crew  # crewmem: ignore[\n# crewmem:\n# crewmem: ignore[CM104] --\n# crewmem: ignore[] -- x\n"},
}
FORMATS = ("json", "concise", "rich", "sarif")


def assert_civil(outcome: Any) -> None:
    assert outcome.status in (0, 1, 2, 3), outcome.errors
    assert "Traceback" not in outcome.errors
    assert "Traceback" not in outcome.out.decode("utf-8", "replace")


@pytest.mark.parametrize("name", CASES)
def test_the_rest_is_still_audited(name: str, doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    outcome = doctor("scan", ".", "--format", "json", cwd=tree({**GOOD, **CASES[name]}))
    assert_civil(outcome)
    report = outcome.report
    assert [m for m in report["memories"] if m["path"] == "good/app.py"], report["not_seen"]
    assert not [gap for gap in report["not_seen"] if gap["kind"] == "crash"], report["not_seen"]


@pytest.mark.parametrize("form", FORMATS[1:])
def test_all_of_it_at_once_in_every_format(form: str, doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    """Also under --strict, where anything not seen makes the status 2."""
    files: dict[str, str | bytes] = dict(GOOD)
    for name, case in CASES.items():
        files.update({f"{name}/{path}": content for path, content in case.items()})
    root = tree(files)
    outcome = doctor("scan", ".", "--format", form, cwd=root)
    assert_civil(outcome)
    assert b"good/app.py" in outcome.out
    strict = doctor("scan", ".", "--format", form, "--strict", cwd=root)
    assert_civil(strict)
    assert strict.status == 2


@pytest.mark.parametrize("form", FORMATS)
def test_control_characters_never_reach_the_terminal(form: str, doctor: Callable[..., Any],
                                                     tree: Callable[..., Path]) -> None:
    names = {**CASES["odd-names"], **CASES["compose-markup"]}
    outcome = doctor("scan", ".", "--format", form, cwd=tree({**GOOD, **names}), env={"NO_COLOR": "1"})
    assert_civil(outcome)
    assert b"\x1b" not in outcome.out


@pytest.mark.parametrize("what", ["app.py", "compose.yaml", "Dockerfile", "requirements.txt", "pyproject.toml", ".env", "entry.sh",
                                  "gunicorn.conf.py", "uv.lock", "agents.yaml"])
def test_random_bytes(what: str, doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    noise = random.Random(what).randbytes(4096)
    outcome = doctor("scan", ".", "--format", "json", cwd=tree({**GOOD, what: b"crewai memory " + noise}))
    assert_civil(outcome)


FRAGMENTS = st.sampled_from([
    b"crewai", b"from crewai import Crew\n", b"Crew(memory=True)", b"services:\n", b"  api:\n", b"    build: .\n", b"FROM ", b"RUN ",
    b"CMD [", b"${", b"}", b"{{", b"&a ", b"*a", b"<<: ", b"\n", b"\t", b"\r", b"\x00", b"\xff", b"\\\n", b"'", b'"', b": ", b"- ", b"[",
    b"]", b"# crewmem: ignore[", b"def f():\n", b"    return ", b"=", b"<<EOF\n",
])
NAMES = st.sampled_from(["app.py", "compose.yaml", "compose.override.yaml", "Dockerfile", "requirements.txt", ".env", "start.sh",
                         "gunicorn.conf.py", "poetry.lock", "config/agents.yaml", ".gitignore"])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(files=st.dictionaries(NAMES, st.lists(FRAGMENTS | st.binary(max_size=8), max_size=40).map(b"".join), max_size=5))
def test_any_bytes(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Through the library, which has no net below it: no exception may leave."""
    root = tmp_path_factory.mktemp("any")
    for name, content in {**{k: v.encode() for k, v in GOOD.items()}, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    report = examine(root)
    assert [memory for memory in report.project.memories if memory.at.path == "good/app.py"]
    assert not [gap for gap in report.gaps if gap.kind == "crash"]


def test_link_loops(doctor: Callable[..., Any], tree: Callable[..., Path], tmp_path: Path) -> None:
    """Links that go round, dangle, or leave the root. What lies outside is not looked at."""
    root = tree(GOOD)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("from crewai import Crew\nCrew(memory=True)\n", encoding="utf-8")
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "good" / "up").symlink_to("..", target_is_directory=True)
    (root / "self.py").symlink_to("self.py")
    (root / "dangling.py").symlink_to("nowhere.py")
    (root / "away").symlink_to(outside, target_is_directory=True)
    (root / "away.py").symlink_to(outside / "secret.py")
    (root / "compose.yaml").symlink_to(outside / "secret.py")
    outcome = doctor("scan", ".", "--format", "json", cwd=root)
    assert_civil(outcome)
    assert [memory["path"] for memory in outcome.report["memories"]] == ["good/app.py"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_things_that_are_no_files(doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    """Opening a pipe would wait for ever."""
    root = tree(GOOD)
    for name in ("pipe.py", "compose.yaml", "Dockerfile", "pyproject.toml", ".gitignore"):
        os.mkfifo(root / name)
    outcome = doctor("scan", ".", "--format", "json", cwd=root, timeout=20)
    assert_civil(outcome)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_folder(doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    root = tree({**GOOD, "closed/app.py": "import crewai\n", "shut.py": "import crewai\n"})
    (root / "closed").chmod(0)
    (root / "shut.py").chmod(0)
    try:
        outcome = doctor("scan", ".", "--format", "json", cwd=root)
        strict = doctor("scan", ".", "--format", "json", "--strict", cwd=root)
    finally:
        (root / "closed").chmod(stat.S_IRWXU)
    assert_civil(outcome)
    assert {"closed", "shut.py"} <= {gap["path"].rstrip("/") for gap in outcome.report["not_seen"]}
    assert strict.status == 2
