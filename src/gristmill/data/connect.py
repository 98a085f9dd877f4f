"""Which source a connection leads to, by the name of its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gristmill.data.places import Places
from gristmill.data.properties import Properties
from gristmill.data.source import DataFailed, Source

# The libraries behind are large: each is imported by the first connection that needs it.


def _postgresql(properties: Properties, places: Places) -> Source:
    from gristmill.data import postgresql

    return postgresql.connect(properties, places)


def _mariadb(properties: Properties, places: Places) -> Source:
    from gristmill.data import mariadb

    return mariadb.connect(properties, places)


def _sqlite(properties: Properties, places: Places) -> Source:
    from gristmill.data import sqlite

    return sqlite.connect(properties, places)


def _duckdb(properties: Properties, places: Places) -> Source:
    from gristmill.data import duckdb

    return duckdb.connect(properties, places)


def _s3(datasource_type: str) -> Callable[[Properties, Places], Source]:
    def connect_s3(properties: Properties, places: Places) -> Source:
        from gristmill.data.s3 import S3
        from gristmill.data.s3_account import S3Account

        return S3(S3Account.of(properties, datasource_type=datasource_type), places.guard)

    return connect_s3


def _http(properties: Properties, places: Places) -> Source:
    from gristmill.data import http

    return http.connect(properties, places.guard)


def _folder(properties: Properties, places: Places) -> Source:
    from gristmill.data import folder

    return folder.connect(properties, places)


_SOURCES: dict[str, Callable[[Properties, Places], Source]] = {
    "postgresql": _postgresql,
    "mysql": _mariadb,
    "mariadb": _mariadb,
    "sqlite": _sqlite,
    "duckdb": _duckdb,
    **{name: _s3(name) for name in ("amazons3", "bluemixcloudobjectstorage", "cloudobjectstorage", "generics3")},
    "http": _http,
    "volumes": _folder,
}


def supported(datasource_type: str) -> bool:
    """Tell whether connections of this type can be used here; others can only be stored."""
    return datasource_type in _SOURCES


def connect(datasource_type: str, properties: Mapping[str, Any], *, places: Places) -> Source:
    """Open a connection; it is to be used as a context manager, which closes it. Secrets in ``properties`` are plain.

    Raises:
        DataFailed: it is of a type that cannot be used here, a property is missing or malformed, or it cannot be
            reached.

    """
    source = _SOURCES.get(datasource_type)
    if source is None:
        raise DataFailed(
            "data_type_unsupported",
            f"Connections of type {datasource_type} can be stored, but not used here. Those that can are of type "
            f"{', '.join(sorted(_SOURCES))}.",
        )
    return source(Properties(properties), places)
