"""Rewrites one call: (action, text, arguments) comes pickled on stdin, (True, text) or (False, reason) goes out."""

from __future__ import annotations

import pickle
import sys

from crewmem_doctor.fixes.dialects.python.arguments import rewritten
from crewmem_doctor.fixes.refused import Refused


def main() -> None:
    task = pickle.load(sys.stdin.buffer)
    try:
        answer = True, rewritten(*task)
    except Refused as refused:
        answer = False, str(refused)
    pickle.dump(answer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
