"""Compose files in the styles that people write them in."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proof import prove

from crewmem_doctor import examine
from crewmem_doctor.rules import _trees


def mended(root: Path, compose: str | bytes, **files: str) -> tuple[str, str]:
    """The compose file after all edits, and the first refusal's reason."""
    tree = {**_trees.service(**files), "compose.yaml": compose}
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    plan = prove(root)
    text = (root / "compose.yaml").read_bytes().decode("utf-8-sig")
    return text, plan.refused[0].reason if plan.refused else ""


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


CASES = {
    "a key without a value": ("""
        services:
          api:
            build: .
            environment:     # none yet
        volumes:
        """, """
        services:
          api:
            build: .
            environment:     # none yet
              CREWAI_STORAGE_DIR: /data
            volumes:
              - crew-memory:/data
        volumes:
          crew-memory:
        """),
    "lists, four blanks, quotes": ("""
        services:
            api:
                build: .
                environment:
                - "A=1"   # first
                ports:
                - '8000:8000'

            # the end
        """, """
        services:
            api:
                build: .
                environment:
                - "A=1"   # first
                - "CREWAI_STORAGE_DIR=/data"
                ports:
                - '8000:8000'
                volumes:
                - crew-memory:/data

        volumes:
            crew-memory:

            # the end
        """),
    "flow": ("""
        services:
          api: {build: ., environment: {A: "1"}, ports: ["8000:8000"]}
        volumes: {}
        """, """
        services:
          api: {build: ., environment: {A: "1", CREWAI_STORAGE_DIR: /data}, ports: ["8000:8000"], volumes: [crew-memory:/data]}
        volumes: {crew-memory: null}
        """),
    "a block of text at the end": ("""
        services:
          api:
            build: .
            labels:
              note: |
                two
                lines

          # nothing else
        x-other: 1
        """, """
        services:
          api:
            build: .
            labels:
              note: |
                two
                lines
            environment:
              CREWAI_STORAGE_DIR: /data
            volumes:
              - crew-memory:/data

          # nothing else
        x-other: 1
        volumes:
          crew-memory:
        """),
    "the variable is there": ("""
        services:
          api:
            build: .
            environment:
              CREWAI_STORAGE_DIR: '/tmp/crewai' # for now
        """, """
        services:
          api:
            build: .
            environment:
              CREWAI_STORAGE_DIR: '/data/crewai' # for now
            volumes:
              - crew-memory:/data

        volumes:
          crew-memory:
        """),
    "one tmpfs of two": ("""
        services:
          api:
            build: .
            environment: [CREWAI_STORAGE_DIR=/cache/crewai]
            tmpfs: [/run, /cache]
        """, """
        services:
          api:
            build: .
            environment: [CREWAI_STORAGE_DIR=/cache/crewai]
            tmpfs: [/run]
            volumes:
              - crew-memory:/cache

        volumes:
          crew-memory:
        """),
    "the long form": ("""
        services:
          api:
            build: .
            environment: [CREWAI_STORAGE_DIR=/cache/crewai]
            volumes:
              - type: tmpfs
                target: /cache
        """, """
        services:
          api:
            build: .
            environment: [CREWAI_STORAGE_DIR=/cache/crewai]
            volumes:
              - type: volume
                target: /cache
                source: crew-memory

        volumes:
          crew-memory:
        """),
    "several documents' worth of comments": ("""
        # deployed by hand
        ---
        services:
          api:
            build: .   # here
            # a volume would be nice
        """, """
        # deployed by hand
        ---
        services:
          api:
            build: .   # here
            environment:
              CREWAI_STORAGE_DIR: /data
            volumes:
              - crew-memory:/data

        volumes:
          crew-memory:
            # a volume would be nice
        """),
}


@pytest.mark.parametrize("name", CASES)
def test_the_style_of_the_file_is_kept(name: str, tmp_path: Path) -> None:
    before, after = map(dedent, CASES[name])
    text, reason = mended(tmp_path, before)
    assert not reason
    assert text == after


