"""How much is stored, by kind. Sizes of attachments are in their rows; of the rest there are keys to be measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select

from gristmill.domain.storage import ContentSize
from gristmill.store.database import Connection
from gristmill.store.schema import assets, attachments, exports, package_extensions, run_contents, runs


def of_assets(connection: Connection) -> list[ContentSize]:
    """Return the content of assets by their type, and that of package extensions."""
    size = func.coalesce(func.sum(attachments.c.size), 0)
    query = select(assets.c.type, func.count(), size).join(assets, assets.c.id == attachments.c.asset_id)
    query = query.where(attachments.c.content_key.is_not(None)).group_by(assets.c.type).order_by(size.desc())
    found = [
        ContentSize(kind=kind, number=number, size=int(total)) for kind, number, total in connection.execute(query)
    ]
    packages = select(func.count(), func.coalesce(func.sum(package_extensions.c.size), 0))
    number, total = connection.execute(packages.where(package_extensions.c.content_key.is_not(None))).one()
    return [*found, ContentSize(kind="package_extension", number=number, size=int(total))]


def came_since(connection: Connection, since: datetime) -> int:
    """Return the bytes of attachments that were made since a moment."""
    size = func.coalesce(func.sum(attachments.c.size), 0)
    where = (attachments.c.created_at >= since, attachments.c.content_key.is_not(None))
    return int(connection.execute(select(size).where(*where)).scalar_one())


def of_exports(connection: Connection, *, limit: int) -> tuple[int, Sequence[str]]:
    """Count the exports and imports that have content, and return the keys of some."""
    return _counted(connection, select(exports.c.content_key).where(exports.c.content_key.is_not(None)), limit)


def of_runs(connection: Connection, *, limit: int) -> tuple[int, Sequence[str]]:
    """Count what runs read and left (inputs, logs, results) that is no asset's, and return the keys of some."""
    return _counted(connection, select(run_contents.c.key).where(_alone()).order_by(run_contents.c.run_id), limit)


def of_runs_since(connection: Connection, since: datetime, *, limit: int) -> tuple[int, Sequence[str]]:
    """Do so for the runs that ended since a moment."""
    query = select(run_contents.c.key).join(runs, runs.c.id == run_contents.c.run_id)
    return _counted(connection, query.where(runs.c.finished_at >= since, _alone()), limit)


def _counted(connection: Connection, query: Select[Any], limit: int) -> tuple[int, Sequence[str]]:
    number = connection.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    return int(number), connection.execute(query.limit(limit)).scalars().all()


def _alone() -> ColumnElement[bool]:
    return ~exists().where(attachments.c.content_key == run_contents.c.key)
