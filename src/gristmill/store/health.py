"""Whether a database can be used: told before the server starts, and while it runs."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from gristmill.domain.errors import NoRoom
from gristmill.store.database import Database


class DatabaseUnusable(Exception):
    """The database's URL is wrong, or the database does not answer; the message says what its driver says."""


def connect(url: str) -> Database:
    """Return the database behind a URL.

    Raises:
        DatabaseUnusable: the URL is of another kind than SQLite's or PostgreSQL's, or nothing answers there.

    """
    try:
        database = Database(url)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        # The URL is not repeated: a password may stand in it.
        raise DatabaseUnusable("its URL is neither sqlite:///... nor postgresql://...") from error
    said = trouble(database)
    if said:
        raise DatabaseUnusable(said)
    return database


def was_away(error: Exception) -> bool:
    """Tell whether the database did not answer, or broke off."""
    return isinstance(error, OperationalError | InterfaceError)


def trouble(database: Database) -> str | None:
    """Return what the database's driver says is wrong, None if it answers."""
    try:
        with database.snapshot() as connection:
            connection.execute(select(1))
    except (SQLAlchemyError, NoRoom) as error:
        return " ".join(str(getattr(error, "orig", None) or error).split())
    return None
