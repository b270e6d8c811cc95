"""Which deployments surely lack the embedder's key: every dialect that can give one, with what it says and what it leaves
open. A secret that may be set elsewhere is not missing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from crewmem_doctor import examine
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules.missing_setting import STORE
from crewmem_doctor.rules.no_embedder_credentials import GEMINI
from crewmem_doctor.settings import Settings

IMAGE = _trees.service(app__crew_dot_py=GEMINI)
NATIVE = {name: text for name, text in IMAGE.items() if name != "Dockerfile"}
MODAL = {name: text for name, text in NATIVE.items() if name != "app/main.py"}
COMPOSE = "services:\n  api:\n    build: .\n"
UNIT = "[Service]\nWorkingDirectory=/srv/api\nExecStart=/usr/bin/uvicorn app.main:app\n"
RENDER = (
    "services:\n  - type: web\n    name: api\n    runtime: python\n    startCommand: uvicorn app.main:app\n    envVars:\n      - {}\n"
)
DEPLOY = (
    "steps:\n- name: gcr.io/google.com/cloudsdktool/cloud-sdk\n  entrypoint: gcloud\n  args: [run, deploy, api, --source, ., {}]\n"
)
KNATIVE = (
    "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      containers:\n"
    "        - image: registry.test/api:1\n          env: [{name: KEY, value: x}]\n"
)
TASK = '{"family":"api","containerDefinitions":[{"name":"api","image":"registry.test/api:1",%s}]}'
SERVE = (
    "import modal\nfrom app.crew import build_crew\napp = modal.App('a')\n\n@app.function(%s)\ndef run(topic: str):\n"
    "    return build_crew(topic).kickoff()\n"
)
DIGITALOCEAN = "name: api\nservices:\n  - name: web\n    dockerfile_path: Dockerfile\n    envs:\n      - {key: LOG, value: x}\n"
SAM = """AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::Serverless::Function
    Properties: {Handler: app.main.handler, Runtime: python3.12, CodeUri: ., Environment: {Variables: {KEY: x}}}
"""
HANDLER = "from app.crew import build_crew\n\n\ndef handler(event, context):\n    return str(build_crew(event['topic']).kickoff())\n"


def pod(env: str = "", more: str = "") -> str:
    return f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      containers:
        - name: api
          image: registry.test/api:1
{env}
{more}"""


def docker(line: str) -> str:
    return _trees.DOCKERFILE.replace("WORKDIR", f"{line}\nWORKDIR")


def thing(kind: str, data: str) -> str:
    return f"---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: keys}}\n{data}\n"


