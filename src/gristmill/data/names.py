"""Names of tables, schemas and columns in SQL: quoted, always, and never cut."""

from __future__ import annotations

from gristmill.data.source import DataFailed, Entry, TableName

PUBLICATIONS = "gristmill_publications"


def quoted(name: str, mark: str = '"') -> str:
    """Return an identifier within quotation marks, those inside it doubled.

    Raises:
        DataFailed: no database has such a name.

    """
    if not name or "\0" in name:
        raise DataFailed("data_invalid", f"{name!r} is no name of a table, schema or column.")
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def checked_length(name: str, most_bytes: int) -> str:
    """Return a name that fits; longer ones would be cut by the database, or refused."""
    if len(name.encode()) > most_bytes:
        raise DataFailed("data_invalid", f"The name {name!r} is longer than {most_bytes} bytes.")
    return name


def shown(table: TableName) -> str:
    """Return a table's name for people."""
    return f"{table.schema}.{table.table}" if table.schema else table.table


def split_path(path: str) -> list[str]:
    """Return the parts of a path of browsing; a slash within a name is written ``%2F``.

    Raises:
        DataFailed: there is nothing so deep.

    """
    parts = [part.replace("%2F", "/").replace("%25", "%") for part in path.strip("/").split("/") if part]
    if len(parts) > 1:
        raise DataFailed("data_not_found", f"There is nothing below tables, so nothing at {path}.", field="path")
    return parts


def entry_path(*names: str) -> str:
    """Return the path that leads to a schema or table."""
    return "/" + "/".join(name.replace("%", "%25").replace("/", "%2F") for name in names)


def schema_entry(name: str) -> Entry:
    """Return what browsing shows of a schema."""
    return Entry(name=name, type="schema", path=entry_path(name))


def table_entry(schema: str, name: str, *, view: bool, rows: int | None) -> Entry:
    """Return what browsing shows of a table or view."""
    return Entry(name=name, type="view" if view else "table", path=entry_path(schema, name), rows=rows)
