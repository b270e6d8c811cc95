"""What mem0's own releases do to their store."""

from __future__ import annotations

from crewmem_doctor.model.release import Version

# 0.1.100, 1.0.0, 1.0.7 mem0/vector_stores/qdrant.py: `if not on_disk: … shutil.rmtree(path)`; gone in 1.0.8.
FIXED = Version(1, 0, 8)


def empties_local_qdrant(version: Version) -> bool:
    """Whether opening the embedded Qdrant without `on_disk` deletes its directory."""
    return version < FIXED
