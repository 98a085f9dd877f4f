"""Assets at their head, their frozen revisions, and the trash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, insert, select, update

from gristmill.domain.asset import HEAD, Asset
from gristmill.domain.deployment import DeploymentState
from gristmill.domain.errors import Invalid
from gristmill.domain.page import Page
from gristmill.store import attachments
from gristmill.store.contents import discard
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import asset_revisions, assets, deployments
from gristmill.store.schema import attachments as attachment_rows

COLUMNS = columns_of(assets, Asset)
_BY_ID = Prepared(select(*COLUMNS).where(assets.c.id == bindparam("of_asset")))
_FROZEN = ("name", "description", "tags", "entity", "size", "modified_at")


def create(connection: Connection, asset: Asset) -> None:
    """Insert an asset."""
    connection.execute(insert(assets).values(**values_of(asset, assets)))


def get(connection: Connection, asset_id: str, *, revision: int = HEAD) -> Asset | None:
    """Return an asset at its head or at a revision, also one in the trash; None where there is none."""
    row = _BY_ID.first(connection, {"of_asset": asset_id})
    if row is None or revision == HEAD:
        return asset_of(row) if row else None
    query = select(asset_revisions).where(
        asset_revisions.c.asset_id == asset_id, asset_revisions.c.revision == revision
    )
    frozen = connection.execute(query).first()
    return _at_revision(asset_of(row), frozen) if frozen else None


def these(connection: Connection, asset_ids: Sequence[str]) -> list[Asset]:
    """Return the assets with these ids at their heads, those in the trash too."""
    if not asset_ids:
        return []
    return [asset_of(row) for row in connection.execute(select(*COLUMNS).where(assets.c.id.in_(set(asset_ids))))]


def page(connection: Connection, space_id: str, type_name: str, *, limit: int, start: str | None = None) -> Page[Asset]:
    """List the assets of one type in a space, without the trash, the oldest first."""
    query = select(*COLUMNS).where(
        assets.c.space_id == space_id, assets.c.type == type_name, assets.c.deleted_at.is_(None)
    )
    return page_by_time(connection, query, assets, asset_of, limit=limit, start=start)


def all_of_space(connection: Connection, space_id: str, *, limit: int, start: str | None = None) -> Page[Asset]:
    """List all assets of a space, without the trash."""
    query = select(*COLUMNS).where(assets.c.space_id == space_id, assets.c.deleted_at.is_(None))
    return page_by_time(connection, query, assets, asset_of, limit=limit, start=start)


def trash(connection: Connection, space_id: str, *, limit: int, start: str | None = None) -> Page[Asset]:
    """List the trash of a space."""
    query = select(*COLUMNS).where(assets.c.space_id == space_id, assets.c.deleted_at.is_not(None))
    return page_by_time(connection, query, assets, asset_of, limit=limit, start=start)


def named(connection: Connection, space_id: str, type_name: str, name: str) -> Asset | None:
    """Return the oldest asset of this type and name that is not in the trash."""
    query = select(*COLUMNS).where(
        assets.c.space_id == space_id,
        assets.c.type == type_name,
        assets.c.name == name,
        assets.c.deleted_at.is_(None),
    )
    row = connection.execute(query.order_by(assets.c.created_at, assets.c.id).limit(1)).first()
    return asset_of(row) if row else None


def change(connection: Connection, asset_id: str, values: dict[str, Any]) -> None:
    """Set columns of an asset's head."""
    connection.execute(update(assets).where(assets.c.id == asset_id).values(**values))


def set_maker(connection: Connection, asset_id: str, *, job_id: str, run_id: str) -> None:
    """Note the run that wrote the asset, and its job."""
    statement = update(assets).where(assets.c.id == asset_id)
    connection.execute(statement.values(maker_job_id=job_id, maker_run_id=run_id))


def purge(connection: Connection, asset_ids: Sequence[str], at: datetime) -> None:
    """Delete assets for good, with their revisions and attachments; content that nothing else has goes with them."""
    chosen = attachment_rows.c.asset_id.in_(asset_ids)
    keys = list(connection.execute(select(attachment_rows.c.content_key).where(chosen)).scalars())
    connection.execute(delete(assets).where(assets.c.id.in_(asset_ids)))
    discard(connection, keys, at)


def freeze(
    connection: Connection, asset: Asset, *, message: str | None, at: datetime, new_id: Callable[[], str]
) -> Asset:
    """Freeze an asset's head as its next revision and return it at that revision."""
    # Raised in the database, not here: two requests at once must not get the same number.
    statement = update(assets).where(assets.c.id == asset.id).values(latest_revision=assets.c.latest_revision + 1)
    revision = int(connection.execute(statement.returning(assets.c.latest_revision)).scalar_one())
    values = {name: value for name, value in values_of(asset, assets).items() if name in _FROZEN}
    connection.execute(
        insert(asset_revisions).values(
            asset_id=asset.id, revision=revision, commit_message=message, committed_at=at, **values
        )
    )
    attachments.copy_head(connection, asset.id, revision=revision, new_id=new_id)
    return replace(asset, revision=revision, latest_revision=revision, commit_message=message, committed_at=at)


def revisions(connection: Connection, asset: Asset, *, limit: int, start: str | None = None) -> Page[Asset]:
    """List the frozen revisions of an asset, the first one first; a page's mark is its last number."""
    query = select(asset_revisions).where(asset_revisions.c.asset_id == asset.id)
    if start:
        query = query.where(asset_revisions.c.revision > _number(start))
    rows = connection.execute(query.order_by(asset_revisions.c.revision).limit(limit + 1)).all()
    shown = rows[:limit]
    mark = str(shown[-1].revision) if len(rows) > limit else None
    return Page(items=[_at_revision(asset, row) for row in shown], next=mark, total=asset.latest_revision)


def deployments_using(connection: Connection, asset_id: str) -> list[str]:
    """Return the names of the deployments of an asset, but for those that are being deleted."""
    query = _deployments(asset_id, going=False).order_by(deployments.c.name)
    return [row.name for row in connection.execute(query)]


def is_held_by_deployment(connection: Connection, asset_id: str) -> bool:
    """Whether a deployment that is being deleted still refers to the asset."""
    return connection.execute(_deployments(asset_id, going=True).limit(1)).first() is not None


def asset_of(row: Row[Any]) -> Asset:
    """Return the asset of a row of `COLUMNS`."""
    return Asset(**row._mapping)  # noqa: SLF001 - public API of Row


def _deployments(asset_id: str, *, going: bool) -> Select[Any]:
    deleting = str(DeploymentState.DELETING)
    state = deployments.c.state == deleting if going else deployments.c.state != deleting
    return select(deployments.c.name).where(deployments.c.asset_id == asset_id, state)


def _at_revision(asset: Asset, row: Row[Any]) -> Asset:
    names = (*_FROZEN, "revision", "commit_message", "committed_at")
    return replace(asset, **{name: getattr(row, name) for name in names})


def _number(start: str) -> int:
    if not start.isdecimal() or len(start) > 9:
        raise Invalid("This start mark is not one that a page before gave. Begin again without it.", field="start")
    return int(start)
