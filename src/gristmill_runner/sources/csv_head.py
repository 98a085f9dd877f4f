"""The beginning of a CSV file: its dialect, the names of its columns, and where its rows begin."""

from __future__ import annotations

from dataclasses import dataclass

from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import Dialect as Told
from gristmill_runner.sources.csv_cut import row_ends
from gristmill_runner.sources.csv_dialect import Dialect, dialect_of, rows_of
from gristmill_runner.sources.text_file import SAMPLE_BYTES, TextFile

_LONGEST_HEADER_BYTES = 2**26


@dataclass(frozen=True)
class CsvHead:
    """``begin`` is the position of the first row in the file's UTF-8."""

    dialect: Dialect
    names: list[str]
    begin: int


def head_of(text: TextFile, told: Told) -> CsvHead:
    """Read the beginning of a file.

    Raises:
        RunFailed: ``schema_mismatch``, it is empty.

    """
    sample = text.sample
    dialect = dialect_of(sample, told, text.name)
    begin = _header_end(sample, dialect)
    size = 4 * SAMPLE_BYTES
    while begin is None and len(sample) >= size // 4 and size <= _LONGEST_HEADER_BYTES:
        sample, size = text.beginning(size), 4 * size
        begin = _header_end(sample, dialect)
    end = len(sample) if begin is None else begin
    rows = rows_of(sample[:end].decode("utf-8", "replace"), dialect)
    if not rows:
        raise RunFailed("schema_mismatch", f"{text.name} is empty: its first line should name the columns")
    return CsvHead(dialect, rows[0], text.mark_bytes + end)


def _header_end(sample: bytes, dialect: Dialect) -> int | None:
    """Return where the first line that is not blank ends; None where the sample does not show its end."""
    start = 0
    for end in row_ends(sample, dialect).tolist():
        if sample[start:end].strip(b"\r\n"):
            return int(end)
        start = end
    return None