REFUSED = {
    "a merge key brings the environment": ("""
        x-common: &common
          environment: {A: "1"}
        services:
          api:
            <<: *common
            build: .
        """, "comes from an anchor"),
    "an alias is the environment": ("""
        x-env: &env {A: "1"}
        services:
          api:
            build: .
            environment: *env
        """, "comes from an anchor"),
    "text that keeps its empty lines": ("""
        services:
          api:
            build: .
            environment:
              A: |+
                text

        """, "keeps its empty lines"),
    "an alias is the service's volumes": ("""
        x-mounts: &mounts
          - ./logs:/logs
        services:
          api:
            build: .
            environment: {CREWAI_STORAGE_DIR: /data}
            volumes: *mounts
        """, "comes from an anchor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_stands_elsewhere_is_not_edited(name: str, tmp_path: Path) -> None:
    before, reason = dedent(REFUSED[name][0]), REFUSED[name][1]
    text, why = mended(tmp_path, before)
    assert text == before
    assert reason in why


def test_a_template_is_not_edited(tmp_path: Path) -> None:
    before = dedent("""
        services:
          api:
            build: .
            environment:
              CREWAI_STORAGE_DIR: /tmp/crewai
              KEY: "{{ vault.key }}"
        """)
    text, why = mended(tmp_path, before)
    assert text == before
    assert "is a template" in why


def test_the_volume_of_the_other_service_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    """Two services keep one memory; giving the second one a volume of its own would split it."""
    text, why = mended(tmp_path, dedent("""
        services:
          api:
            build: .
            environment: {CREWAI_STORAGE_DIR: /data}
            volumes: [m:/data]
          worker:
            build: .
        volumes:
          m:
        """))
    assert "crew-memory" not in text
    assert "m:/data" in text.partition("worker:")[2] or "CM304" in why


def test_a_program_is_never_hidden_under_a_volume(tmp_path: Path) -> None:
    """The store lies in the working directory: no mount can cover it without covering the program."""
    crew = _trees.CREW.replace("memory=True", 'memory=Memory(storage="/app")').replace(
        "Crew, Task\n", "Crew, Task\nfrom crewai.memory import Memory\n")
    before = "services:\n  api:\n    build: .\n"
    text, _ = mended(tmp_path, before, app__crew_dot_py=crew)
    assert ":/app" not in text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(indent=st.sampled_from([2, 3, 4]), dash=st.booleans(), flow=st.booleans(), form=st.sampled_from(["map", "list"]),
       quote=st.sampled_from(["", "'", '"']), comment=st.booleans(), newline=st.sampled_from(["\n", "\r\n"]),
       mark=st.booleans(), end=st.booleans(), blank=st.booleans())
def test_any_formatting(tmp_path_factory: pytest.TempPathFactory, indent: int, dash: bool, flow: bool, form: str, quote: str,
                        comment: bool, newline: str, mark: bool, end: bool, blank: bool) -> None:
    pad, note = " " * indent, "  # why" if comment else ""
    item = pad * 2 + (pad if dash else "")
    if form == "map":
        entries = f" {{A: {quote}x{quote}}}{note}" if flow else f"{note}\n{pad * 3}A: {quote}x{quote}{note}"
    else:
        entries = f" [{quote}A=x{quote}]{note}" if flow else f"{note}\n{item}- {quote}A=x{quote}{note}"
    lines = (f"services:{note}\n{pad}api:{note}\n{pad * 2}build: .\n{pad * 2}environment:{entries}\n" + ("\n" if blank else "")
             + f"{pad}db:\n{pad * 2}image: postgres:16{note}")
    body = (b"\xef\xbb\xbf" if mark else b"") + (lines + ("\n" if end else "")).replace("\n", newline).encode()
    root = tmp_path_factory.mktemp("tree")
    text, reason = mended(root, body)
    assert not reason
    document = yaml.safe_load(text)
    api = document["services"]["api"]
    assert api["volumes"] == ["crew-memory:/data"]
    assert "crew-memory" in document["volumes"]
    assert api["environment"] in ({"A": "x", "CREWAI_STORAGE_DIR": "/data"}, ["A=x", "CREWAI_STORAGE_DIR=/data"])
    assert not [f for f in examine(root).findings if f.rule.startswith("CM2")]
