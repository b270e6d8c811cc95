from __future__ import annotations

import pytest

from crewmem_doctor.model.known import Known, Unknown


def value(read, text: str, files: dict[str, str] | None = None, name: str = "KEY"):
    found = read({"compose.yml": f"services:\n  api:\n    image: a\n{text}", **(files or {})})["api"].environment
    setting = found.get(name)
    if setting is None:
        return None
    return setting.value.value if isinstance(setting.value, Known) else setting.value


@pytest.mark.parametrize(("text", "expected"), [
    ("    environment: {KEY: x}\n", "x"), ("    environment: [KEY=x]\n", "x"),
    ("    environment: ['KEY=a=b c']\n", "a=b c"),
    ("    environment:\n      - KEY: x\n", "x"), ("    environment: {KEY: ''}\n", ""),
    ("    environment: [KEY=]\n", ""),
    ("    environment: {KEY: 08}\n", "08"), ("    environment: {KEY: true}\n", "true"),
    ("    environment: {KEY: '${X:-d}'}\n", "d"), ("    environment: [KEY=$$X]\n", "$X"),
    ("    environment: [KEY=a, KEY=b]\n", "b"), ("    environment: {OTHER: x}\n", None), ("    environment:\n", None),
    ("    environment: text\n", None),
])
def test_what_is_set(read, text: str, expected: str | None):
    assert value(read, text) == expected


@pytest.mark.parametrize("text", [
    "    environment: {KEY: }\n", "    environment: [KEY]\n", "    environment: {KEY: '${X}'}\n",
    "    environment: {KEY: 'redis://:${PASS}@h'}\n", "    environment: {KEY: '{{ .Values.x }}'}\n",
])
def test_what_comes_from_elsewhere(read, text: str):
    assert isinstance(value(read, text), Unknown)


def test_places(read):
    text = "services:\n  api:\n    image: a\n    environment:\n      A: one\n      B:\n"
    found = read({"compose.yml": text})["api"].environment
    a, b = found.get("A").at, found.get("B").at
    assert (a.line, a.column, a.end_line, a.end_column) == (5, 7, 5, 13)
    assert (b.line, b.column) == (6, 7)


def test_the_committed_dotenv_fills_in(read):
    files = {".env": "X=1\nKEY=own\nHOST=h\nURL=http://${HOST}/\n", ".env.example": "Y=2\n"}
    assert value(read, "    environment: {KEY: $X}\n", files) == "1"
    assert value(read, "    environment: [KEY]\n", files) == "own"
    assert value(read, "    environment: {KEY: '${X:-9}'}\n", files) == "1"
    assert value(read, "    environment: {KEY: $URL}\n", files) == "http://h/"
    assert isinstance(value(read, "    environment: {KEY: $Y}\n", files), Unknown)
    assert value(read, "", files) is None       # it fills in, but is not the container's environment


class TestEnvFiles:
    def test_forms_and_order(self, read):
        files = {"a.env": "KEY=a\nA=1\n", "b.env": "KEY=b\n"}
        assert value(read, "    env_file: a.env\n", files) == "a"
        assert value(read, "    env_file: [a.env, b.env]\n", files) == "b"
        assert value(read, "    env_file: [{path: b.env, required: false}, ./a.env]\n", files) == "a"
        assert value(read, "    env_file: a.env\n    environment: {KEY: own}\n", files) == "own"
        assert value(read, "    env_file: '${E:-a}.env'\n", files) == "a"

    def test_places(self, read):
        found = read({"compose.yml": "services: {api: {image: a, env_file: a.env}}", "a.env": "\nKEY=a\n"})["api"]
        assert str(found.environment.get("KEY").at) == "a.env:2"

    @pytest.mark.parametrize("text", [
        "    env_file: .env\n", "    env_file: [{path: x.env, required: false}]\n", "    env_file: $FILE\n",
        "    env_file: ../../secret.env\n", "    env_file: [{required: false}, no.env]\n",
    ])
    def test_missing_ones_leave_the_environment_open(self, read, text: str):
        found = read({"compose.yml": f"services:\n  api:\n    image: a\n{text}"})["api"].environment
        assert any("env_file" in why for why in found.open)
        assert isinstance(found.lookup("ANYTHING"), Unknown)

    def test_interpolation_inside(self, read):
        files = {"a.env": "HOST=h\nKEY=http://$HOST:${PORT:-80}\nRAW='$HOST'\nBARE\n", ".env": "BARE=b\n"}
        assert value(read, "    env_file: a.env\n", files) == "http://h:80"
        assert value(read, "    env_file: a.env\n", files, "RAW") == "$HOST"
        assert value(read, "    env_file: a.env\n", files, "BARE") == "b"
        assert value(read, "    env_file: [{path: a.env, format: raw}]\n", files) == "http://$HOST:${PORT:-80}"


def test_secrets_may_set_the_variable_of_their_name(read):
    text = "    secrets: [openai-api-key]\n    environment: {DB_PASSWORD_FILE: /run/secrets/db}\n"
    assert isinstance(value(read, text, name="OPENAI_API_KEY"), Unknown)
    assert isinstance(value(read, text, name="DB_PASSWORD"), Unknown)
    assert value(read, "    secrets: [key]\n    environment: {KEY: x}\n") == "x"


def test_a_mounted_dotenv_that_is_not_committed_leaves_the_environment_open(read):
    text = "services: {api: {build: ., volumes: ['./.env:/app/.env:ro']}}"
    files = {"Dockerfile": "FROM python:3.12\n", "compose.yml": text}
    assert any("mounted" in why for why in read(files)["api"].environment.open)
    assert read({**files, ".env": "A=1\n"})["api"].environment.open == ()
