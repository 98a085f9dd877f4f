"""How a run is written: its row, its history, its claim. PostgreSQL takes all of that as one statement, SQLite cannot.

Each statement is a way to the server and back, on which the run's lane is locked. What is written, `runs.py` decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Label,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.schema import claims, run_contents, run_history, runs

Values: TypeAlias = Mapping[str, Any]
"""Of columns, by their names; of the history without ``run_id`` and ``number``, of claims without ``run_id``."""

_THIS: BindParameter[str] = bindparam("of_run", type_=String)
_INSERT = insert(runs)
_AS_IT_WAS = (runs.c.id == _THIS, runs.c.state == bindparam("in_state"), runs.c.fence == bindparam("under_fence"))
_UPDATE = update(runs).where(*_AS_IT_WAS)
_LAST_NUMBER = select(func.coalesce(func.max(run_history.c.number), 0)).where(run_history.c.run_id == _THIS)
_NEXT_NUMBER: ColumnElement[int] = _LAST_NUMBER.scalar_subquery() + 1
# What is set are the columns that they are executed with.
_CREATE = Prepared(_INSERT.returning(runs.c.place))
_ADVANCE = Prepared(_UPDATE)
_REMEMBER = Prepared(insert(run_history).values(number=_NEXT_NUMBER).returning(run_history.c.number))
_DROP_CLAIM = Prepared(delete(claims).where(claims.c.run_id == _THIS))
_TAKE_CLAIM = Prepared(insert(claims))
_CONTENTS = Prepared(insert(run_contents))


def create(connection: Connection, run: Values, change: Values, *, keys: Iterable[str]) -> int:
    """Insert a run, the first row of its history and the keys of the contents that it needs; return its place."""
    wanted = sorted(set(keys))
    if connection.dialect.name == "postgresql":
        values = {**_named(runs, run), **_named(run_history, change), "keys": wanted}
        return int(_created(frozenset(run), frozenset(change)).scalar(connection, values, told=run))
    place = _CREATE.scalar(connection, run)
    _REMEMBER.change(connection, {"of_run": run["id"], "run_id": run["id"], **change})
    _CONTENTS.change_all(connection, [{"run_id": run["id"], "key": key} for key in wanted])
    return int(place)


def advance(
    connection: Connection, before: Values, after: Values, change: Values, *, claim: Values | None = None, drops: bool
) -> int | None:
    """Change the run ``of_run`` that is ``in_state`` and ``under_fence``, add to its history, take or drop its claim.

    Returns the number of the change, None where the run is not like that any more: then nothing was written.
    """
    if connection.dialect.name == "postgresql":
        values = {**before, **_named(runs, after), **_named(run_history, change), **_named(claims, claim or {})}
        statement = _advanced(frozenset(after), frozenset(change), frozenset(claim or {}), drops=drops)
        number = statement.scalar(connection, values, told={**after, **before})
        return None if number is None else int(number)
    if _ADVANCE.change(connection, {**after, **before}) != 1:
        return None
    run_id = before["of_run"]
    number = _REMEMBER.scalar(connection, {"of_run": run_id, "run_id": run_id, **change})
    if drops:
        _DROP_CLAIM.change(connection, {"of_run": run_id})
    if claim:
        _TAKE_CLAIM.change(connection, {"run_id": run_id, **claim})
    return int(number)


@cache
def _created(columns: frozenset[str], change: frozenset[str]) -> Prepared:
    made = _INSERT.values(_given(runs, columns)).returning(runs.c.id, runs.c.place).cte("made")
    first = select(made.c.id, literal(1), *_labels(run_history, change))
    remembered = insert(run_history).from_select(["run_id", "number", *sorted(change)], first).cte("remembered")
    wanted = select(made.c.id, func.unnest(bindparam("keys", type_=ARRAY(Text))))
    holding = insert(run_contents).from_select(["run_id", "key"], wanted).cte("holding")
    return Prepared(select(made.c.place).add_cte(remembered, holding), tells=_INSERT)


@cache
def _advanced(columns: frozenset[str], change: frozenset[str], claim: frozenset[str], *, drops: bool) -> Prepared:
    # Not made of the statement above: SQLAlchemy remembers of it that it returns nothing.
    moved = update(runs).where(*_AS_IT_WAS).values(_given(runs, columns)).returning(runs.c.id).cte("moved")
    next_one = select(moved.c.id, _NEXT_NUMBER, *_labels(run_history, change))
    statement = insert(run_history).from_select(["run_id", "number", *sorted(change)], next_one)
    statement = statement.returning(run_history.c.number)
    if drops:
        statement = statement.add_cte(delete(claims).where(claims.c.run_id.in_(select(moved.c.id))).cte("dropped"))
    if claim:
        taken = insert(claims).from_select(["run_id", *sorted(claim)], select(moved.c.id, *_labels(claims, claim)))
        statement = statement.add_cte(taken.cte("taken"))
    return Prepared(statement, tells=_UPDATE)


def _named(table: Table, values: Values) -> dict[str, Any]:
    """Return the values under names that are no column's, as parameters of a statement that is about several tables."""
    return {f"{table.name}_{name}": value for name, value in values.items()}


def _given(table: Table, columns: Collection[str]) -> dict[str, BindParameter[Any]]:
    return {name: bindparam(f"{table.name}_{name}", type_=table.c[name].type) for name in sorted(columns)}


def _labels(table: Table, columns: Collection[str]) -> list[Label[Any]]:
    return [given.label(f"to_{name}") for name, given in _given(table, columns).items()]
