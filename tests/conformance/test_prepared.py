"""Prepared statements mean what SQLAlchemy's own do: rows, conversions, errors, who listens. On both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Table, bindparam, event, insert, literal, select, text, update
from sqlalchemy.exc import OperationalError
from tests.make_queue import NOW, make_lane, make_run, make_space, new_id

from gristmill.domain.run import Run
from gristmill.store import schema
from gristmill.store.database import Connection, ConstraintViolated, Database
from gristmill.store.prepared import Prepared
from gristmill.store.schema import run_contents, runs

_WHOLE = select(*runs.c).where(runs.c.id == bindparam("of_run"))
_CHANGE = update(runs).where(runs.c.id == bindparam("of_run"))


def a_run(connection: Connection) -> Run:
    space = make_space(connection)
    return make_run(connection, space, make_lane(connection, space, max_running=1))


def test_a_row_is_the_one_that_sqlalchemy_gives(database: Database) -> None:
    with database.transaction() as connection:
        key = {"of_run": a_run(connection).id}
        expected, found = connection.execute(_WHOLE, key).one(), Prepared(_WHOLE).first(connection, key)
        assert found is not None
        assert (tuple(found), dict(found._mapping)) == (tuple(expected), dict(expected._mapping))
        assert found.created_at == NOW
        assert Prepared(_WHOLE).first(connection, {"of_run": new_id()}) is None
        assert Prepared(_WHOLE).all(connection, {"of_run": new_id()}) == []


@pytest.mark.parametrize("table", schema.metadata.sorted_tables, ids=lambda table: table.name)
def test_every_column_of_the_schema_can_be_read(database: Database, table: Table) -> None:
    with database.snapshot() as connection:
        assert Prepared(select(table)).all(connection, {}) == connection.execute(select(table)).all()


def test_numbers_of_every_kind_are_those_that_sqlalchemy_gives(database: Database) -> None:
    numbers: Any = select(literal(1.5), literal(7), literal(Decimal("2.50")), literal(True), literal(None))
    with database.snapshot() as connection:
        found, expected = Prepared(numbers).first(connection, {}), connection.execute(numbers).one()
        assert found is not None
        assert [(value, type(value)) for value in found] == [(value, type(value)) for value in expected]


@pytest.mark.parametrize("cause", [{"code": "lost", "message": "100 % of % (of_run)s: ?"}, None])
def test_a_change_writes_what_sqlalchemy_writes(database: Database, cause: dict[str, str] | None) -> None:
    values: dict[str, Any] = {"cause": cause, "warning": None, "started_at": NOW, "pinned": True}
    with database.transaction() as connection:
        one, other = a_run(connection).id, a_run(connection).id
        connection.execute(_CHANGE, {"of_run": one, **values})
        changing = Prepared(_CHANGE)
        assert changing.change(connection, {"of_run": other, **values}) == 1
        assert changing.change(connection, {"of_run": new_id(), **values}) == 0
        columns = select(runs.c.cause, runs.c.cause.is_(None), runs.c.warning, runs.c.started_at, runs.c.pinned)
        found = [connection.execute(columns.where(runs.c.id == run)).one() for run in (one, other)]
        assert found[0] == found[1]
        # Another set of columns is another plan of the same statement.
        assert changing.change(connection, {"of_run": other, "warning": "so"}) == 1
        assert connection.execute(select(runs.c.warning).where(runs.c.id == other)).scalar_one() == "so"


def test_many_rows_go_at_once(database: Database) -> None:
    holding = Prepared(insert(run_contents))
    with database.transaction() as connection:
        run_id = a_run(connection).id
        holding.change_all(connection, [{"run_id": run_id, "key": key} for key in ("a", "b", "c")])
        holding.change_all(connection, [])
        found = connection.execute(select(run_contents.c.key).where(run_contents.c.run_id == run_id)).scalars()
        assert sorted(found) == ["a", "b", "c"]


def test_what_a_constraint_refuses_is_refused_and_undone(database: Database) -> None:
    def twice() -> None:
        with database.transaction() as connection:
            row = {"run_id": a_run(connection).id, "key": "a"}
            Prepared(insert(run_contents)).change_all(connection, [row, row])

    with pytest.raises(ConstraintViolated):
        twice()
    with database.snapshot() as connection:
        assert Prepared(select(runs.c.id)).all(connection, {}) == []


def test_listeners_hear_of_it(database: Database) -> None:
    heard: list[str] = []

    def hear(name: str) -> Callable[..., None]:
        return lambda *_arguments: heard.append(name)

    with database.transaction() as connection:
        for name in ("before_execute", "before_cursor_execute", "after_cursor_execute"):
            event.listen(connection, name, hear(name))
        Prepared(_WHOLE).first(connection, {"of_run": new_id()})
    assert heard == ["before_execute", "before_cursor_execute", "after_cursor_execute"]


def test_a_statement_that_is_known_only_when_it_is_executed_is_refused(database: Database) -> None:
    these = Prepared(select(runs.c.id).where(runs.c.id.in_(bindparam("of_runs", expanding=True))))
    with database.snapshot() as connection, pytest.raises(ValueError, match="only when it is executed"):
        these.all(connection, {"of_runs": ["a", "b"]})


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_is_gone_is_not_used_again(database: Database) -> None:
    def interrupted() -> None:
        with database.transaction() as connection:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            Prepared(_WHOLE).first(connection, {"of_run": new_id()})

    with pytest.raises(OperationalError) as failed:
        interrupted()
    assert failed.value.connection_invalidated
    with database.transaction() as connection:
        assert Prepared(_WHOLE).first(connection, {"of_run": new_id()}) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_writes_begins_when_another_process_has_written(database: Database, database_url: str) -> None:
    # As another process has: a lock of its own.
    other, order = Database(database_url), list[str]()
    begun = threading.Event()

    def write() -> None:
        with other.transaction() as connection:
            a_run(connection)
            begun.set()
            time.sleep(0.2)
            order.append("first")

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(10)
    with database.transaction() as connection:
        order.append("second")
        a_run(connection)
        assert len(connection.execute(select(runs.c.id)).all()) == 2
    thread.join()
    other.close()
    assert order == ["first", "second"]
