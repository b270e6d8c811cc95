"""Every reader: found by itself, described, and at peace with any text."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewmem_doctor.facts.platforms import platforms
from crewmem_doctor.facts.platforms.base import Images
from crewmem_doctor.facts.platforms.disks import DISKS
from crewmem_doctor.sources.discover import discover

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "deployments"
NAMES = {
    "procfile": "Procfile",
    "fly": "fly.toml",
    "render": "render.yaml",
    "railway": "railway.toml",
    "nixpacks": "nixpacks.toml",
    "vercel": "vercel.json",
    "netlify": "netlify.toml",
    "sam": "template.yaml",
    "serverless": "serverless.yml",
    "ecs": "task-definition.json",
    "terraform": "main.tf",
    "apprunner": "apprunner.yaml",
    "cloudrun": "cloudbuild.yaml",
    "appengine": "app.yaml",
    "azure": "main.bicep",
    "digitalocean": ".do/app.yaml",
    "huggingface": "README.md",
    "supervisord": "supervisord.conf",
    "systemd": "crew.service",
    "cron": "crontab",
    "makefile": "Makefile",
    "modal": "serve.py",
    "cdk": "cdk.json",
    "streamlit": "streamlit_app.py",
}
SAMPLES = {
    "procfile": "web: gunicorn app:app -w 4\n",
    "fly": 'app = "a"\n[mounts]\nsource="d"\ndestination="/data"\n',
    "render": "services:\n- type: web\n  runtime: python\n  startCommand: x\n  disk: {mountPath: /d}\n",
    "railway": '[deploy]\nstartCommand = "python main.py"\nnumReplicas = 2\n',
    "nixpacks": '[start]\ncmd = "python a.py"\n',
    "vercel": '{"builds": [{"src": "main.py", "use": "@vercel/python"}]}',
    "netlify": '[functions]\ndirectory = "f"\n',
    "sam": "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Handler: a.b}\n",
    "serverless": "provider: {name: aws, runtime: python3.12}\nfunctions:\n  a: {handler: a.b}\n",
    "ecs": '{"family": "a", "containerDefinitions": [{"name": "b", "mountPoints": [{"containerPath": "/d"}]}]}',
    "terraform": 'resource "aws_lambda_function" "a" {\n  handler = "a.b"\n  environment { variables = { A = 1 } }\n}',
    "apprunner": "runtime: python3\nrun: {command: python a.py, env: [{name: A, value: b}]}\n",
    "cloudrun": "steps:\n- entrypoint: gcloud\n  args: [run, deploy, a, --image, b, --max-instances=3]\n",
    "appengine": "runtime: python312\nentrypoint: gunicorn main:app\nenv_variables: {A: b}\n",
    "azure": "resource a 'Microsoft.App/containerApps@1' = {\n properties: {template: {containers: [{name: 'b'}]}}\n}",
    "digitalocean": "name: a\nservices:\n- name: b\n  run_command: python a.py\n  envs: [{key: A, value: b}]\n",
    "huggingface": "---\nsdk: gradio\napp_file: main.py\n---\n",
    "cron": "* * * * * cd /opt/a && python main.py\n",
    "supervisord": '[program:a]\ncommand=python main.py\nenvironment=A="b"\n',
    "systemd": '[Service]\nExecStart=/usr/bin/python main.py \\\n  --x\nEnvironment=A=b "C=d e"\nReadOnlyPaths=/etc\n',
    "makefile": "run:\n\tuvicorn main:app\n",
    "streamlit": "import streamlit as st\n",
    "cdk": '{"app": "python3 app.py"}',
    "modal": 'import modal\napp = modal.App("a")\n@app.function(volumes={"/d": modal.Volume()})\ndef f(): pass\n',
}


def test_every_module_is_a_platform_with_a_sample() -> None:
    assert {platform.name for platform in platforms()} == NAMES.keys() == SAMPLES.keys()


def test_each_wants_its_own_file() -> None:
    for platform in platforms():
        path = NAMES[platform.name]
        assert platform.wanted(path) or any(n in SAMPLES[platform.name].encode() for n in platform.needles), (
            platform.name
        )
        assert not platform.wanted("src/readme.py")


def test_disks_name_their_source() -> None:
    assert all(disk.page.startswith("https://") and disk.ephemeral for disk in DISKS.values())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tree")


def read_text(place: Path, name: str, text: str) -> None:
    path = place / NAMES[name]
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace")
    (place / "main.py").write_text("app = None\n")
    tree = discover(place)
    platform = next(p for p in platforms() if p.name == name)
    platform.read(tree, NAMES[name], Images(tree))
    path.unlink()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_samples_are_read_and_broken_ones_do_not_raise(name: str, place: Path) -> None:
    """Cut off anywhere, with any character taken out, and with lists for texts."""
    sample = SAMPLES[name]
    for cut in range(0, len(sample), max(1, len(sample) // 12)):
        read_text(place, name, sample[:cut])
        read_text(place, name, sample[:cut] + sample[cut + 1 :])
    for old, new in ((":", ": []\n "), ('"', "["), ("=", "= {"), ("a", "\x00"), ("\n", "\n\n\t"), ("{", "[")):
        read_text(place, name, sample.replace(old, new))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(NAMES)),
    parts=st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(
                [
                    "services:",
                    "\n",
                    "  ",
                    "- ",
                    "{",
                    "}",
                    "[",
                    "]",
                    '"',
                    "resource",
                    "AWS::",
                    "gcloud run deploy",
                    "=",
                    ":",
                    "null",
                    "1e9",
                    "name",
                    "containerDefinitions",
                    "[Service]",
                    "ExecStart=",
                    "\\\n",
                    "<<EOF\n",
                    "/*",
                    "$",
                    "web: ",
                    "#!",
                    "'''",
                ]
            ),
        ),
        max_size=25,
    ),
)
def test_any_text(name: str, parts: list[str], place: Path) -> None:
    read_text(place, name, "".join(parts).encode("utf-8", "replace").decode())


@pytest.mark.parametrize("name", [n for n in sorted(NAMES) if (FIXTURES / n).is_dir()])
def test_fixed_fixtures_leave_no_gap(name: str) -> None:
    tree = discover(FIXTURES / name / "fixed")
    platform = next(p for p in platforms() if p.name == name)
    found = [platform.read(tree, path, Images(tree)) for path in tree.files if platform.wanted(path)]
    assert not [gap for f in found for gap in f.gaps]


def test_the_page_of_deployments_is_fresh() -> None:
    spec = importlib.util.spec_from_file_location("deployments", FIXTURES.parents[1] / "tools" / "deployments.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.TARGET.read_text(encoding="utf-8") == module.page(), "run python tools/deployments.py"
