"""What PostgreSQL's refusals mean, by their SQLSTATE, in words without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from adbc_driver_manager import Error

from gristmill.data.source import DataFailed

# Of connecting there is no SQLSTATE, only what libpq says.
_OF_CONNECTING = (
    ("password authentication failed", "data_access_denied", "the user name or the password is wrong"),
    ("no password supplied", "data_access_denied", "it asks for a password"),
    ("pg_hba.conf", "data_access_denied", "it does not let this user in from here"),
    ("permission denied for database", "data_access_denied", "this user may not connect to the database"),
    ("role ", "data_access_denied", "there is no such user"),
    ("database ", "data_not_found", "there is no database of this name"),
    ("could not translate host name", "data_unreachable", "there is no host of this name"),
    ("Connection refused", "data_unreachable", "nothing listens there; check host and port"),
    ("timeout expired", "data_unreachable", "it did not answer in time; check host, port and firewalls"),
    ("certificate verify failed", "data_unreachable", "its certificate is not from an authority that is trusted"),
    ("does not match host name", "data_unreachable", "its certificate is for another name; take that one as host"),
    ("does not support SSL", "data_unreachable", "it does not speak TLS, which the connection asks for"),
)
_BY_STATE = {
    "42501": "data_access_denied",
    "42P01": "data_not_found",
    "3F000": "data_not_found",
    "3D000": "data_not_found",
    "42804": "data_mismatch",
    "08": "data_unreachable",
    "22": "data_mismatch",
    "23": "data_mismatch",
    "28": "data_access_denied",
}
_STATE = re.compile(r"SQLSTATE: ([0-9A-Z]{5})")
_COLUMN = re.compile(r"^CONTEXT:.*, column ([^:\n]+?)(?::|$)", re.MULTILINE)
_NAMED = re.compile(r'column "([^"]+)"')


def not_connected(error: Error, where: str) -> DataFailed:
    """Return what it means that a connection could not be made."""
    text = str(error)
    for part, code, why in _OF_CONNECTING:
        if part in text:
            return DataFailed(code, f"PostgreSQL at {where}: {why}.")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return DataFailed("data_unreachable", f"PostgreSQL at {where} cannot be reached: {lines[0] if lines else text}")


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Turn the driver's errors into ``DataFailed``. ``what`` is what they come from: "Table a.b"."""
    try:
        yield
    except Error as error:
        raise _failed(error, what) from None


def _failed(error: Error, what: str) -> DataFailed:
    text = str(error)
    found = _STATE.search(text)
    state = error.sqlstate or (found.group(1) if found else "")
    code = _BY_STATE.get(state) or _BY_STATE.get(state[:2]) or "data_failed"
    said = text.partition("ERROR:")[2] or text
    line = said.strip().splitlines()[0].strip().rstrip(".")
    column = (_COLUMN.search(text) or _NAMED.search(line)) if code == "data_mismatch" else None
    if column and column.group(1) not in line:
        line = f"column {column.group(1)!r}: {line}"
    return DataFailed(code, f"{what}: {line}.", field=column.group(1) if column else None)
