"""What a pod has mounted, what that outlives and who sees it."""

from __future__ import annotations

import pytest
import yaml

from .conftest import deployment, validate

MOUNT = "volumeMounts: [{name: data, mountPath: /data}]"


def claim(modes: str = "ReadWriteOnce", storage: str = "", name: str = "memory", more: str = "") -> str:
    text = (
        f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\nspec:\n  accessModes: [{modes}]\n"
        "  resources: {requests: {storage: 1Gi}}\n" + (f"  storageClassName: {storage}\n" if storage else "") + more
    )
    validate(yaml.safe_load(text))
    return text


def mounted(read, volume: str, files: dict[str, str] | None = None, container: str = MOUNT, kind: str = "Deployment"):
    spec = f"volumes: [{{name: data, {volume}}}]"
    found = read({"k8s/app.yaml": deployment(container, spec, kind=kind), **(files or {})})
    assert len(found.only.mounts) == 1
    return found.only.mounts[0]


@pytest.mark.parametrize(
    ("volume", "kind", "durable", "shared", "network"),
    [
        ("emptyDir: {}", "emptydir", False, False, ""),
        ("emptyDir: {medium: Memory, sizeLimit: 64Mi}", "emptydir", False, False, ""),
        ("hostPath: {path: /srv/data}", "hostpath", True, False, ""),
        ("hostPath: {path: /dev/shm/x}", "hostpath", False, False, ""),
        ("nfs: {server: files, path: /exports}", "nfs", True, True, "nfs"),
        ("configMap: {name: c}", "configmap", False, False, ""),
        ("secret: {secretName: s}", "secret", False, False, ""),
        ("projected: {sources: [{secret: {name: s}}]}", "secret", False, False, ""),
        ("projected: {sources: [{configMap: {name: c}}, {downwardAPI: {items: []}}]}", "configmap", False, False, ""),
        ("downwardAPI: {items: []}", "configmap", False, False, ""),
        (
            "ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {}}}}",
            "anonymous",
            False,
            False,
            "",
        ),
        ("azureFile: {secretName: s, shareName: x}", "disk", True, True, "azurefile"),
        ("cephfs: {monitors: [m]}", "disk", True, True, "cephfs"),
        ("awsElasticBlockStore: {volumeID: v}", "disk", True, False, ""),
        ("gcePersistentDisk: {pdName: d}", "disk", True, False, ""),
        ("csi: {driver: secrets-store.csi.k8s.io, readOnly: true}", "secret", False, False, ""),
        ("csi: {driver: gcsfuse.csi.storage.gke.io, volumeAttributes: {bucketName: b}}", "disk", True, True, "gcsfuse"),
        ("csi: {driver: inline.example.com}", "anonymous", False, False, ""),
    ],
)
def test_kinds(read, volume, kind, durable, shared, network):
    mount = mounted(read, volume)
    assert (mount.kind, mount.durable, mount.shared, mount.network) == (kind, durable, shared, network)
    assert (mount.target, mount.read_only) == ("/data", kind in ("configmap", "secret"))
    assert not mount.unsure


@pytest.mark.parametrize(
    ("modes", "shared", "read_only"),
    [
        ("ReadWriteOnce", False, False),
        ("ReadWriteMany", True, False),
        ("ReadOnlyMany", True, True),
        ("ReadWriteOncePod", False, False),
        ("ReadWriteOnce, ReadWriteMany", True, False),
    ],
)
def test_access_modes(read, modes, shared, read_only):
    mount = mounted(read, "persistentVolumeClaim: {claimName: memory}", {"k8s/pvc.yaml": claim(modes)})
    assert (mount.kind, mount.source, mount.durable, mount.shared) == ("pvc", "memory", True, shared)
    assert mount.read_only is read_only


def test_a_claim_that_is_kept_elsewhere(read):
    mount = mounted(read, "persistentVolumeClaim: {claimName: memory}")
    assert (mount.kind, mount.durable, mount.shared) == ("pvc", True, False)
    assert "not in this tree" in mount.unsure


@pytest.mark.parametrize(
    ("provisioner", "network"),
    [
        ("efs.csi.aws.com", "efs"),
        ("file.csi.azure.com", "azurefile"),
        ("kubernetes.io/azure-file", "azurefile"),
        ("filestore.csi.storage.gke.io", "filestore"),
        ("rook-ceph.cephfs.csi.ceph.com", "cephfs"),
        ("cluster.local/nfs-subdir-external-provisioner", "nfs"),
        ("nfs.csi.k8s.io", "nfs"),
        ("smb.csi.k8s.io", "smb"),
        ("driver.longhorn.io", "nfs"),
        ("ebs.csi.aws.com", ""),
        ("pd.csi.storage.gke.io", ""),
        ("disk.csi.azure.com", ""),
    ],
)
def test_provisioners(read, provisioner, network):
    storage = (
        f"apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: shelf}}\nprovisioner: {provisioner}\n"
    )
    validate(yaml.safe_load(storage))
    mount = mounted(
        read,
        "persistentVolumeClaim: {claimName: memory}",
        {"k8s/pvc.yaml": claim("ReadWriteMany", "shelf"), "k8s/class.yaml": storage},
    )
    assert (mount.network, mount.shared) == (network, True)


