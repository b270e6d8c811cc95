"""What a platform's own files can say about a disk, and what is to be done where they can say nothing."""

from __future__ import annotations

from collections.abc import Iterable

from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._shared import in_a_server

# Clauses that a person reads behind "not made, since": where something else than a file gives the disk, and where nothing does.
BY_HAND = {
    "railway": "Railway's volumes are made in its dashboard, not in a file: attach one at /data and set CREWAI_STORAGE_DIR=/data there",
    "huggingface": "persistent storage is bought in the settings of the Space: then set CREWAI_STORAGE_DIR=/data there",
    "modal": "a modal.Volume is mounted in Python and committed after each run; mount one at /data and set CREWAI_STORAGE_DIR=/data",
    "nixpacks": "nixpacks.toml says how the image is built, not where it runs: mount a disk at /data where it is deployed, and set "
                "CREWAI_STORAGE_DIR=/data",
    "dockerfile": "an image cannot bring a disk, and its VOLUME is a new one for each container: where it is run, use "
                  "docker run -e CREWAI_STORAGE_DIR=/data -v crew-memory:/data",
    "make": "a Makefile's docker run takes the disk: add -e CREWAI_STORAGE_DIR=/data -v crew-memory:/data there",
}
NO_DISK = {
    "procfile": "a dyno has no disk that outlives its daily restart",
    "vercel": "a function on Vercel has no disk but its own /tmp",
    "netlify": "a function on Netlify has no disk but its own /tmp",
    "lambda": "a function on Lambda has no disk but its own /tmp, and EFS is a network's, where databases in files get into trouble",
    "cloudrun": "an instance on Cloud Run has no disk, and a bucket that is mounted is no file system for a database",
    "gae": "an instance on App Engine has no disk that outlives it",
    "apprunner": "a service on App Runner has no disk that outlives its instance",
    "azure": "it has no disk of its own, and Azure Files is a network's, where databases in files get into trouble",
    "digitalocean": "an app on App Platform has no disk that outlives a deploy",
    "ecs": "a task's disk ends with the task, and EFS is a network's, where databases in files get into trouble",
    "streamlit": "Streamlit's cloud gives an app no disk that outlives it",
}


def by_hand(project: Project, service: Service, memories: Iterable[Memory]) -> tuple[Change, ...]:
    """No edit of this platform's files does it, and what does."""
    if service.platform in BY_HAND:
        return (Refusal(BY_HAND[service.platform]),)
    return in_a_server(project, memories, NO_DISK.get(service.platform, "its files cannot say that a disk is mounted"))
