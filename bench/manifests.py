"""Build a tree of generated manifests around one CrewAI service, and measure a scan of it in CPU seconds.

    python bench/manifests.py DIR [--count 1000] [--rounds 5]

The files are what a platform team keeps: a Deployment, Service, ConfigMap, claim or Ingress each, and among
them one deployment that runs the crew. The goal is 1.5 s for 1,000 files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

SERVICE = Path(__file__).resolve().parent.parent / "fixtures" / "deployments" / "kubernetes" / "broken"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: team-{team}
  labels: {{app: {name}, team: team-{team}}}
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      securityContext: {{runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001}}
      containers:
        - name: {name}
          image: registry.example.org/{name}:1.{number}
          args: ["--port", "8080"]
          ports:
            - containerPort: 8080
          envFrom:
            - configMapRef: {{name: {name}}}
          env:
            - name: LOG_LEVEL
              value: info
            - name: TOKEN
              valueFrom:
                secretKeyRef: {{name: {name}, key: token}}
          resources:
            requests: {{cpu: 100m, memory: 128Mi}}
            limits: {{memory: 256Mi}}
          readinessProbe:
            httpGet: {{path: /healthz, port: 8080}}
          volumeMounts:
            - name: data
              mountPath: /data
      volumes:
        - name: data
          persistentVolumeClaim: {{claimName: {name}}}
"""
OTHERS = (
    """\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: team-{team}}}
spec:
  selector: {{app: {name}}}
  ports:
    - port: 80
      targetPort: 8080
""",
    """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: team-{team}}}
data:
  DATABASE_HOST: db.team-{team}.svc
  FEATURES: a,b,c
""",
    """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}, namespace: team-{team}}}
spec:
  accessModes: [ReadWriteOnce]
  resources: {{requests: {{storage: 1Gi}}}}
""",
    """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, namespace: team-{team}}}
spec:
  rules:
    - host: {name}.example.org
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {{service: {{name: {name}, port: {{number: 80}}}}}}
""",
)


def build(target: Path, count: int) -> None:
    """The crew's own project with `count` manifests of other services beside it."""
    shutil.copytree(SERVICE, target, dirs_exist_ok=True)
    for number in range(count):
        team, name = number // 5 % 20, f"app-{number // 5}"
        kind = ("deployment", "service", "config", "claim", "ingress")[number % 5]
        text = DEPLOYMENT if kind == "deployment" else OTHERS[number % 5 - 1]
        path = target / "clusters" / f"team-{team}" / name / f"{kind}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(name=name, team=team, number=number, replicas=1 + number % 3),
                        encoding="utf-8")


def scan(target: Path) -> float:
    """CPU seconds of one scan, user and system."""
    command = [sys.executable, "-m", "crewmem_doctor", "scan", str(target), "--format", "json"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"the scan ended with status {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    target = options.directory.resolve() / "manifests"
    build(target, options.count)
    scan(target)                       # warms the page cache and the .pyc files
    taken = [scan(target) for _ in range(options.rounds)]
    print(f"{options.count} manifests: {statistics.median(taken):.2f} s CPU (median of {options.rounds}, goal 1.5)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