@pytest.mark.parametrize(
    ("name", "network", "local"),
    [
        ("azurefile-csi", "azurefile", False),
        ("efs-sc", "efs", False),
        ("standard-rwx", "filestore", False),
        ("nfs-client", "nfs", False),
        ("gp3", "", False),
        ("local-path", "", True),
        ("standard", "", False),
    ],
)
def test_classes_by_their_well_known_names(read, name, network, local):
    mount = mounted(read, "persistentVolumeClaim: {claimName: memory}", {"k8s/pvc.yaml": claim("ReadWriteOnce", name)})
    assert (mount.network, mount.local) == (network, local)


def test_a_volume_of_the_tree_behind_a_claim(read):
    volume = (
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: shelf}\nspec:\n  capacity: {storage: 1Gi}\n"
        "  accessModes: [ReadWriteMany]\n  nfs: {server: files, path: /x}\n"
    )
    validate(yaml.safe_load(volume))
    mount = mounted(
        read,
        "persistentVolumeClaim: {claimName: memory}",
        {"k8s/pvc.yaml": claim("ReadWriteMany", more="  volumeName: shelf\n"), "k8s/pv.yaml": volume},
    )
    assert (mount.kind, mount.network, mount.shared) == ("nfs", "nfs", True)


def test_a_node_s_own_disk_behind_a_claim(read):
    volume = (
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}\nspec:\n  capacity: {storage: 1Gi}\n"
        "  accessModes: [ReadWriteOnce]\n  storageClassName: manual\n  hostPath: {path: /mnt/data}\n"
    )
    mount = mounted(
        read,
        "persistentVolumeClaim: {claimName: memory}",
        {"k8s/pvc.yaml": claim(storage="manual"), "k8s/pv.yaml": volume},
    )
    assert (mount.kind, mount.local, mount.shared) == ("hostpath", True, False)


def test_claims_of_each_pod(read):
    top = """
        volumeClaimTemplates:
          - metadata: {name: data}
            spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
    """
    mount = read(deployment(MOUNT, top=top, kind="StatefulSet")).only.mounts[0]
    assert (mount.kind, mount.durable, mount.shared, mount.unsure) == ("claim-template", True, False, "")


@pytest.mark.parametrize(
    ("kind", "field", "durable"),
    [
        ("Deployment", "metadata.name", False),
        ("StatefulSet", "metadata.name", True),
        ("StatefulSet", "metadata.uid", False),
    ],
)
def test_a_folder_for_each_pod(read, kind, field, durable):
    container = f"""
        env: [{{name: POD, valueFrom: {{fieldRef: {{fieldPath: {field}}}}}}}]
        volumeMounts: [{{name: data, mountPath: /data, subPathExpr: runs/$(POD)}}]
    """
    mount = mounted(read, "nfs: {server: files, path: /x}", container=container, kind=kind)
    assert (mount.shared, mount.durable, mount.sub_path) == (False, durable, "runs/$(POD)")


def test_a_folder_for_a_known_name(read):
    container = """
        env: [{name: TENANT, value: acme}]
        volumeMounts: [{name: data, mountPath: /data, subPathExpr: $(TENANT)/x}]
    """
    mount = mounted(read, "nfs: {server: files, path: /x}", container=container)
    assert (mount.shared, mount.sub_path) == (True, "acme/x")


def test_read_only(read):
    container = "volumeMounts: [{name: data, mountPath: /data/, readOnly: true, subPath: a}]"
    mount = mounted(read, "persistentVolumeClaim: {claimName: memory}", {"k8s/pvc.yaml": claim()}, container)
    assert (mount.read_only, mount.sub_path, mount.target) == (True, "a", "/data")
    assert mounted(read, "persistentVolumeClaim: {claimName: memory, readOnly: true}").read_only


def test_volumes_of_two_pods_are_two(read):
    spec = "volumes: [{name: data, emptyDir: {}}]"
    found = read({"k8s/a.yaml": deployment(MOUNT, spec, name="a"), "k8s/b.yaml": deployment(MOUNT, spec, name="b")})
    assert found["a"].mounts[0].source != found["b"].mounts[0].source


def test_a_volume_that_is_missing(read):
    mount = read(deployment(MOUNT)).only.mounts[0]
    assert mount.kind == "unknown"
    assert mount.unsure


def test_the_claim_of_the_same_namespace(read):
    files = {
        "k8s/app.yaml": deployment(
            MOUNT, "volumes: [{name: data, persistentVolumeClaim: {claimName: m}}]", namespace="b"
        )
    }
    for space, modes in (("a", "ReadWriteOnce"), ("b", "ReadWriteMany")):
        files[f"k8s/{space}-claim.yaml"] = claim(modes, name=f"m, namespace: {space}")
    assert read(files).only.mounts[0].shared
