"""Assets of any type: data assets, scripts and plain documents; and reading, patching, deleting all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from gristmill.domain import parameter_set
from gristmill.domain.asset import HEAD, Asset, AssetType
from gristmill.domain.asset_document import SEALED, description_of, name_of, patched, tags_of
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import scripts
from gristmill.service.access import authorize
from gristmill.service.asset_access import AssetWithAttachments, find, shown
from gristmill.service.context import Context
from gristmill.store import assets, attachments
from gristmill.store.database import Connection

MADE_ELSEWHERE = {
    AssetType.MODEL: "POST /ml/v4/models",
    AssetType.FUNCTION: "POST /ml/v4/functions",
    AssetType.CONNECTION: "POST /v2/connections",
}
"""Types whose entities have rules of their own: their routes know them."""

_METADATA = ("metadata/name", "metadata/description", "metadata/tags")


class DuplicateAction(StrEnum):
    """What to do when the space has an asset of the same type and name."""

    IGNORE = "IGNORE"
    REJECT = "REJECT"
    UPDATE = "UPDATE"
    REPLACE = "REPLACE"


def create(
    context: Context,
    actor: Actor,
    space_id: str | None,
    document: Mapping[str, Any],
    *,
    duplicate_action: str | None = None,
) -> AssetWithAttachments:
    """Make an asset from the wire's ``{metadata, entity}``.

    Raises:
        Invalid: the name or type is missing, or the entity names something that the space does not have.
        Conflict: an asset of the same name is there, and that is to be rejected.

    """
    metadata = document.get("metadata")
    if not isinstance(metadata, Mapping):
        raise Invalid("metadata: send {metadata: {name, asset_type}, entity}.", field="metadata")
    action = _action(duplicate_action)
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        asset = _new(context, actor, space.id, metadata, document.get("entity"))
        _check(connection, asset)
        same = None
        if action is not DuplicateAction.IGNORE:
            same = assets.named(connection, space.id, asset.type, asset.name)
        if same is None:
            assets.create(connection, asset)
            return AssetWithAttachments(asset)
        return _met(context, connection, same, asset, action)


def get(
    context: Context, actor: Actor, space_id: str | None, asset_id: str, *, revision: int = HEAD
) -> AssetWithAttachments:
    """Return an asset at its head or at a revision."""
    with context.database.snapshot() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.VIEW, revision=revision)
        found = attachments.of_asset(connection, asset_id, revision=revision)
    return AssetWithAttachments(shown(asset), tuple(found))


def patch(
    context: Context, actor: Actor, space_id: str | None, asset_id: str, operations: Sequence[Mapping[str, Any]]
) -> AssetWithAttachments:
    """Change metadata, and the entity of those types that have no routes of their own.

    Raises:
        Invalid: an operation is about something else; the message names its path.

    """
    with context.database.transaction() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.EDIT)
        roots = _METADATA if asset.type in MADE_ELSEWHERE else (*_METADATA, "entity")
        document = patched(_document(asset), operations, roots=roots)
        return _changed(context, connection, asset, document["metadata"], document["entity"])


def patch_attribute(
    context: Context,
    actor: Actor,
    space_id: str | None,
    asset_id: str,
    attribute: str,
    operations: Sequence[Mapping[str, Any]],
) -> AssetWithAttachments:
    """Change one member of an asset's entity; paths begin inside it."""
    prefixed = [
        {**operation, "path": f"entity/{attribute}/{str(operation.get('path', '')).strip('/')}"}
        for operation in operations
        if isinstance(operation, Mapping)
    ]
    return patch(context, actor, space_id, asset_id, prefixed)


def delete(context: Context, actor: Actor, space_id: str | None, asset_id: str, *, purge: bool = False) -> None:
    """Move an asset to the trash, or delete it for good.

    Raises:
        Conflict: deployments use it; they are named.

    """
    with context.database.transaction() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.EDIT)
        names = assets.deployments_using(connection, asset_id)
        if names:
            raise Conflict(
                f"{asset.name} is deployed as {', '.join(names[:10])}. Delete its deployments first.",
                code="asset_in_use",
            )
        # A deployment that is on its way out still refers to the asset: then the trash must do.
        if purge and not assets.is_held_by_deployment(connection, asset_id):
            _purge(connection, context, asset)
        else:
            assets.change(connection, asset_id, {"deleted_at": context.now()})


def freeze(
    context: Context, actor: Actor, space_id: str | None, asset_id: str, *, message: str | None = None
) -> AssetWithAttachments:
    """Freeze an asset as its next revision."""
    with context.database.transaction() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.EDIT)
        frozen = assets.freeze(connection, asset, message=message, at=context.now(), new_id=context.new_id)
        found = attachments.of_asset(connection, asset_id, revision=frozen.revision)
    return AssetWithAttachments(shown(frozen), tuple(found))


def revisions(
    context: Context, actor: Actor, space_id: str | None, asset_id: str, *, limit: int, start: str | None = None
) -> Page[AssetWithAttachments]:
    """List the revisions of an asset."""
    with context.database.snapshot() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.VIEW)
        page = assets.revisions(connection, asset, limit=limit, start=start)
        items = [
            AssetWithAttachments(
                shown(frozen), tuple(attachments.of_asset(connection, asset_id, revision=frozen.revision))
            )
            for frozen in page.items
        ]
    return Page(items=items, next=page.next, total=page.total)


