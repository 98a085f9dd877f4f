"""Statements that every run needs: text and conversions are made once, and executing one costs what the driver does.

SQLAlchemy's own way of executing takes ten times as long as SQLite needs for a row, at each of some twenty statements
of a run. What listens to statements (the trail of the audit log, tests that let a database fail) hears of these, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from sqlalchemy import Delete, Dialect, Insert, Row, Select, Update
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from gristmill.store.database import Connection

Statement = Select[Any] | Insert | Update | Delete
Values = Mapping[str, Any]
_Convert: TypeAlias = Any
"""A function from a value to a value; SQLAlchemy has a type for each direction, and publishes neither."""


@dataclass(slots=True)
class _Plan:
    """A statement for one dialect and one set of given values, and what its rows are.

    ``results`` convert the ``columns`` of its rows; how is known when the driver has told which types these have.
    """

    text: str
    named: bool
    usual: Values
    binds: tuple[tuple[str, _Convert | None], ...]
    columns: SimpleResultMetaData
    types: tuple[TypeEngine[Any], ...]
    results: tuple[_Convert | None, ...] | None = None

    def parameters(self, values: Values) -> Any:  # noqa: ANN401 - as the driver wants them
        """Return the values as the driver takes them, in their order or by their names."""
        given = {**self.usual, **values} if self.usual else values
        if self.named:
            return {name: convert(given[name]) if convert else given[name] for name, convert in self.binds}
        return [convert(given[name]) if convert else given[name] for name, convert in self.binds]

    def rows(self, dialect: Dialect, cursor: DBAPICursor) -> list[Row[Any]]:
        """Return the driver's rows as SQLAlchemy would."""
        if self.results is None:
            kinds = zip(self.types, cursor.description, strict=True)
            self.results = tuple(kind.dialect_impl(dialect).result_processor(dialect, told[1]) for kind, told in kinds)
        names = self.columns._key_to_index  # noqa: SLF001 - as its own results do
        return [Row(self.columns, self.results, names, found) for found in cursor.fetchall()]


class Prepared:
    """One statement; what it is executed with are its parameters and, where it writes, further columns to set.

    Listeners are told of ``tells`` in its place, with the values that are ``told``: it writes more than one table.
    """

    def __init__(self, statement: Statement, *, tells: Insert | Update | None = None) -> None:
        self._statement = statement
        self._tells = statement if tells is None else tells
        self._plans: dict[tuple[str, frozenset[str]], _Plan] = {}

    def all(self, connection: Connection, values: Values, *, told: Values | None = None) -> list[Row[Any]]:
        """Return its rows."""
        plan = self._plan(connection.dialect, values)
        cursor = self._execute(connection, plan, values, told)
        try:
            # SQLite goes on with the statement while its rows are fetched.
            rows = plan.rows(connection.dialect, cursor)
        except connection.dialect.loaded_dbapi.Error as error:
            _refused(connection, error, plan, cursor)
        cursor.close()
        return rows

    def first(self, connection: Connection, values: Values, *, told: Values | None = None) -> Row[Any] | None:
        """Return its first row, None where there is none."""
        rows = self.all(connection, values, told=told)
        return rows[0] if rows else None

    def scalar(self, connection: Connection, values: Values, *, told: Values | None = None) -> Any:  # noqa: ANN401
        """Return the first column of its first row, of whatever type; None where there is none."""
        row = self.first(connection, values, told=told)
        return row[0] if row else None

    def change(self, connection: Connection, values: Values) -> int:
        """Execute it, and return how many rows it changed."""
        cursor = self._execute(connection, self._plan(connection.dialect, values), values)
        changed = cursor.rowcount
        cursor.close()
        return changed

    def change_all(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Execute it with each of these, all with the same columns."""
        if rows:
            self._execute(connection, self._plan(connection.dialect, rows[0]), rows).close()

    def _plan(self, dialect: Dialect, values: Values) -> _Plan:
        key = (dialect.name, frozenset(values))
        if key not in self._plans:
            self._plans[key] = _planned(self._statement, dialect, values)
        return self._plans[key]

    def _execute(
        self, connection: Connection, plan: _Plan, given: Values | Sequence[Values], told: Values | None = None
    ) -> DBAPICursor:
        one, several = (given, []) if isinstance(given, Mapping) else ({}, list(given))
        if not connection.in_transaction():
            connection.begin()
        heard = connection.dispatch
        for hear in heard.before_execute:
            hear(connection, self._tells, several, dict(told or one), {})
        parameters = [plan.parameters(each) for each in several] or plan.parameters(one)
        cursor = None
        try:
            cursor = connection.connection.cursor()
            sent = (connection, cursor, plan.text, parameters, None, bool(several))
            for hear in heard.before_cursor_execute:
                hear(*sent)
            (cursor.executemany if several else cursor.execute)(plan.text, parameters)
        except connection.dialect.loaded_dbapi.Error as error:
            _refused(connection, error, plan, cursor)
        for hear in heard.after_cursor_execute:
            hear(*sent)
        return cursor


def _refused(connection: Connection, error: BaseException, plan: _Plan, cursor: DBAPICursor | None) -> NoReturn:
    """Leave the driver's errors to SQLAlchemy: it knows which of them mean that the connection is gone."""
    connection._handle_dbapi_exception(error, plan.text, None, cursor, None)  # noqa: SLF001


def _planned(statement: Statement, dialect: Dialect, given: Collection[str]) -> _Plan:
    compiled = statement.compile(dialect=dialect, column_keys=sorted(given))
    assert isinstance(compiled, SQLCompiler)
    later = compiled.post_compile_params | compiled.literal_execute_params
    if later or compiled.insert_prefetch or compiled.update_prefetch:
        raise ValueError(f"Something of this statement is known only when it is executed: {compiled}")
    kinds = {name: bind.type.dialect_impl(dialect) for bind, name in compiled.bind_names.items()}
    names = compiled.positiontup if compiled.positional else list(kinds)
    columns = [] if isinstance(statement, Delete) else list(statement.exported_columns)
    return _Plan(
        text=str(compiled),
        named=not compiled.positional,
        usual={name: compiled.params[name] for bind, name in compiled.bind_names.items() if not bind.required},
        binds=tuple((name, kinds[name].bind_processor(dialect)) for name in names or ()),
        columns=SimpleResultMetaData([str(column.key) for column in columns]),
        types=tuple(column.type for column in columns),
    )
