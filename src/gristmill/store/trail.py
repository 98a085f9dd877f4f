"""What a transaction does to the things of one kind, seen while it does so: what came, what changed, what went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Delete, Insert, Integer, String, Table, Update, event, select, tuple_

from gristmill.domain.audit import Change
from gristmill.store.database import Connection
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
    """Rows as they were before the first statement that touched them; None for those that were not there."""

    def __init__(self, connection: Connection, kind: _Kind) -> None:
        self._connection = connection
        self._kind = kind
        self._before: dict[tuple[str, ...], _Image | None] = {}

    def statement(
        self, connection: Connection, statement: object, several: list[_Image], one: _Image, _options: object
    ) -> None:
        """Look at a statement before it is executed."""
        if not isinstance(statement, Insert | Update | Delete) or statement.table is not self._kind.table:
            return
        if isinstance(statement, Insert):
            given = statement.compile(dialect=connection.dialect).params
            found: dict[tuple[str, ...], _Image | None] = {
                self._key({**given, **row}): None for row in several or [one]
            }
        else:
            found = dict(self._images(*([statement.whereclause] if statement.whereclause is not None else [])))
        for key, image in list(found.items())[: MOST_THINGS - len(self._before)]:
            self._before.setdefault(key, image)

    def changes(self) -> list[Change]:
        """Compare the rows with what they are now."""
        if not self._before:
            return []
        key = tuple_(*(self._kind.table.c[name] for name in self._kind.key))
        after = self._images(key.in_(self._before))
        compared = ((before, after.get(key)) for key, before in self._before.items())
        return [_change(before, now, self._kind) for before, now in compared if before != now]

    def _images(self, *where: ColumnElement[bool]) -> dict[tuple[str, ...], _Image]:
        table = self._kind.table
        named = [name for name in ("id", "name", "space_id") if name in table.c]
        columns = [table.c[name] for name in dict.fromkeys((*self._kind.key, *named, *self._kind.columns))]
        query = select(*columns)
        if table is members:
            query = query.add_columns(users.c.name).join(users, users.c.id == members.c.user_id)
        rows = [dict(row) for row in self._connection.execute(query.where(*where).limit(MOST_THINGS)).mappings()]
        return {self._key(row): row for row in rows}

    def _key(self, row: _Image) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in self._kind.key)


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
