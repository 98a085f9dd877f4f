"""Attachments: the pieces of an asset's content, at its head and at each frozen revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from gristmill.domain.asset import HEAD, Attachment
from gristmill.store.contents import discard
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, values_of
from gristmill.store.schema import attachments

_COLUMNS = columns_of(attachments, Attachment)
_CONTENT = Prepared(
    select(*_COLUMNS)
    .where(
        attachments.c.asset_id == bindparam("of_asset"),
        attachments.c.revision == bindparam("at_revision"),
        attachments.c.complete.is_(True),
        attachments.c.content_key.is_not(None),
    )
    .order_by(attachments.c.created_at.desc(), attachments.c.id.desc())
    .limit(1)
)


def create(connection: Connection, attachment: Attachment) -> None:
    """Insert an attachment."""
    connection.execute(insert(attachments).values(**values_of(attachment, attachments)))


def get(connection: Connection, asset_id: str, attachment_id: str) -> Attachment | None:
    """Return an attachment of this asset, of whatever revision."""
    query = select(*_COLUMNS).where(attachments.c.id == attachment_id, attachments.c.asset_id == asset_id)
    row = connection.execute(query).first()
    return _attachment(row) if row else None


def of_assets(connection: Connection, asset_ids: Sequence[str], *, revision: int = HEAD) -> dict[str, list[Attachment]]:
    """Return the attachments of these assets at their head (or all at one revision), the oldest first."""
    query = select(*_COLUMNS).where(attachments.c.asset_id.in_(asset_ids), attachments.c.revision == revision)
    found: dict[str, list[Attachment]] = {asset_id: [] for asset_id in asset_ids}
    for row in connection.execute(query.order_by(attachments.c.created_at, attachments.c.id)):
        found[row.asset_id].append(_attachment(row))
    return found


def of_asset(connection: Connection, asset_id: str, *, revision: int = HEAD) -> list[Attachment]:
    """Return the attachments of one asset, the oldest first."""
    return of_assets(connection, [asset_id], revision=revision)[asset_id]


def content_of(connection: Connection, asset_id: str, *, revision: int = HEAD) -> Attachment | None:
    """Return the newest complete attachment with content of its own: a model's archive, a script's code."""
    row = _CONTENT.first(connection, {"of_asset": asset_id, "at_revision": revision})
    return _attachment(row) if row else None


def contents_of(connection: Connection, asset_ids: Sequence[str]) -> dict[str, Attachment]:
    """Return what `content_of` finds at the heads of these assets; absent are those that have none."""
    query = select(*_COLUMNS).where(
        attachments.c.asset_id.in_(set(asset_ids)),
        attachments.c.revision == HEAD,
        attachments.c.complete.is_(True),
        attachments.c.content_key.is_not(None),
    )
    oldest_first = query.order_by(attachments.c.created_at, attachments.c.id)
    return {row.asset_id: _attachment(row) for row in connection.execute(oldest_first)} if asset_ids else {}


def change(connection: Connection, attachment_id: str, values: dict[str, Any]) -> None:
    """Set columns of an attachment."""
    connection.execute(update(attachments).where(attachments.c.id == attachment_id).values(**values))


def set_content(connection: Connection, attachment: Attachment, key: str, size: int, sha256: str, at: datetime) -> None:
    """Set the content; what was there before goes."""
    change(connection, attachment.id, {"content_key": key, "size": size, "sha256": sha256})
    discard(connection, [attachment.content_key], at)


def copy_head(connection: Connection, asset_id: str, *, revision: int, new_id: Callable[[], str]) -> None:
    """Copy the complete attachments of an asset's head to a revision; they share the content."""
    head = of_asset(connection, asset_id)
    rows = [
        {**values_of(attachment, attachments), "id": new_id(), "revision": revision}
        for attachment in head
        if attachment.complete
    ]
    if rows:
        connection.execute(insert(attachments), rows)


def delete_these(connection: Connection, attachment_ids: Iterable[str], at: datetime) -> None:
    """Delete attachments and let their content go, unless a revision or a run still has it."""
    chosen = attachments.c.id.in_(list(attachment_ids))
    keys = list(connection.execute(select(attachments.c.content_key).where(chosen)).scalars())
    connection.execute(delete(attachments).where(chosen))
    discard(connection, keys, at)


def size_of(connection: Connection, asset_id: str) -> int:
    """Return the bytes of the complete attachments of an asset's head."""
    query = select(func.coalesce(func.sum(attachments.c.size), 0)).where(
        attachments.c.asset_id == asset_id, attachments.c.revision == HEAD, attachments.c.complete.is_(True)
    )
    return int(connection.execute(query).scalar_one())


def _attachment(row: Row[Any]) -> Attachment:
    return Attachment(**row._mapping)  # noqa: SLF001 - public API of Row
