"""Connections to databases and object stores. Secrets among their properties are stored encrypted and never shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gristmill.domain import datasource_types
from gristmill.domain.asset import Asset, AssetType
from gristmill.domain.asset_document import SEALED, description_of, name_of, patched, tags_of
from gristmill.domain.datasource_types import DatasourceType
from gristmill.domain.errors import Invalid, NotFound
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.asset_access import find, shown
from gristmill.service.context import Context
from gristmill.store import assets

_ROOTS = ("name", "description", "tags", "properties", "origin_country")


def create(context: Context, actor: Actor, space_id: str | None, document: Mapping[str, Any]) -> Asset:
    """Make a connection.

    Raises:
        Invalid: the type is unknown, or a property is unknown, missing or malformed; it is named.

    """
    kind = _kind(document.get("datasource_type"))
    entity = _entity(context, kind, document, {})
    now = context.now()
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        asset = Asset(
            id=context.new_id(),
            space_id=space.id,
            type=AssetType.CONNECTION,
            name=name_of(document),
            description=description_of(document),
            tags=tags_of(document),
            entity=entity,
            owner_id=actor.user_id,
            created_at=now,
            modified_at=now,
        )
        assets.create(connection, asset)
    return shown(asset)


def get(context: Context, actor: Actor, space_id: str | None, connection_id: str) -> Asset:
    """Return a connection, without its secrets."""
    with context.database.snapshot() as connection:
        asset = find(connection, actor, space_id, connection_id, Permission.VIEW, types={AssetType.CONNECTION})
    return shown(asset)


def patch(
    context: Context, actor: Actor, space_id: str | None, connection_id: str, operations: Sequence[Mapping[str, Any]]
) -> Asset:
    """Change a connection; secrets that the patch does not name stay as they are."""
    with context.database.transaction() as connection:
        asset = find(connection, actor, space_id, connection_id, Permission.EDIT, types={AssetType.CONNECTION})
        described = dict(asset.entity["connection"])
        before = {**described, "name": asset.name, "description": asset.description, "tags": list(asset.tags)}
        wanted = patched(before, operations, roots=_ROOTS)
        kind = _kind(described["datasource_type"])
        removed = {
            str(operation.get("path", "")).strip("/").removeprefix("properties/")
            for operation in operations
            if operation.get("op") == "remove"
        }
        kept = {name: value for name, value in asset.entity.get(SEALED, {}).items() if name not in removed}
        values = {
            "name": name_of(wanted),
            "description": description_of(wanted),
            "tags": tags_of(wanted),
            "entity": _entity(context, kind, wanted, kept),
            "modified_at": context.now(),
        }
        assets.change(connection, asset.id, values)
        changed = assets.get(connection, asset.id)
    assert changed is not None, "this transaction holds it"
    return shown(changed)


def delete(context: Context, actor: Actor, space_id: str | None, connection_id: str) -> None:
    """Delete a connection for good: its secrets have no place in a trash."""
    with context.database.transaction() as connection:
        asset = find(connection, actor, space_id, connection_id, Permission.EDIT, types={AssetType.CONNECTION})
        assets.purge(connection, [asset.id], context.now())


def properties(context: Context, asset: Asset) -> dict[str, Any]:
    """Return all properties of a connection as it is stored, secrets in the clear: for what reads the data."""
    sealed = {name: context.secrets.decrypt(value) for name, value in asset.entity.get(SEALED, {}).items()}
    return {**asset.entity["connection"].get("properties", {}), **sealed}


def checked(document: Mapping[str, Any]) -> tuple[DatasourceType, dict[str, Any]]:
    """Return the type of a connection that is to be made, and its properties, secrets in the clear.

    Raises:
        Invalid: the type is unknown, or a property is unknown or malformed; it is named.

    """
    kind = _kind(document.get("datasource_type"))
    return kind, _given(kind, document, {})


def adopted(context: Context, described: object) -> dict[str, Any]:
    """Return the entity of an imported connection; the secrets that it has are encrypted.

    Raises:
        Invalid: the type or a property is unknown.

    """
    document = described if isinstance(described, Mapping) else {}
    kind = _kind(document.get("datasource_type"))
    return _entity(context, kind, document, {})


def _kind(reference: object) -> DatasourceType:
    try:
        return datasource_types.find(str(reference or ""))
    except NotFound as error:
        raise Invalid(f"datasource_type: {error.message}", code=error.code, field="datasource_type") from error


def _entity(
    context: Context, kind: DatasourceType, document: Mapping[str, Any], sealed: Mapping[str, str]
) -> dict[str, Any]:
    given = _given(kind, document, sealed)
    secret = datasource_types.masked(kind)
    fresh = {name: context.secrets.encrypt(str(value)) for name, value in given.items() if name in secret}
    described = {
        "name": name_of(document),
        "description": description_of(document),
        "datasource_type": kind.id,
        "properties": {name: value for name, value in given.items() if name not in secret},
        "origin_country": str(document.get("origin_country") or "us"),
    }
    return {"connection": described, SEALED: {**sealed, **fresh}}


def _given(kind: DatasourceType, document: Mapping[str, Any], sealed: Mapping[str, str]) -> dict[str, Any]:
    given = document.get("properties") or {}
    if not isinstance(given, Mapping):
        raise Invalid("properties: it is an object of names and values.", field="properties")
    found = {name: value for name, value in given.items() if value is not None}
    # A secret that is stored already counts as given: clients never get it back, so they cannot send it again.
    datasource_types.check(kind, {**dict.fromkeys(sealed, "*"), **found})
    return found
