"""Parameter sets: assets whose name and description stand inside their entity too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gristmill.domain import parameter_set
from gristmill.domain.asset import Asset, AssetType
from gristmill.domain.asset_document import description_of, name_of, patched
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.asset_access import find
from gristmill.service.context import Context
from gristmill.store import assets

_TYPES = {str(AssetType.PARAMETER_SET)}
_ROOT = "entity/parameter_set"


def create(context: Context, actor: Actor, space_id: str | None, document: Mapping[str, Any]) -> Asset:
    """Make a parameter set from the wire's ``{parameter_set: {...}}``."""
    described = parameter_set.check(document.get("parameter_set"))
    now = context.now()
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        asset = Asset(
            id=context.new_id(),
            space_id=space.id,
            type=AssetType.PARAMETER_SET,
            name=name_of(described),
            description=description_of(described),
            entity={"parameter_set": described},
            owner_id=actor.user_id,
            created_at=now,
            modified_at=now,
        )
        assets.create(connection, asset)
    return asset


def get(context: Context, actor: Actor, space_id: str | None, asset_id: str) -> Asset:
    """Return a parameter set."""
    with context.database.snapshot() as connection:
        return find(connection, actor, space_id, asset_id, Permission.VIEW, types=_TYPES)


def page(context: Context, actor: Actor, space_id: str | None, *, limit: int, start: str | None = None) -> Page[Asset]:
    """List the parameter sets of a space."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return assets.page(connection, space.id, AssetType.PARAMETER_SET, limit=limit, start=start)


def patch(
    context: Context, actor: Actor, space_id: str | None, asset_id: str, operations: Sequence[Mapping[str, Any]]
) -> Asset:
    """Change a parameter set: anything below ``/entity/parameter_set``."""
    with context.database.transaction() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.EDIT, types=_TYPES)
        document = patched({"entity": dict(asset.entity)}, operations, roots=(_ROOT,))
        described = parameter_set.check(document["entity"]["parameter_set"])
        values = {
            "name": name_of(described),
            "description": description_of(described),
            "entity": {"parameter_set": described},
            "modified_at": context.now(),
        }
        assets.change(connection, asset_id, values)
        changed = assets.get(connection, asset_id)
    assert changed is not None, "this transaction holds it"
    return changed


def delete(context: Context, actor: Actor, space_id: str | None, asset_id: str) -> None:
    """Move a parameter set to the trash."""
    with context.database.transaction() as connection:
        find(connection, actor, space_id, asset_id, Permission.EDIT, types=_TYPES)
        assets.change(connection, asset_id, {"deleted_at": context.now()})
