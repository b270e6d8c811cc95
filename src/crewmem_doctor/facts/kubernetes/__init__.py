"""Kubernetes: manifests, kustomizations and charts of a tree as services."""

from __future__ import annotations

from crewmem_doctor.facts.images import Images
from crewmem_doctor.facts.kubernetes.helm import chart_bundles
from crewmem_doctor.facts.kubernetes.kustomize import kustomized_bundles
from crewmem_doctor.facts.kubernetes.manifests import Manifests, plain_bundles
from crewmem_doctor.facts.kubernetes.pods import services_of
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree

__all__ = ["read_kubernetes"]


def read_kubernetes(tree: Tree, images: Images | None = None) -> tuple[list[Service], list[Gap], set[str]]:
    """The services of every set of objects, what could not be read, and the Dockerfiles that their images come from.

    A chart is judged with its values.yaml and as if the release had the chart's name; a kustomization that others build
    on is judged through them only. Two sets may hold a service of the same id: `Service.deployment` tells them apart.
    """
    images = images or Images(tree)
    manifests = Manifests(tree)
    charts, in_charts = chart_bundles(manifests)
    kustomized, in_overlays = kustomized_bundles(manifests, in_charts)
    taken = in_charts | in_overlays
    bundles = [*charts, *kustomized, *plain_bundles(manifests, [p for p in manifests.candidates() if p not in taken])]
    services: list[Service] = []
    for bundle in bundles:
        for thing in bundle.things:
            if thing.runs:
                services.extend(services_of(thing, bundle, tree, images))
    services.sort(key=lambda service: (service.deployment, service.at, service.id))
    used = {service.dockerfile for service in services if service.dockerfile}
    return services, sorted(set(manifests.gaps)), used
