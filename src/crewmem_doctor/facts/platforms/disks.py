"""What platforms say of the disk under a service: data, with the page that says it."""

from __future__ import annotations

from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Disk:
    """`ephemeral` is a phrase about the file system that every instance gets. `durable` is what outlives it, as the
    platform calls it; empty where there is nothing. `page` documents both."""

    ephemeral: str
    durable: str
    page: str


DISKS: dict[str, Disk] = {
    "procfile": Disk(
        "a dyno's file system is thrown away whenever it restarts, at least once a day",
        "",
        "https://devcenter.heroku.com/articles/dynos#ephemeral-filesystem",
    ),
    "fly": Disk(
        "a Machine's root file system starts afresh at every restart and deploy",
        "a volume under [mounts]",
        "https://fly.io/docs/volumes/overview/",
    ),
    "render": Disk(
        "without a disk, a service's files are lost whenever it restarts or is deployed",
        "a persistent disk under `disk`",
        "https://render.com/docs/disks",
    ),
    "railway": Disk(
        "a deployment's files are gone when the next one replaces it",
        "a volume, attached in the dashboard",
        "https://docs.railway.com/reference/volumes",
    ),
    "vercel": Disk(
        "a function's file system is read-only but for /tmp, which goes with its instance",
        "",
        "https://vercel.com/docs/functions/runtimes#file-system-support",
    ),
    "lambda": Disk(
        "a function's file system is read-only but for /tmp, which goes with its execution environment",
        "EFS under FileSystemConfigs",
        "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html",
    ),
    "ecs": Disk(
        "a task's storage is deleted when the task stops",
        "an EFS volume",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_data_volumes.html",
    ),
    "apprunner": Disk(
        "App Runner keeps no file beyond the instance that wrote it",
        "",
        "https://docs.aws.amazon.com/apprunner/latest/dg/develop.html",
    ),
    "cloudrun": Disk(
        "an instance's file system is memory, and is gone when the instance stops",
        "an NFS share or a Cloud Storage bucket, mounted as a volume",
        "https://cloud.google.com/run/docs/container-contract#filesystem",
    ),
    "gae": Disk(
        "an instance's disk is read-only but for /tmp, which is memory and goes with the instance",
        "",
        "https://cloud.google.com/appengine/docs/standard/using-temp-files",
    ),
    "gae-flex": Disk(
        "an instance's disk starts anew whenever the instance restarts, at least once a week",
        "",
        "https://cloud.google.com/appengine/docs/flexible/python/using-local-files",
    ),
    "azure": Disk(
        "a container's own file system is gone when the replica stops",
        "an Azure Files share, mounted as a volume",
        "https://learn.microsoft.com/azure/container-apps/storage-mounts",
    ),
    "azure-functions": Disk(
        "a function app's local files go with the instance",
        "an Azure Files share",
        "https://learn.microsoft.com/azure/azure-functions/storage-considerations",
    ),
    "digitalocean": Disk(
        "a component's file system is thrown away at every deploy and restart",
        "",
        "https://docs.digitalocean.com/products/app-platform/how-to/store-data/",
    ),
    "modal": Disk(
        "a container's file system ends with the container",
        "a modal.Volume under `volumes`",
        "https://modal.com/docs/guide/volumes",
    ),
    "huggingface": Disk(
        "a Space's disk is emptied whenever it restarts",
        "persistent storage at /data, a paid option",
        "https://huggingface.co/docs/hub/spaces-storage",
    ),
    "streamlit": Disk(
        "Community Cloud does not guarantee that local files stay",
        "",
        "https://docs.streamlit.io/develop/tutorials/databases",
    ),
}