FROM_SECRET = "          envFrom:\n            - secretRef: {name: keys}"
MISSING: Mapping[str, Mapping[str, str]] = {
    "compose, no environment": {**IMAGE, "compose.yaml": COMPOSE},
    "compose, another provider's key": {**IMAGE, "compose.yaml": COMPOSE + "    environment: {GEMINI_API_KEY: x}\n"},
    "compose, a default of nothing": {**IMAGE, "compose.yaml": COMPOSE + "    environment:\n      OPENAI_API_KEY: ${OPENAI_API_KEY:-}\n"},
    "compose, an env_file of the tree without it": {**IMAGE, "compose.yaml": COMPOSE + "    env_file: api.env\n", "api.env": "LOG=x\n"},
    "compose, a secret that names something else": {
        **IMAGE, "compose.yaml": COMPOSE + "    secrets: [db_password]\nsecrets: {db_password: {file: ./p}}\n"},
    "kubernetes, no env": {**IMAGE, "k8s/api.yaml": pod()},
    "kubernetes, a secret of the tree without it": {
        **IMAGE, "k8s/api.yaml": pod(FROM_SECRET, thing("Secret", "stringData: {GEMINI_API_KEY: x}"))},
    "kubernetes, a config map of the tree without it": {
        **IMAGE, "k8s/api.yaml": pod(FROM_SECRET.replace("secretRef", "configMapRef"), thing("ConfigMap", "data: {LOG: x}"))},
    "App Engine": {**NATIVE, "app.yaml": "runtime: python312\nentrypoint: uvicorn app.main:app\nenv_variables: {KEY: x}\n"},
    "Knative": {**IMAGE, "service.yaml": KNATIVE},
    "Cloud Run, all variables and secrets replaced": {
        **IMAGE, "cloudbuild.yaml": DEPLOY.format("--set-env-vars, KEY=x, '--set-secrets=TOKEN=token:latest'")},
    "ECS": {**IMAGE, "task-definition.json": TASK % '"environment":[{"name":"KEY","value":"x"}]'},
    "Lambda": {**NATIVE, "app/main.py": HANDLER, "template.yaml": SAM},
    "Modal, no secrets": {**MODAL, "serve.py": SERVE % ""},
}
GIVEN_OR_OPEN: Mapping[str, Mapping[str, str]] = {
    "compose, a value": {**IMAGE, "compose.yaml": COMPOSE + "    environment: {OPENAI_API_KEY: x}\n"},
    "compose, from the shell": {**IMAGE, "compose.yaml": COMPOSE + "    environment: [OPENAI_API_KEY]\n"},
    "compose, interpolated": {**IMAGE, "compose.yaml": COMPOSE + "    environment:\n      OPENAI_API_KEY: ${OPENAI_API_KEY}\n"},
    "compose, an env_file of the tree": {**IMAGE, "compose.yaml": COMPOSE + "    env_file: api.env\n", "api.env": "OPENAI_API_KEY=x\n"},
    "compose, an env_file elsewhere": {**IMAGE, "compose.yaml": COMPOSE + "    env_file: .env\n"},
    "compose, a secret of that name": {
        **IMAGE, "compose.yaml": COMPOSE + "    secrets: [openai_api_key]\nsecrets: {openai_api_key: {file: ./k}}\n"},
    "compose, a secret that may be anything": {**IMAGE, "compose.yaml": COMPOSE + "    secrets: [openai]\nsecrets: {openai: {file: ./k}}\n"},
    "kubernetes, a value": {**IMAGE, "k8s/api.yaml": pod("          env:\n            - {name: OPENAI_API_KEY, value: x}")},
    "kubernetes, a secret by name": {
        **IMAGE, "k8s/api.yaml": pod(
            "          env:\n            - name: OPENAI_API_KEY\n              valueFrom: {secretKeyRef: {name: keys, key: openai}}")},
    "kubernetes, a secret of the tree": {
        **IMAGE, "k8s/api.yaml": pod(FROM_SECRET, thing("Secret", "stringData: {OPENAI_API_KEY: x}"))},
    "kubernetes, a secret elsewhere": {**IMAGE, "k8s/api.yaml": pod(FROM_SECRET)},
    "Dockerfile alone": IMAGE,
    "Dockerfile, ENV": {**IMAGE, "Dockerfile": docker("ENV OPENAI_API_KEY=x"), "compose.yaml": COMPOSE},
    "Dockerfile, ARG into ENV": {
        **IMAGE, "Dockerfile": docker("ARG OPENAI_API_KEY\nENV OPENAI_API_KEY=$OPENAI_API_KEY"), "compose.yaml": COMPOSE},
    "Heroku": {**NATIVE, "Procfile": "web: uvicorn app.main:app\n"},
    "Render, set in the dashboard": {**NATIVE, "render.yaml": RENDER.format("{key: OPENAI_API_KEY, sync: false}")},
    "Render, others may be in the dashboard": {**NATIVE, "render.yaml": RENDER.format("{key: LOG, value: x}")},
    "Fly": {**IMAGE, "fly.toml": 'app = "api"\n[env]\nLOG = "x"\n'},
    "Railway": {**IMAGE, "railway.json": '{"deploy": {"startCommand": "uvicorn app.main:app"}}'},
    "Vercel": {**NATIVE, "api/index.py": "from app.main import app\n", "vercel.json": '{"builds": [{"src": "api/index.py", "use": "@vercel/python"}]}'},
    "DigitalOcean": {**IMAGE, ".do/app.yaml": DIGITALOCEAN},
    "Cloud Run, secrets of earlier revisions": {**IMAGE, "cloudbuild.yaml": DEPLOY.format("--set-env-vars, KEY=x")},
    "Cloud Run, a secret": {**IMAGE, "cloudbuild.yaml": DEPLOY.format("'--set-secrets=OPENAI_API_KEY=openai:latest'")},
    "ECS, a secret": {**IMAGE, "task-definition.json": TASK % '"secrets":[{"name":"OPENAI_API_KEY","valueFrom":"arn:aws:x"}]'},
    "Lambda, a secret by reference": {
        **NATIVE, "app/main.py": HANDLER, "template.yaml": SAM.replace("KEY: x", "OPENAI_API_KEY: '{{resolve:secretsmanager:keys:SecretString:openai}}'")},
    "systemd, drop-ins": {**NATIVE, "api.service": UNIT + "Environment=KEY=x\n"},
    "systemd, an EnvironmentFile elsewhere": {**NATIVE, "api.service": UNIT + "EnvironmentFile=/etc/api.env\n"},
    "Modal, secrets": {**MODAL, "serve.py": SERVE % 'secrets=[modal.Secret.from_name("openai")]'},
    "the code loads a .env": {
        **IMAGE, "compose.yaml": COMPOSE, "app/main.py": "from dotenv import load_dotenv\n\nload_dotenv()\n" + _trees.API},
    "the code fetches it": {
        **IMAGE, "compose.yaml": COMPOSE, "app/main.py": "import os\n\nfrom vault import read\n\n"
        "for name, value in read('crew').items():\n    os.environ[name] = value\n" + _trees.API},
}


def found(files: Mapping[str, str], root: Path, rule: str) -> list[str]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [f.severity for f in examine(root, Settings()).findings if f.rule == rule]


@pytest.mark.parametrize("files", MISSING.values(), ids=MISSING)
def test_a_key_that_is_given_nowhere(files: Mapping[str, str], tmp_path: Path) -> None:
    assert found(files, tmp_path, "CM504") == ["error"]


@pytest.mark.parametrize("files", GIVEN_OR_OPEN.values(), ids=GIVEN_OR_OPEN)
def test_a_key_that_is_given_or_may_be(files: Mapping[str, str], tmp_path: Path) -> None:
    assert found(files, tmp_path, "CM504") == []


def reading(files: Mapping[str, str]) -> dict[str, str]:
    """The same deployment of a memory that reads where it lies from MEMORY_DIR."""
    out = {name: text.replace("OPENAI_API_KEY", "MEMORY_DIR").replace("openai_api_key", "memory_dir") for name, text in files.items()}
    return {**out, "app/crew.py": STORE}


@pytest.mark.parametrize("files", MISSING.values(), ids=MISSING)
def test_a_setting_that_is_given_nowhere(files: Mapping[str, str], tmp_path: Path) -> None:
    assert found(reading(files), tmp_path, "CM503") == ["error"]


@pytest.mark.parametrize("files", GIVEN_OR_OPEN.values(), ids=GIVEN_OR_OPEN)
def test_a_setting_that_is_given_or_may_be(files: Mapping[str, str], tmp_path: Path) -> None:
    assert found(reading(files), tmp_path, "CM503") == []
