"""Which Dockerfile of the tree makes an image that a deployment names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from crewmem_doctor.facts.builds import Built, builds_of
from crewmem_doctor.facts.compose.backing import backing_of
from crewmem_doctor.facts.dockerfile import Image, dockerfiles, read_dockerfile, registry_image
from crewmem_doctor.facts.dockerfile.names import is_development, shipping_stage
from crewmem_doctor.model.known import Answer
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree

# Images that people run as they are, by their last name: no Dockerfile of the tree makes them.
_FOREIGN = frozenset(
    (
        "busybox",
        "alpine",
        "debian",
        "ubuntu",
        "python",
        "node",
        "golang",
        "bash",
        "curl",
        "git",
        "alpine-git",
        "kubectl",
        "cloud-sql-proxy",
        "gce-proxy",
        "cloudsql-proxy",
        "proxyv2",
        "pilot",
        "linkerd-proxy",
        "daprd",
        "vault-k8s",
        "aws-cli",
        "vault-agent",
        "git-sync",
        "wait-for-it",
        "k8s-wait-for",
        "kube-rbac-proxy",
        "config-reloader",
        "reloader",
        "metrics-server",
        "cert-manager-controller",
        "external-secrets",
        "argocd",
        "sealed-secrets-controller",
        "hello-app",
        "flowise",
        "crawl4ai",
        "airflow",
        "metabase",
        "superset",
        "anythingllm",
        "chatwoot",
        "code-server",
        "crewai-studio",
        "dify-api",
        "dify-web",
        "docling-serve",
        "dozzle",
        "evolution-api",
        "firecrawl",
        "gotenberg",
        "langflow",
        "letta",
        "mem0-api-server",
        "postgrest",
        "sonarqube",
        "tika",
        "typebot-builder",
        "typebot-viewer",
        "unstructured-api",
        "uptime-kuma",
        "waha",
    )
)
_OWNERS = (
    "registry.k8s.io/",
    "k8s.gcr.io/",
    "gcr.io/google-containers/",
    "bitnami/",
    "docker.io/bitnami/",
    "library/",
    "docker.io/library/",
    "curlimages/",
    "istio/",
    "quay.io/prometheus/",
    "mcr.microsoft.com/",
    "public.ecr.aws/docker/",
)
# Folder names that say nothing about what is in them.
_PLAIN = frozenset(
    (
        "",
        ".",
        "docker",
        "dockerfiles",
        "deploy",
        "deployment",
        "build",
        "infra",
        "src",
        "ops",
        "container",
        "containers",
        "images",
        "image",
        "ci",
        "docker-images",
    )
)


class Images:
    """Reads each Dockerfile of the tree at most once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.gaps: list[Gap] = []
        self._read: dict[tuple[str, str | None, str], Image | None] = {}
        self._paths: tuple[str, ...] | None = None
        self._built: Mapping[str, Built] | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The Dockerfiles that ship; those for development only where there are no others."""
        if self._paths is None:
            every = dockerfiles(self.tree)
            self._paths = tuple([p for p in every if not is_development(p, "")] or every)
        return self._paths

    def read(
        self, path: str, context: str | None = None, target: str = "", args: Mapping[str, Answer[str]] | None = None
    ) -> Image | None:
        """The image of the Dockerfile at `path`; without a `target` the stage that ships."""
        if args:
            return read_dockerfile(self.tree, path, context=context, target=target or None, args=args, gaps=self.gaps)
        key = path, context, target
        if key not in self._read:
            image = read_dockerfile(self.tree, path, context=context, target=target or None, gaps=self.gaps)
            better = shipping_stage(image.stages) if image is not None and not target else ""
            if better:
                image = read_dockerfile(self.tree, path, context=context, target=better)
            self._read[key] = image
        return self._read[key]

    def for_reference(
        self, reference: str, near: str = "", names: Iterable[str] = (), *, alone: bool = True
    ) -> Image | None:
        """The image that `reference` ("ghcr.io/acme/api:1.2") most likely is; None where no Dockerfile stands out.

        What decides, in this order: a build of that name (Compose, CI, Makefile, Skaffold); the name's likeness to a
        Dockerfile's folder or suffix; being the only Dockerfile around `near` (the manifest's path), or in the tree.
        `names` are what the deployment calls the container and its workload, for a reference that is templated; without
        `alone`, being the only Dockerfile says nothing.
        """
        name = last_name(reference)
        if is_foreign(reference):
            return None
        built = self._builds.get(name) if name else None
        if built is not None:
            return self.read(built.dockerfile, built.context, built.target)
        path = self._by_name([name, *names] if not name else [name], near) or (self._alone(near) if alone else "")
        if not path and name:
            path = self._by_name([n.lower() for n in names], near)
        return self.read(path) if path else None

    def pulled(self, reference: str, at: Location) -> Image | None:
        """What is known of an image that nobody builds here ("python:3.12-slim"); None where nothing is."""
        return registry_image(self.tree, reference, at) if last_name(reference) else None

    @property
    def _builds(self) -> Mapping[str, Built]:
        if self._built is None:
            self._built = builds_of(self.tree) if self.paths else {}
        return self._built

    def _by_name(self, names: Iterable[str], near: str) -> str:
        """The Dockerfile whose folder or suffix is most like one of the names; empty where two are equally so."""
        for name in names:
            ranked = sorted(((_likeness(name, path), _shared(path, near), path) for path in self.paths), reverse=True)
            if ranked and ranked[0][0] and (len(ranked) == 1 or ranked[0][:2] > ranked[1][:2]):
                return ranked[0][2]
        return ""

    def _alone(self, near: str) -> str:
        """The only Dockerfile of the nearest folder above `near` that holds any."""
        folder = near
        while True:
            folder = folder.rpartition("/")[0]
            inside = [p for p in self.paths if not folder or p.startswith(folder + "/")]
            if inside or not folder:
                return inside[0] if len(inside) == 1 else ""


def last_name(reference: str) -> str:
    """The name of an image without registry, owner, tag and digest; empty where a template or variable makes it."""
    last = reference.strip().partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    return "" if any(c in last for c in "${}<>") else last


def is_foreign(reference: str) -> bool:
    """An image that somebody else made."""
    low = reference.strip().lower()
    return bool(backing_of(reference)) or last_name(reference) in _FOREIGN or low.startswith(_OWNERS)


def _likeness(name: str, path: str) -> int:
    """3 where the name is the Dockerfile's, 2 where it ends so ("shop-api", api/Dockerfile), 1 where it begins so."""
    words = _words(name)
    best = 0
    for label in labels_of(path):
        own = _words(label)
        if not own or not words:
            continue
        if own == words:
            return 3
        if words[-len(own) :] == own or own[-len(words) :] == words:
            best = max(best, 2)
        elif words[: len(own)] == own:
            best = max(best, 1)
    return best


def labels_of(path: str) -> tuple[str, ...]:
    """What a Dockerfile is called: its suffix, and the nearest folder whose name says anything."""
    folders = path.lower().split("/")
    file = folders.pop()
    suffix = re.sub(r"^(dockerfile|containerfile)[._-]?|[._-]?(dockerfile|containerfile)$", "", file)
    if suffix and suffix not in ("prod", "production"):
        return (suffix,)
    folder = next((f for f in reversed(folders) if f not in _PLAIN), "")
    return (folder,) if folder else ()


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]


def _shared(path: str, near: str) -> int:
    """How many folders two paths have in common."""
    count = 0
    for one, other in zip(path.split("/")[:-1], near.split("/")[:-1], strict=False):
        if one != other:
            break
        count += 1
    return count
