"""What is taken out of texts, and what is left alone."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewmem_doctor.redact import hidden, redact


@pytest.mark.parametrize(("text", "shown"), [
    ("redis://u:p@h:6379/0", "redis://h:6379/0"),
    ("redis://:p@ss/w@host:6379/0?x=1 and", "redis://host:6379/0 and"),
    ("postgresql://u:p@db/app", "postgresql://db/app"),
    ("https://api.example.com/v1?key=abc", "https://api.example.com/v1"),
    ("REDIS_URL=redis://user:${PASS}@h:1/0", "REDIS_URL=redis://h:1/0"),
    ('f"redis://{user}:{pw}@{host}:6379"', 'f"redis://{host}:6379"'),
    ("mongodb+srv://u:p%40@h/db?w=1", "mongodb+srv://h/db"),
    ("in /app/postgresql:/crew:hunter2@db/memory", "in /app/postgresql:/db/memory"),
    ("in /app/redis:/:hunter2@redis:6379/0", "in /app/redis:/redis:6379/0"),
    ("OPENAI_API_KEY=sk-proj-abcdefghijkl", "OPENAI_API_KEY=***"),
    ("POSTGRES_PASSWORD: hunter2", "POSTGRES_PASSWORD: ***"),
    ("DB_PASSWORD=ab/cd.ef", "DB_PASSWORD=***"),
    ('os.environ["OPENAI_API_KEY"] = "abc123"', 'os.environ["OPENAI_API_KEY"] = "***"'),
    ("host=db password=abcde port=1", "host=db password=*** port=1"),
    ("redis-server --requirepass s3cr3t", "redis-server --requirepass ***"),
    ('["redis-server", "--requirepass", "s3cr3t"]', '["redis-server", "--requirepass", "***"]'),
    ("Authorization: Bearer abcdefgh1234", "Authorization: Bearer ***"),
    ("key m0-abcdefghijklmnopqrst", "key ***"),
])
def test_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert redact(shown) == shown


@pytest.mark.parametrize("text", [
    "https://h/@me", "http://[::1]:80/x", "api_key: str", "password: ${DB}", "token = get_token()", "max_tokens: 4096",
    "password=os.getenv('X')", "SECRET_KEY = os.environ['X']", "the api_key: missing in service", "sk-learn",
    "risk-assessment-of-things", "the token: see below", "api_key=settings.openai.key", "no secret here",
])
def test_left_alone(text: str) -> None:
    assert redact(text) == text


@given(st.text())
def test_spans_are_in_order_and_apart(text: str) -> None:
    spans = hidden(text)
    assert all(0 <= start < end <= len(text) for start, end, _ in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
