"""What the reader of this room says of itself: a row of docs/deployments.md."""

from __future__ import annotations

from crewmem_doctor.facts.platforms.base import Dialect

DIALECT = Dialect(
    "Dockerfile",
    "Dockerfile, Containerfile (alone where nothing else builds from it)",
    "stages, ENV, ARG, WORKDIR, USER and its home, COPY, VOLUME, ENTRYPOINT, CMD and scripts; the command lines of "
    "gunicorn, uvicorn, hypercorn, granian, uWSGI, Celery, RQ, Dramatiq, arq and their configuration files",
    "request, worker, restart, redeploy, replica, node",
    "what the base image sets, unless it is well known; how the image is run",
)
