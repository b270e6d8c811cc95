"""What a worker does with files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OWN = "crewmem_probe"


def remove(job: Mapping[str, Any]) -> dict[str, Any]:
    """Removes `paths`, files or folders, and answers which are left.

    Raises ValueError for a path whose last part does not say that it is a probe's own.
    """
    paths = [Path(path) for path in job["paths"]]
    for path in paths:
        if not path.name.lstrip(".").startswith(OWN):
            raise ValueError(f"{path} is not a probe's own")
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return {"left": [str(path) for path in paths if path.exists() or path.is_symlink()]}
