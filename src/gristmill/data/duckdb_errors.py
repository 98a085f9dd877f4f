"""What DuckDB's refusals mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from gristmill.data.source import DataFailed

_CODES: tuple[tuple[type[duckdb.Error], str], ...] = (
    (duckdb.PermissionException, "data_access_denied"),
    (duckdb.CatalogException, "data_not_found"),
    (duckdb.ConversionException, "data_mismatch"),
    (duckdb.ConstraintException, "data_mismatch"),
    (duckdb.OutOfRangeException, "data_mismatch"),
    (duckdb.ConnectionException, "data_unreachable"),
    (duckdb.IOException, "data_unreachable"),
)
_COLUMN = re.compile(r"constraint failed: [^.\s]+\.(\S+)")


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Turn DuckDB's errors into ``DataFailed``. ``what`` is what they come from."""
    try:
        yield
    except duckdb.Error as error:
        code = next((code for kind, code in _CODES if isinstance(error, kind)), "data_failed")
        line = str(error).strip().splitlines()[0].rstrip(".")
        found = _COLUMN.search(line) if code == "data_mismatch" else None
        raise DataFailed(code, f"{what}: {line}.", field=found.group(1) if found else None) from None
