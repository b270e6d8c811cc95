"""The SQLite that base images bring, and the one that Chroma asks for when crewai is imported."""

from __future__ import annotations

import re

from crewmem_doctor.model.release import Version

NEEDED = Version(3, 35, 0)  # chromadb/__init__.py raises a RuntimeError below
# Chroma came with memory itself, through embedchain at first.
_SYSTEMS: tuple[tuple[str, Version], ...] = (
    (r"jessie|debian:8\b", Version(3, 8, 7)),
    (r"stretch|debian:9\b", Version(3, 16, 2)),
    (r"buster|debian:10\b", Version(3, 27, 2)),
    (r"bullseye|debian:11\b", Version(3, 34, 1)),
    (r"ubuntu:(?:18\.04|bionic)|bionic", Version(3, 22, 0)),
    (r"ubuntu:(?:20\.04|focal)|\bfocal", Version(3, 31, 1)),
    (r"amazonlinux:2(?!0)|centos:(?:centos)?7", Version(3, 7, 17)),
    (r"(?:centos|rockylinux|almalinux|ubi8)[:/](?:stream)?8|/ubi8\b", Version(3, 26, 0)),
    (r"alpine:?3\.(?:[0-9]|1[0-3])(?!\d)", Version(3, 34, 1)),
)
# Images whose Python brings a SQLite of its own.
_OWN = re.compile(r"conda|mamba|lambda")


def too_old(image: str) -> Version | None:
    """The SQLite of an image where it is older than Chroma accepts; None for newer ones and for images not known."""
    name = image.lower()
    if _OWN.search(name):
        return None
    return next((version for pattern, version in _SYSTEMS if re.search(pattern, name)), None)
