"""Build the benchmark's trees: about 10,000 Python files (70 MB) around one CrewAI service, and a 60-file project.

    python bench/build_tree.py DIR

The packages of packages.txt are downloaded once (DIR/wheels) and unpacked below DIR/mono/packages; nothing is installed
or run. Directories that linters leave out by default get another name, so that every tool sees every file.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVICE = HERE.parent / "fixtures" / "deployments" / "api-and-worker" / "broken"
RENAMED = {"test": "checks", "tests": "checks", "testing": "checking", "examples": "samples", "build": "building",
           "dist": "disting", "crewai_tools": "agent_tools"}
SMALL_PACKAGE = "celery"
SMALL_FILES = 60


def download(wheels: Path) -> None:
    wheels.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:",
               "--platform", "any", "--implementation", "py", "--abi", "none", "--python-version", "3.12",
               "--require-hashes", "-d", str(wheels), "-r", str(HERE / "packages.txt")]
    subprocess.run(command, check=True)


def unpack(wheel: Path, target: Path) -> None:
    """Only the Python files: what is compared is how fast tools read code."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in sorted(archive.namelist()):
            if entry.endswith(".py") and ".dist-info/" not in entry:
                parts = [RENAMED.get(part, part) for part in entry.split("/")]
                path = target.joinpath(*parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(entry))


def build_mono(root: Path, wheels: Path) -> None:
    packages = root / "packages"
    for wheel in sorted(wheels.glob("*.whl")):
        unpack(wheel, packages / wheel.name.split("-")[0])
    add_service(root)


def build_small(root: Path, wheels: Path) -> None:
    """The service and enough ordinary files beside it to make 60."""
    add_service(root)
    wheel = next(wheels.glob(f"{SMALL_PACKAGE}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".py"))
        missing = SMALL_FILES - sum(1 for _ in root.rglob("*.py"))
        for name in names[:missing]:
            path = root / "library" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))


def add_service(root: Path) -> None:
    shutil.copytree(SERVICE, root, dirs_exist_ok=True)


def describe(root: Path) -> str:
    files = [path for path in root.rglob("*.py") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    mentions = sum(b"crewai" in path.read_bytes() for path in files)
    return f"{root.name}: {len(files)} Python files, {size / 1e6:.1f} MB, {mentions} mention crewai"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    base = parser.parse_args().directory
    download(base / "wheels")
    for name, build in (("mono", build_mono), ("small", build_small)):
        root = base / name
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        build(root, base / "wheels")
        print(describe(root))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
