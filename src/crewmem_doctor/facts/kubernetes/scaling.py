"""How many pods there may be: the workload's own setting, raised by autoscalers."""

from __future__ import annotations

from crewmem_doctor.facts.kubernetes.nodes import number, scalar, text
from crewmem_doctor.facts.kubernetes.things import Bundle, Thing
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping

_KEDA_MAXIMUM = 100  # what a ScaledObject without maxReplicaCount may reach
_MAX_SCALE = ("autoscaling.knative.dev/maxScale", "autoscaling.knative.dev/max-scale")
Count = tuple[Answer[int], "Location | None"]


def replicas_of(thing: Thing, template: Mapping, bundle: Bundle) -> tuple[Answer[int], Location | None, bool]:
    """How many pods may run at once, the setting that says so, and whether it is a maximum that load decides on."""
    own = found = _own(thing, template)
    for scaler in [scaler for name in thing.names for scaler in bundle.shelf.scalers.get(name, ())]:
        if _scales(scaler, thing):
            found = _higher(found, _maximum(scaler))
    return (*found, found is not own or thing.knative or thing.kind == "ScaledJob")


def _own(thing: Thing, template: Mapping) -> Count:
    if thing.kind == "DaemonSet":
        at = scalar(thing.node, "kind")
        return Unknown("one pod on each node", at.at if at else thing.at), at.at if at else thing.at
    if thing.knative:
        return _instances(thing, template)
    path = {
        "Job": ("spec", "parallelism"),
        "CronJob": ("spec", "jobTemplate", "spec", "parallelism"),
        "ScaledJob": ("spec", "maxReplicaCount"),
        "Pod": ("none",),
    }.get(thing.kind, ("spec", "replicas"))
    if thing.cloud_run and thing.kind == "Job":
        path = ("spec", "template", "spec", "parallelism")
    node = scalar(thing.node, *path)
    given = number(node)
    if given is not None and node is not None:
        return given, node.at
    if thing.kind == "ScaledJob":
        return Known(_KEDA_MAXIMUM, None, "medium"), None
    return Known(1), None


def _instances(thing: Thing, template: Mapping) -> Count:
    """Cloud Run and Knative start as many instances as requests need, up to a maximum."""
    for holder in (template, thing.node):
        for name in _MAX_SCALE:
            node = scalar(holder, "metadata", "annotations", name)
            given = number(node)
            if node is not None and given is not None and given != Known(0, node.at):
                return given, node.at
    return Unknown("requests decide how many instances there are"), None


def _scales(scaler: Thing, thing: Thing) -> bool:
    kind = text(scaler.node, "spec", "scaleTargetRef", "kind") or "Deployment"
    here = not scaler.namespace or not thing.namespace or scaler.namespace == thing.namespace
    return kind == thing.kind and here


def _maximum(scaler: Thing) -> Count:
    keda = scaler.kind == "ScaledObject"
    node = scalar(scaler.node, "spec", "maxReplicaCount" if keda else "maxReplicas")
    given = number(node)
    if given is not None and node is not None:
        return given, node.at
    return (
        Known(_KEDA_MAXIMUM, scaler.at, "medium") if keda else Unknown("the autoscaler's maximum is not known")
    ), scaler.at


def _higher(own: Count, maximum: Count) -> Count:
    """A maximum that is known raises; one that is not makes a single pod uncertain."""
    most, count = maximum[0], own[0]
    if isinstance(most, Unknown):
        return own if isinstance(count, Known) and count.value > 1 else maximum
    if isinstance(count, Known) and count.value >= most.value:
        return own
    return own if isinstance(count, Unknown) and most.value <= 1 else maximum
