"""The addresses of a database server that a user named, looked up once and checked: connect to these and no others."""

from __future__ import annotations

import re

from gristmill.data.places import Places
from gristmill.data.properties import invalid
from gristmill.data.source import DataFailed
from gristmill.guard.address_guard import AddressRefused, NameNotFound

_FIELD = "properties.host"
# libpq takes several hosts with commas, and anything with a slash or an @ for a socket.
_MORE_THAN_A_NAME = re.compile(r"[\s,/@\\]")


def checked(host: str, port: int, places: Places) -> list[str]:
    """Return the addresses of a host.

    Raises:
        DataFailed: it is no host name or address, it leads to where data may not come from (``data_invalid``), or it
            cannot be resolved (``data_unreachable``).

    """
    if _MORE_THAN_A_NAME.search(host):
        raise invalid("host", "it is one host name or address, or the absolute path of a socket")
    try:
        return places.guard.addresses(host, port)
    except AddressRefused as error:
        raise DataFailed("data_invalid", f"{_FIELD}: {error.message}", field=_FIELD) from None
    except NameNotFound:
        why = f"The database at {host}:{port}: there is no host of this name."
        raise DataFailed("data_unreachable", why, field=_FIELD) from None
