"""`python -m crewmem_doctor`."""

import os
import sys

# `-m` puts the current folder first on the path, and that is often the tree to be scanned: none of its modules may be
# imported in place of a library's.
if not getattr(sys.flags, "safe_path", False) and sys.path and sys.path[0] in ("", os.getcwd()):
    del sys.path[0]

from crewmem_doctor.cli.main import run  # noqa: E402

run()
