"""Whether the database answers."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from gristmill.store.database import Database


def trouble(database: Database) -> str | None:
    """Return what the database's driver says is wrong, None if it answers."""
    try:
        with database.snapshot() as connection:
            connection.execute(select(1))
    except SQLAlchemyError as error:
        return " ".join(str(getattr(error, "orig", None) or error).split())
    return None
