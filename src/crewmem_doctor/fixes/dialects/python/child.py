"""Rewrites one file: (text, change) comes pickled on stdin, (True, text) or (False, reason) goes to stdout."""

from __future__ import annotations

import pickle
import sys

from crewmem_doctor.fixes.dialects.python import rewritten
from crewmem_doctor.fixes.refused import Refused


def main() -> None:
    text, change = pickle.load(sys.stdin.buffer)
    try:
        answer = True, rewritten(text, change)
    except Refused as refused:
        answer = False, str(refused)
    pickle.dump(answer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
