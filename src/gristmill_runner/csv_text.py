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
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(columns[0]):
        return b""
    cells = [_quoted(column) for column in columns]
    lines = pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
    if len(columns) == 1:
        lines = pc.if_else(pc.equal(lines, ""), '""', lines)  # readers skip an empty line
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")
    return bytes(joined[0].as_buffer()) + b"\n"


def as_text(values: Any) -> Any:  # noqa: ANN401 - pyarrow comes untyped
    """Return a column (an Arrow array, or a list of JSON values) as text; floats keep their point and every digit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(values, list) or pa.types.is_nested(values.type):
        cells = values if isinstance(values, list) else values.to_pylist()
        return pa.array([_cell_text(cell) for cell in cells], pa.string())
    if pa.types.is_floating(values.type):
        text = values.cast(pa.string())
        return pc.if_else(
            pc.match_substring_regex(text, _WHOLE_NUMBER), pc.binary_join_element_wise(text, ".0", ""), text
        )
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.cast(pa.string())


def matrix_text(matrix: Any) -> Any:  # noqa: ANN401 - a numpy.ndarray of numbers
    """Return each row of a matrix as a JSON list, without making a Python object of every number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = [as_text(pa.array(matrix[:, column], from_pandas=True)) for column in range(matrix.shape[1])]
    joined = pc.binary_join_element_wise(*cells, ", ", null_handling="replace", null_replacement="null")
    return pc.binary_join_element_wise("[", joined, "]", "")


def _quoted(column: Any) -> Any:  # noqa: ANN401
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


def _cell_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
