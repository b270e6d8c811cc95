"""What the reader of this room says of itself: a row of docs/deployments.md."""

from __future__ import annotations

from crewmem_doctor.facts.platforms.base import Dialect

DIALECT = Dialect(
    "Docker Compose",
    "compose.yaml, docker-compose.yml and their overrides, Swarm stacks",
    "services, profiles, merging, include and `extends`, env_file and interpolation, volumes and bind mounts, tmpfs, "
    "replicas, user, command and entrypoint",
    "request, worker, restart, redeploy, replica, node",
    "variables of the calling shell, env files that are not in the tree, a Dockerfile written inside the file",
)
