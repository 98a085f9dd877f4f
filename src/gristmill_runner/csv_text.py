"""Writes columns as CSV text with Arrow's compute functions.

Arrow's own CSV writer quotes every string, and here also numbers are carried as the text they came as.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

_WHOLE_NUMBER = "^-?[0-9]+$"
_SIGNS = (b'"', b",", b"\n", b"\r")
_NEEDS_QUOTES = '[",\r\n]'


def csv_lines(columns: Sequence[Any]) -> bytes:
    """Return rows as CSV lines, from text columns of one length; null is an empty cell."""
    first, *more = [quoted(column) for column in columns]
    return continued_lines(first_cells(first, alone=not more), more)


def first_cells(cells: Any, *, alone: bool = False) -> Any:  # noqa: ANN401 - pyarrow comes untyped
    """Return the cells of the first column, each with the line break before it; ``alone``: it is the only column."""
    import pyarrow.compute as pc

    if alone:
        cells = pc.if_else(pc.equal(pc.fill_null(cells, ""), ""), '""', cells)  # readers skip an empty line
    return pc.binary_join_element_wise("\n", cells, "", null_handling="replace", null_replacement="")


def continued_lines(lines: Any, columns: Sequence[Any]) -> bytes:  # noqa: ANN401
    """Return lines, each of which has its break before it, with more columns of cells behind."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(lines):
        return b""
    cells = [column.cast(pa.binary()) for column in (lines, *columns)]
    joined = pc.binary_join_element_wise(*cells, b",", null_handling="replace", null_replacement=b"")
    # The text of the rows lies in one piece; the line break before the first one goes behind the last.
    _, offsets, text = joined.buffers()
    end = int(np.frombuffer(offsets, dtype=np.int32)[len(joined)])
    return b"".join([memoryview(text)[1:end], b"\n"])


def quoted(column: Any) -> Any:  # noqa: ANN401
    """Return a text column as cells: in quotes where they have to be."""
    import pyarrow.compute as pc

    buffer = column.buffers()[2]
    content = b"" if buffer is None else buffer.to_pybytes()
    if not any(sign in content for sign in _SIGNS):  # four quick looks spare the regular expression
        return column
    needs = pc.match_substring_regex(column, _NEEDS_QUOTES)
    if not pc.any(needs).as_py():
        return column
    doubled = pc.replace_substring(column, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', doubled, '"', ""), column)


def as_text(values: Any) -> Any:  # noqa: ANN401
    """Return a column (an Arrow array, or a list of JSON values) as text; floats keep their point and every digit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(values, list) or pa.types.is_nested(values.type):
        cells = values if isinstance(values, list) else values.to_pylist()
        return pa.array([_cell_text(cell) for cell in cells], pa.string())
    if pa.types.is_floating(values.type):
        text = values.cast(pa.string())
        if not pc.any(pc.equal(pc.floor(values), values)).as_py():  # a quick look spares the regular expression
            return text
        return pc.if_else(
            pc.match_substring_regex(text, _WHOLE_NUMBER), pc.binary_join_element_wise(text, ".0", ""), text
        )
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.cast(pa.string())


def matrix_text(matrix: Any) -> Any:  # noqa: ANN401 - a numpy.ndarray of numbers
    """Return each row of a matrix as a JSON list, without making a Python object of every number."""
    return _matrix_cells(matrix, "[", "]")


def matrix_cells(matrix: Any) -> Any:  # noqa: ANN401
    """Return each row of a matrix as the cell that holds its JSON list, quoted for the commas in it."""
    return _matrix_cells(matrix, '"[', ']"') if matrix.shape[1] > 1 else matrix_text(matrix)


def _matrix_cells(matrix: Any, before: str, behind: str) -> Any:  # noqa: ANN401
    import pyarrow as pa
    import pyarrow.compute as pc

    pieces: list[Any] = []
    for column in range(matrix.shape[1]):
        text = as_text(pa.array(matrix[:, column], from_pandas=True))
        pieces += [", " if pieces else before, text.fill_null("null") if text.null_count else text]
    return pc.binary_join_element_wise(*pieces, behind, "")


def _cell_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
