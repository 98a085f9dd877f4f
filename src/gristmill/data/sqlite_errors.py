"""What SQLite's refusals mean."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from gristmill.data.source import DataFailed

_CODES = {
    sqlite3.SQLITE_BUSY: "data_unreachable",
    sqlite3.SQLITE_LOCKED: "data_unreachable",
    sqlite3.SQLITE_CANTOPEN: "data_unreachable",
    sqlite3.SQLITE_NOTADB: "data_invalid",
    sqlite3.SQLITE_READONLY: "data_access_denied",
    sqlite3.SQLITE_PERM: "data_access_denied",
    sqlite3.SQLITE_AUTH: "data_access_denied",
    sqlite3.SQLITE_CONSTRAINT: "data_mismatch",
    sqlite3.SQLITE_MISMATCH: "data_mismatch",
}
# "NOT NULL constraint failed: table.column", "cannot store TEXT value in INTEGER column table.column".
_COLUMN = re.compile(r"(?:failed: |column )[^.\s]+\.([^\s,]+)")


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Turn SQLite's errors into ``DataFailed``. ``what`` is what they come from."""
    try:
        yield
    except sqlite3.Error as error:
        # The lower eight bits are the kind of error, those above tell more of it.
        number = getattr(error, "sqlite_errorcode", 0) & 0xFF
        code = _CODES.get(number, "data_failed")
        found = _COLUMN.search(str(error)) if code == "data_mismatch" else None
        raise DataFailed(code, f"{what}: {error}.", field=found.group(1) if found else None) from None
