"""Parameters of notebooks, as Papermill gives them: one cell of assignments, after the cell tagged ``parameters``."""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Mapping
from typing import Any

from gristmill_runner.notebooks.document import tags_of

DECLARED = "parameters"
INJECTED = "injected-parameters"
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_R_NAME = re.compile(r"(?:[A-Za-z]|\.(?!\d))[\w.]*", re.ASCII)
_R_WORDS = frozenset({"if", "else", "repeat", "while", "function", "for", "next", "break", "in"})
_WORDS: Mapping[str, Any] = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}


def inject(
    notebook: Any,  # noqa: ANN401 - a notebook of nbformat's, which is imported late
    *,
    language: str,
    given: Mapping[str, Any] | None,
    variables: Mapping[str, str],
) -> None:
    """Put the cell of parameters into the notebook, where there is anything to put and a place for it.

    A cell that was injected before is replaced. Without any cell tagged ``parameters`` only what was ``given`` is
    injected, at the top: a job's variables mean no change to a notebook that takes no parameters.
    """
    place = _place(notebook, INJECTED)
    declared = _place(notebook, DECLARED)
    taken = {name: value_of(text) for name, text in variables.items()} if (place, declared) != (None, None) else {}
    values = {**taken, **(given or {})}
    if not values:
        return
    cell = _cell(source(values, language=language))
    if place is not None:
        notebook["cells"][place] = cell
    else:
        notebook["cells"].insert(0 if declared is None else declared + 1, cell)


def source(values: Mapping[str, Any], *, language: str) -> str:
    """Return the assignments as code; names that the language does not know as names are left out."""
    write, is_name = (r_literal, _is_r_name) if language == "r" else (python_literal, _is_python_name)
    return "\n".join(["# Parameters", *(f"{name} = {write(value)}" for name, value in values.items() if is_name(name))])


def value_of(text: str) -> Any:  # noqa: ANN401 - any plain value
    """Return what a text stands for, as Papermill reads those of its command line: a number, a truth value, or text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def python_literal(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the value in Python's words."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{str(name)!r}: {python_literal(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(python_literal(inner) for inner in value) + "]"
    return repr(value)


def r_literal(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the value in R's words."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return _r_number(value)
    if isinstance(value, Mapping):
        return "list(" + ", ".join(f"{_r_text(str(name))} = {r_literal(inner)}" for name, inner in value.items()) + ")"
    if isinstance(value, (list, tuple)):
        return "list(" + ", ".join(r_literal(inner) for inner in value) + ")"
    return _r_text(str(value))


def _r_number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return str(value)


def _r_text(text: str) -> str:
    # R has JSON's escapes, except for the pairs that stand for characters beyond the first plane.
    return json.dumps(text.replace("\0", ""), ensure_ascii=False)


def _is_python_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _is_r_name(name: str) -> bool:
    return _R_NAME.fullmatch(name) is not None and name not in _R_WORDS


def _place(notebook: Any, tag: str) -> int | None:  # noqa: ANN401 - see inject
    found = (number for number, cell in enumerate(notebook["cells"]) if tag in tags_of(cell))
    return next(found, None)


def _cell(code: str) -> Any:  # noqa: ANN401 - see inject
    from nbformat.v4 import new_code_cell

    return new_code_cell(code, metadata={"tags": [INJECTED]})
