"""Code in Python that users send: whether it can be read at all, as far as this server's Python can tell."""

from __future__ import annotations

import ast
import sys


def fault_of(source: bytes, *, python: str) -> str | None:
    """Return what keeps the source from being Python, None where nothing does; ``python`` is what is to run it.

    Code for a newer Python than this server's may use what this one cannot read.
    """
    try:
        ast.parse(source, filename="code.py")
    except SyntaxError as error:
        if _is_newer(python):
            return None
        where = f"line {error.lineno}" if error.lineno else "the code"
        return f"{where}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or "it is nested too deeply"
    return None


def _is_newer(python: str) -> bool:
    numbers = tuple(int(part) for part in python.split(".")[:2] if part.isdecimal())
    return len(numbers) == 2 and numbers > sys.version_info[:2]
