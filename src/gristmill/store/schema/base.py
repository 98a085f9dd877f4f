"""What every table is made with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def identifier(**options: Any) -> Column[str]:  # noqa: ANN401 - passed through to Column
    """Return the primary key of a table of things with a UUID."""
    return Column("id", String(36), primary_key=True, **options)


def of_space() -> Column[str]:
    """Return the column that ties a row to its space, and takes it along when the space goes."""
    return Column("space_id", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False)


def one_of(column: str, values: Any) -> str:  # noqa: ANN401 - any enum
    """Return the SQL condition that a column holds one of an enum's values."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"
