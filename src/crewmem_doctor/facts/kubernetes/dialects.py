"""What the readers of this room say of themselves: rows of docs/deployments.md."""

from __future__ import annotations

from crewmem_doctor.facts.platforms.base import Dialect

_EVENTS = "restart, redeploy, replica, node"
DIALECTS = (
    Dialect(
        "Kubernetes",
        "any YAML with `apiVersion` and `kind`, also several documents and `List`",
        "Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, Pod, Argo Rollout, KEDA ScaledJob; HPA and "
        "ScaledObject; claims, persistent volumes, storage classes; ConfigMaps, the names in Secrets; env, envFrom, "
        "command, args, securityContext, init containers and sidecars",
        _EVENTS,
        "what a Secret holds, a ConfigMap or claim that is kept elsewhere, an image that no Dockerfile here makes",
    ),
    Dialect(
        "Helm",
        "`Chart.yaml`, `values.yaml`, `templates/`, charts under `charts/`",
        "templates, rendered without helm as far as the chart's own values decide: if, range, with, include, default, "
        "toYaml and the usual functions",
        _EVENTS,
        "other values files, `--set`, the cluster's capabilities, downloaded charts; the release is taken to be "
        "called like the chart",
    ),
    Dialect(
        "Kustomize",
        "`kustomization.yaml`",
        "bases, overlays and components; strategic merge and JSON 6902 patches; namespace, prefix and suffix, images, "
        "replicas; generated ConfigMaps and Secrets",
        _EVENTS,
        "remote bases, replacements, vars, generators and transformers of one's own, inflated charts",
    ),
    Dialect(
        "Cloud Run and Knative services",
        "YAML of `serving.knative.dev`, jobs of `run.googleapis.com`",
        "as Kubernetes; the maximum of instances; mounted buckets and NFS shares",
        _EVENTS,
        "how many instances there are where no maximum is set",
    ),
)
