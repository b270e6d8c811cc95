"""Makes the projects put together by hand importable as `hand_built`, whatever pytest's import mode."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
