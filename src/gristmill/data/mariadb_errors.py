"""What MariaDB's and MySQL's refusals mean, by their numbers, in words without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pymysql.err import Error, OperationalError

from gristmill.data.source import DataFailed

_CODES = {
    1044: "data_access_denied",
    1045: "data_access_denied",
    1142: "data_access_denied",
    1143: "data_access_denied",
    1227: "data_access_denied",
    1698: "data_access_denied",
    1049: "data_not_found",
    1146: "data_not_found",
    1051: "data_not_found",
    1048: "data_mismatch",
    1062: "data_mismatch",
    1264: "data_mismatch",
    1265: "data_mismatch",
    1292: "data_mismatch",
    1364: "data_mismatch",
    1366: "data_mismatch",
    1406: "data_mismatch",
    1452: "data_mismatch",
    3140: "data_mismatch",
    4025: "data_mismatch",
    1040: "data_unreachable",
    2002: "data_unreachable",
    2003: "data_unreachable",
    2006: "data_unreachable",
    2013: "data_unreachable",
}
_COLUMN = re.compile(r"[Cc]olumn '([^']+)'|[Ff]ield '([^']+)'|CONSTRAINT `[^`.]+\.([^`]+)` failed")


def not_connected(error: Error, where: str) -> DataFailed:
    """Return what it means that a connection could not be made."""
    number = _number(error)
    code, why = {
        1044: ("data_access_denied", "this user may not use the database"),
        1045: ("data_access_denied", "the user name or the password is wrong"),
        1698: ("data_access_denied", "the user name or the password is wrong"),
        1049: ("data_not_found", "there is no database of this name"),
    }.get(number, ("data_unreachable", _why_unreachable(error)))
    return DataFailed(code, f"The database at {where}: {why}.")


def _why_unreachable(error: Error) -> str:
    said = str(error.args[-1]) if error.args else str(error)
    for part, why in (
        ("timed out", "it did not answer in time; check host, port and firewalls"),
        ("refused", "nothing listens there; check host and port"),
        ("Name or service not known", "there is no host of this name"),
        ("name resolution", "there is no host of this name"),
        ("Hostname mismatch", "its certificate is for another name; take that one as host"),
        ("IP address mismatch", "its certificate is for another name; take that one as host"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not from an authority that is trusted"),
        ("SSL is required", "it does not speak TLS, which the connection asks for"),
    ):
        if part in said:
            return why
    return f"it cannot be reached: {said}"


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Turn the driver's errors into ``DataFailed``. ``what`` is what they come from: "Table a.b"."""
    try:
        yield
    except Error as error:
        said = str(error.args[-1]) if error.args else str(error)
        code = _CODES.get(_number(error), "data_failed")
        found = _COLUMN.search(said) if code == "data_mismatch" else None
        field = next((name for name in found.groups() if name), None) if found else None
        raise DataFailed(code, f"{what}: {said.rstrip('.')}.", field=field) from None


def _number(error: Error) -> int:
    """Return the number of an error; the driver has some without, which come of a connection that broke."""
    first = error.args[0] if error.args else None
    if isinstance(first, int) and first:
        return first
    return 2013 if isinstance(error, OperationalError) else 0
