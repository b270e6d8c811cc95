"""Everything in a tree that deploys code: Compose, Kubernetes, platforms, and Dockerfiles that nothing else uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from crewmem_doctor.facts.compose import read_compose
from crewmem_doctor.facts.dockerfile import standalone_services
from crewmem_doctor.facts.images import Images
from crewmem_doctor.facts.kubernetes import read_kubernetes
from crewmem_doctor.facts.platforms import Found, Platform, platforms
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree


def read_deployments(tree: Tree) -> tuple[tuple[Service, ...], list[Gap]]:
    """The deployed units of the tree, and what could not be read.

    Several files that describe one service are alternatives: each gives a unit of its own. A Dockerfile is a unit only
    where nothing builds from it; weak evidence (a Makefile, a Streamlit app) counts only where nothing else deploys.
    """
    images = Images(tree)
    services, found_gaps, used = read_compose(tree, images.for_reference)
    orchestrated, kubernetes_gaps, pulled = read_kubernetes(tree, images)
    services.extend(orchestrated)
    used |= pulled
    gaps = [*found_gaps, *kubernetes_gaps]
    strong = [platform for platform in platforms() if not platform.weak]
    for found in _ask(strong, tree, images):
        services.extend(found.services)
        gaps.extend(found.gaps)
        used |= found.dockerfiles
    unread = any(gap.kind in ("parse", "unreadable", "too-large") for gap in gaps)
    # What could not be read may well deploy an image that seems to be deployed by nothing.
    services.extend(replace(service, guessed=unread) for service in standalone_services(tree, used, gaps))
    if all(service.backing or service.dev for service in services):
        for found in _ask([platform for platform in platforms() if platform.weak], tree, images):
            services.extend(found.services)
            gaps.extend(found.gaps)
    return tuple(services), sorted({*gaps, *images.gaps})


def _ask(readers: Iterable[Platform], tree: Tree, images: Images) -> list[Found]:
    """What each reader finds in each file that it wants. A reader that fails leaves a gap."""
    out = []
    for platform in readers:
        paths = [path for path in tree.files if platform.wanted(path)]
        if platform.needles:
            paths.extend(tree.grep(platform.needles))
        for path in paths:
            try:
                out.append(platform.read(tree, path, images))
            except Exception as error:
                why = f"reading {platform.name}: {type(error).__name__}: {error}"
                out.append(Found((), (Gap(path, 1, "crash", why),)))
    return out