def _action(name: str | None) -> DuplicateAction:
    try:
        return DuplicateAction((name or "IGNORE").upper())
    except ValueError:
        known = ", ".join(DuplicateAction)
        raise Invalid(f"duplicate_action: {name} is none of {known}.", field="duplicate_action") from None


def _new(context: Context, actor: Actor, space_id: str, metadata: Mapping[str, Any], entity: object) -> Asset:
    type_name = metadata.get("asset_type")
    if not isinstance(type_name, str) or not type_name or len(type_name) > 60:
        raise Invalid("metadata.asset_type: name the type, such as data_asset.", field="metadata.asset_type")
    for other, route in MADE_ELSEWHERE.items():
        if type_name == other:
            raise Invalid(f"metadata.asset_type: make a {type_name} with {route}.", field="metadata.asset_type")
    now = context.now()
    return Asset(
        id=context.new_id(),
        space_id=space_id,
        type=type_name,
        name=name_of(metadata, field="metadata.name"),
        description=description_of(metadata, field="metadata.description"),
        tags=tags_of(metadata, field="metadata.tags"),
        entity=_entity(entity),
        owner_id=actor.user_id,
        created_at=now,
        modified_at=now,
    )


def _entity(entity: object) -> Mapping[str, Any]:
    if entity is None:
        return {}
    if not isinstance(entity, Mapping) or SEALED in entity:
        raise Invalid("entity: it is an object whose members are named for the asset's attributes.", field="entity")
    return entity


def _check(connection: Connection, asset: Asset) -> None:
    """Check what the entity refers to."""
    described = asset.entity.get(asset.type)
    match asset.type:
        case AssetType.SCRIPT:
            scripts.check(connection, asset)
        case AssetType.FOLDER if isinstance(described, Mapping) and described.get("connection_id"):
            check_connection(
                connection, asset.space_id, described["connection_id"], "entity.folder_asset.connection_id"
            )
        case AssetType.PARAMETER_SET:
            parameter_set.check(described)
        case AssetType.JOB | AssetType.JOB_RUN:
            where = "metadata.asset_type"
            raise Invalid(f"{where}: make a {asset.type} with POST /v2/jobs, not as an asset.", field=where)


def check_connection(connection: Connection, space_id: str, connection_id: object, field: str) -> None:
    """Check that the space has a connection of this id.

    Raises:
        Invalid: it has none.

    """
    found = assets.get(connection, str(connection_id))
    if found is None or found.space_id != space_id or found.type != AssetType.CONNECTION or found.deleted_at:
        raise Invalid(f"{field}: there is no connection {connection_id} in this space.", field=field)


def _met(
    context: Context, connection: Connection, same: Asset, wanted: Asset, action: DuplicateAction
) -> AssetWithAttachments:
    """Do with an asset of the same name what was asked for."""
    if action is DuplicateAction.REJECT:
        raise Conflict(f"There is a {same.type} named {same.name} already.", code="name_taken", field="metadata.name")
    entity = dict(wanted.entity) if action is DuplicateAction.REPLACE else {**same.entity, **wanted.entity}
    if action is DuplicateAction.REPLACE:
        old = attachments.of_asset(connection, same.id)
        attachments.delete_these(connection, [attachment.id for attachment in old], context.now())
    metadata = {
        "name": same.name,
        "description": wanted.description or ("" if action is DuplicateAction.REPLACE else same.description),
        "tags": wanted.tags or ([] if action is DuplicateAction.REPLACE else same.tags),
    }
    return _changed(context, connection, same, metadata, entity)


def _changed(
    context: Context, connection: Connection, asset: Asset, metadata: Mapping[str, Any], entity: Mapping[str, Any]
) -> AssetWithAttachments:
    sealed = {SEALED: asset.entity[SEALED]} if SEALED in asset.entity else {}
    values = {
        "name": name_of(metadata, field="metadata.name"),
        "description": description_of(metadata, field="metadata.description"),
        "tags": list(tags_of({"tags": list(metadata.get("tags") or [])}, field="metadata.tags")),
        "entity": {**_entity(entity), **sealed},
        "size": attachments.size_of(connection, asset.id),
        "modified_at": context.now(),
    }
    assets.change(connection, asset.id, values)
    changed = assets.get(connection, asset.id)
    assert changed is not None
    _check(connection, changed)
    return AssetWithAttachments(shown(changed), tuple(attachments.of_asset(connection, asset.id)))


def _document(asset: Asset) -> dict[str, Any]:
    metadata = {"name": asset.name, "description": asset.description, "tags": list(asset.tags)}
    return {"metadata": metadata, "entity": dict(shown(asset).entity)}


def _purge(connection: Connection, context: Context, asset: Asset) -> None:
    # A deployment that is being made at this very moment is refused to lose it by a foreign key, which is a conflict.
    assets.purge(connection, [asset.id], context.now())
