"""What a transaction does to the things of one kind, seen while it does so: what came, what changed, what went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Delete,
    Insert,
    Integer,
    Select,
    String,
    Table,
    Update,
    bindparam,
    event,
    select,
    tuple_,
)

from gristmill.domain.audit import Change
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.schema import (
    api_keys,
    assets,
    channels,
    deployments,
    jobs,
    members,
    runs,
    sessions,
    spaces,
    task_credentials,
    users,
)

MOST_THINGS = 200
"""Of how many things a transaction's trail tells: a request that changes more is cut off here."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where things of a kind are, by which columns they are told apart, and which of the others are looked at."""

    table: Table
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("id",)


_KINDS: Mapping[str, _Kind] = {
    "user": _Kind(users, ("display_name", "email", "password_hash", "administrator", "disabled")),
    "session": _Kind(sessions, (), ("user_id",)),
    "api_key": _Kind(api_keys, ("revoked_at",)),
    "task_credential": _Kind(task_credentials, ()),
    "space": _Kind(spaces, ("name", "description", "tags", "stage", "paused", "retention", "state")),
    "member": _Kind(members, ("role", "state"), ("space_id", "user_id")),
    "deployment": _Kind(deployments, ("name", "asset_id", "asset_revision", "batch", "hardware", "max_running")),
    "job": _Kind(
        jobs,
        (
            "name",
            "description",
            "configuration",
            "retention",
            "notification",
            "sealed_variables",
            "schedule",
            "paused",
            "deleted_at",
        ),
    ),
    "run": _Kind(runs, ("state", "pinned", "deleted_at")),
    "connection": _Kind(assets, ("name", "description", "entity", "deleted_at")),
    "channel": _Kind(channels, ("name", "settings", "sealed")),
}
"""By the noun of the action. Runs are looked at without what is heavy about them."""

_Image = Mapping[str, Any]
_KEYS = "of_keys"


@contextmanager
def followed(connection: Connection, noun: str) -> Iterator[list[Change]]:
    """Give a list that holds, when the block has ended, what was done within it to things of this kind."""
    seen, changes = _Seen(connection, _KINDS[noun]), list[Change]()
    event.listen(connection, "before_execute", seen.statement)
    try:
        yield changes
    finally:
        event.remove(connection, "before_execute", seen.statement)
    changes += seen.changes()


class _Seen:
    """Rows as they were before the first statement that touched them; None for those that were not there.

    Of rows that came, and that nothing else has touched, what is told is known without reading them again.
    """

    def __init__(self, connection: Connection, kind: _Kind) -> None:
        self._connection = connection
        self._kind = kind
        self._before: dict[tuple[str, ...], _Image | None] = {}
        self._came: dict[tuple[str, ...], _Image] = {}

    def statement(
        self, connection: Connection, statement: object, several: list[_Image], one: _Image, _options: object
    ) -> None:
        """Look at a statement before it is executed."""
        if not isinstance(statement, Insert | Update | Delete) or statement.table is not self._kind.table:
            return
        if isinstance(statement, Insert):
            rows = several or [one]
            # Statements made once get all by parameters; to ask the others takes longer than to execute them.
            whole = all(name in row for row in rows for name in self._kind.key)
            given = {} if whole else statement.compile(dialect=connection.dialect).params
            came = {self._key({**given, **row}): {**given, **row} for row in rows}
            found: dict[tuple[str, ...], _Image | None] = dict.fromkeys(came)
            if self._kind.table is not members:  # whose names are those of users
                told = _told_of(self._kind.table)
                self._came |= {key: row for key, row in came.items() if all(name in row for name in told)}
        else:
            self._came.clear()
            where = [] if statement.whereclause is None else [statement.whereclause]
            # Statements made once get what they look for by parameters, too.
            found = {key: image for row in several or [one] for key, image in self._images(*where, given=row).items()}
        for key, image in list(found.items())[: MOST_THINGS - len(self._before)]:
            self._before.setdefault(key, image)

    def changes(self) -> list[Change]:
        """Compare the rows with what they are now."""
        if not self._before:
            return []
        after = {**self._now([key for key in self._before if key not in self._came]), **self._came}
        compared = ((before, after.get(key)) for key, before in self._before.items())
        return [_change(before, now, self._kind) for before, now in compared if before != now]

    def _now(self, keys: list[tuple[str, ...]]) -> dict[tuple[str, ...], _Image]:
        if not keys:
            return {}
        if len(keys) > 1:
            return self._read(_these(self._kind), {_KEYS: keys})
        row = _this(self._kind).first(self._connection, dict(zip(self._kind.key, keys[0], strict=True)))
        return {keys[0]: dict(row._mapping)} if row else {}  # noqa: SLF001 - public API of Row

    def _images(self, *where: ColumnElement[bool], given: _Image | None = None) -> dict[tuple[str, ...], _Image]:
        return self._read(_images(self._kind).where(*where), given)

    def _read(self, query: Select[Any], given: _Image | None) -> dict[tuple[str, ...], _Image]:
        rows = [dict(row) for row in self._connection.execute(query, dict(given or {})).mappings()]
        return {self._key(row): row for row in rows}

    def _key(self, row: _Image) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in self._kind.key)


@cache
def _images(kind: _Kind) -> Select[Any]:
    """Select what is looked at of the things of a kind."""
    table = kind.table
    query = select(*(table.c[name] for name in dict.fromkeys((*kind.key, *_told_of(table), *kind.columns))))
    if table is members:
        query = query.add_columns(users.c.name).join(users, users.c.id == members.c.user_id)
    return query.limit(MOST_THINGS)


@cache
def _told_of(table: Table) -> tuple[str, ...]:
    return tuple(name for name in ("id", "name", "space_id") if name in table.c)


@cache
def _these(kind: _Kind) -> Select[Any]:
    """Select the same of those with these keys."""
    key = tuple_(*(kind.table.c[name] for name in kind.key))
    return _images(kind).where(key.in_(bindparam(_KEYS, expanding=True)))


@cache
def _this(kind: _Kind) -> Prepared:
    """Select the same of the one with this key: most requests touch one thing."""
    return Prepared(_images(kind).where(*(kind.table.c[name] == bindparam(name) for name in kind.key)))


def _change(before: _Image | None, after: _Image | None, kind: _Kind) -> Change:
    thing = after or before or {}
    changed = [] if before is None or after is None else [n for n in kind.columns if before[n] != after[n]]
    return Change(
        target_id=str(thing[kind.key[-1]]),
        target_name=thing.get("name"),
        space_id=thing["id"] if kind.table is spaces else thing.get("space_id"),
        details=[_told(kind.table, name, before, after) for name in changed if before and after],
    )


def _told(table: Table, name: str, before: _Image, after: _Image) -> str:
    """Name what changed, with its values where they are short and can hold no secret."""
    kind = table.c[name].type
    short = isinstance(kind, Boolean | Integer) or (isinstance(kind, String) and kind.length is not None)
    return f"{name}: {before[name]} -> {after[name]}" if short else name
