"""Python text to a syntax tree, whatever the text is."""

from __future__ import annotations

import ast
import warnings

from crewmem_doctor.model.project import Gap


def parse(text: str, path: str) -> ast.Module | Gap:
    """The module, or the gap that says why this interpreter cannot parse it. Never raises and never warns: the compiler
    reports invalid escapes of scanned code as warnings of its own."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, filename=path)
    except SyntaxError as error:
        return Gap(path, error.lineno or 1, "parse", f"not Python of this interpreter: {error.msg}")
    except ValueError as error:
        return Gap(path, 1, "parse", f"not Python: {error}")
    except (RecursionError, MemoryError):
        return Gap(path, 1, "parse", "too deeply nested to parse")
