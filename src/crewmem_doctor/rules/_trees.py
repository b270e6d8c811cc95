"""Small trees that several rules' examples share. The marks are each rule's own."""

from __future__ import annotations

CREW = '''from crewai import Agent, Crew, Task


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=True)
'''
API = '''from fastapi import FastAPI

from app.crew import build_crew

app = FastAPI()


@app.post("/chat")
def chat(topic: str):
    return build_crew(topic).kickoff()
'''
PINNED = "crewai==1.15.30\nfastapi\nuvicorn\n"
DOCKERFILE = '''FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt
CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0"]
'''


def service(compose: str = "", **files: str) -> dict[str, str]:
    """A FastAPI service with a crew that remembers, built two modules away from the route. Names in `files` replace or
    add a file; `__` stands for `/` and `_dot_` for `.`."""
    tree = {"app/__init__.py": "", "app/crew.py": CREW, "app/main.py": API, "requirements.txt": PINNED,
            "Dockerfile": DOCKERFILE}
    if compose:
        tree["compose.yaml"] = compose
    for name, text in files.items():
        tree[name.replace("__", "/").replace("_dot_", ".")] = text
    return tree


def native(procfile: str, **files: str) -> dict[str, str]:
    """The same service without an image: a platform runs it from its sources, as its Procfile says."""
    tree = service(**files)
    del tree["Dockerfile"]
    return {**tree, "Procfile": procfile}


def deployed(volume: str, at_volume: str = "", at_mount: str = "", replicas: int = 1, **files: str) -> dict[str, str]:
    """The same service on Kubernetes, with its store on a volume; `volume` says what that is. The marks go behind the
    volume's name and behind its mount's."""
    manifest = f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      containers:
        - name: api
          image: registry.test/api:1
          env:
            - {{name: CREWAI_STORAGE_DIR, value: /data}}
          volumeMounts:
            - name: memory{at_mount}
              mountPath: /data
      volumes:
        - name: memory{at_volume}
          {volume}
"""
    return {**service(**files), "k8s/api.yaml": manifest}
