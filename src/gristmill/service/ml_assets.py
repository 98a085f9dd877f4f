"""What models and functions do alike: made from a flat document, patched, given content, frozen as revisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gristmill.domain.asset import HEAD, Asset, AssetType, Attachment
from gristmill.domain.asset_document import description_of, name_of, patched, tags_of
from gristmill.domain.errors import Invalid, NotFound
from gristmill.domain.model_signature import with_schema
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import software_specifications
from gristmill.service.access import authorize
from gristmill.service.asset_access import find
from gristmill.service.contents import let_go
from gristmill.service.context import Context, Limits
from gristmill.service.model_content import Checked
from gristmill.store import assets, attachments
from gristmill.store.database import Connection

_METADATA = ("name", "description", "tags")
_NOT_ENTITY = {*_METADATA, "space_id", "project_id", "content_import_state"}


@dataclass(frozen=True, slots=True)
class Upload:
    """Content that a check is asked about. ``python`` is the version that the asset's software specification names."""

    path: Path
    type: str
    python: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two. ``roots`` are the members that a patch may change; the checks refuse what is wrong."""

    type: AssetType
    noun: str
    roots: tuple[str, ...]
    check_entity: Callable[[Mapping[str, Any]], None]
    check_content: Callable[[Upload], Checked]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Content that was kept. ``doubt`` is a warning for the user, if there is one."""

    attachment: Attachment
    doubt: str | None = None


def create(context: Context, actor: Actor, kind: Kind, space_id: str | None, document: Mapping[str, Any]) -> Asset:
    """Make a model or function whose content comes next.

    Raises:
        Invalid: a member is missing or wrong, or the software specification is unknown; the field is named.

    """
    now = context.now()
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        asset = Asset(
            id=context.new_id(),
            space_id=space.id,
            type=kind.type,
            name=name_of(document),
            description=description_of(document),
            tags=tags_of(document),
            entity=_entity(connection, kind, space.id, document),
            owner_id=actor.user_id,
            created_at=now,
            modified_at=now,
        )
        assets.create(connection, asset)
    return asset


def get(
    context: Context, actor: Actor, kind: Kind, space_id: str | None, asset_id: str, *, revision: int = HEAD
) -> Asset:
    """Return a model or function at its head or at a revision."""
    with context.database.snapshot() as connection:
        return _find(connection, actor, kind, space_id, asset_id, Permission.VIEW, revision)


def page(
    context: Context, actor: Actor, kind: Kind, space_id: str | None, *, limit: int, start: str | None = None
) -> Page[Asset]:
    """List the models or functions of a space."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return assets.page(connection, space.id, kind.type, limit=limit, start=start)


def patch(
    context: Context,
    actor: Actor,
    kind: Kind,
    space_id: str | None,
    asset_id: str,
    operations: Sequence[Mapping[str, Any]],
) -> Asset:
    """Change a model or function.

    Raises:
        Invalid: an operation is about something that cannot be changed; the message names its path.

    """
    with context.database.transaction() as connection:
        asset = _find(connection, actor, kind, space_id, asset_id, Permission.EDIT)
        document = {
            **asset.entity,
            "name": asset.name,
            "description": asset.description,
            "tags": list(asset.tags),
        }
        wanted = patched(document, operations, roots=(*_METADATA, *kind.roots))
        changed = replace(
            asset,
            name=name_of(wanted),
            description=description_of(wanted),
            tags=tags_of(wanted),
            entity={**_entity(connection, kind, asset.space_id, wanted), **_state(asset.entity)},
            modified_at=context.now(),
        )
        names = (*_METADATA, "entity", "modified_at")
        assets.change(connection, asset.id, {name: getattr(changed, name) for name in names})
    return changed


def check_upload(context: Context, actor: Actor, kind: Kind, space_id: str | None, asset_id: str) -> None:
    """Check that the actor may upload to this asset, before the bytes come.

    Raises:
        NotFound: it is not there.
        Forbidden: the actor's role does not allow it.

    """
    with context.database.snapshot() as connection:
        _find(connection, actor, kind, space_id, asset_id, Permission.EDIT)


def upload(context: Context, actor: Actor, kind: Kind, space_id: str | None, asset_id: str, path: Path) -> Uploaded:
    """Keep a file as the content, in place of what was there; runs that were made before keep the old one.

    Raises:
        Invalid: the file is not what the asset's type says; nothing is kept.

    """
    with context.database.snapshot() as connection:
        asset = _find(connection, actor, kind, space_id, asset_id, Permission.EDIT)
        python = _python(connection, asset)
    model_type = str(asset.entity.get("type", ""))
    checked = kind.check_content(Upload(path, model_type, python, context.limits))
    stored = context.content.put_file(path)
    attachment = Attachment(
        id=context.new_id(),
        asset_id=asset_id,
        name=checked.name,
        content_key=stored.key,
        size=stored.size,
        sha256=stored.sha256,
        complete=True,
        created_at=context.now(),
    )
    try:
        with context.database.transaction() as connection:
            asset = _find(connection, actor, kind, space_id, asset_id, Permission.EDIT)
            described = replace(asset, entity=with_schema(asset.entity, checked.fields))
            _attach(context, connection, described, attachment)
    except BaseException as error:
        let_go(context, [stored.key], error)
        raise
    return Uploaded(attachment, checked.doubt)


def content(
    context: Context, actor: Actor, kind: Kind, space_id: str | None, asset_id: str, *, revision: int = HEAD
) -> tuple[Attachment, Iterator[bytes]]:
    """Return the content as it was uploaded.

    Raises:
        NotFound: none was uploaded.

    """
    with context.database.snapshot() as connection:
        _find(connection, actor, kind, space_id, asset_id, Permission.VIEW, revision)
        attachment = attachments.content_of(connection, asset_id, revision=revision)
    if attachment is None or attachment.content_key is None:
        raise NotFound(f"This {kind.noun} has no content: its upload never came.", code="no_content")
    return attachment, context.content.stream(attachment.content_key)


def freeze(context: Context, actor: Actor, kind: Kind, space_id: str | None, asset_id: str) -> Asset:
    """Freeze a model or function as its next revision."""
    with context.database.transaction() as connection:
        asset = _find(connection, actor, kind, space_id, asset_id, Permission.EDIT)
        return assets.freeze(connection, asset, message=None, at=context.now(), new_id=context.new_id)


def revisions(
    context: Context,
    actor: Actor,
    kind: Kind,
    space_id: str | None,
    asset_id: str,
    *,
    limit: int,
    start: str | None = None,
) -> Page[Asset]:
    """List the revisions of a model or function."""
    with context.database.snapshot() as connection:
        asset = _find(connection, actor, kind, space_id, asset_id, Permission.VIEW)
        return assets.revisions(connection, asset, limit=limit, start=start)


def checked_entity(connection: Connection, kind: Kind, space_id: str, entity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entity of an imported model or function, checked as a new one is."""
    return _entity(connection, kind, space_id, entity)


def _find(
    connection: Connection,
    actor: Actor,
    kind: Kind,
    space_id: str | None,
    asset_id: str,
    permission: Permission,
    revision: int = HEAD,
) -> Asset:
    return find(connection, actor, space_id, asset_id, permission, types={kind.type}, revision=revision)


def _entity(connection: Connection, kind: Kind, space_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
    entity = {name: value for name, value in document.items() if name not in _NOT_ENTITY and value is not None}
    kind.check_entity(entity)
    reference = entity.get("software_spec")
    if reference is None:
        if entity.get("hybrid_pipeline_software_specs"):
            return entity
        raise Invalid(f"software_spec: a {kind.noun} needs one: {{id}} or {{name}}.", field="software_spec")
    named = reference if isinstance(reference, Mapping) else {"id": reference}
    wanted = named.get("id") or named.get("base_id") or named.get("name")
    found = software_specifications.find(connection, space_id, wanted)
    return {**entity, "software_spec": {"id": found.id, "name": found.name}}


def _state(entity: Mapping[str, Any]) -> dict[str, Any]:
    state = entity.get("content_import_state")
    return {"content_import_state": state} if state else {}


def _python(connection: Connection, asset: Asset) -> str:
    reference = asset.entity.get("software_spec")
    if not isinstance(reference, Mapping):
        return ""
    return software_specifications.find(connection, asset.space_id, reference.get("id")).platform_version


def _attach(context: Context, connection: Connection, asset: Asset, attachment: Attachment) -> None:
    old = [other.id for other in attachments.of_asset(connection, asset.id)]
    attachments.delete_these(connection, old, context.now())
    attachments.create(connection, attachment)
    values = {
        "entity": {**asset.entity, "content_import_state": "completed"},
        "size": attachment.size,
        "modified_at": context.now(),
    }
    assets.change(connection, asset.id, values)
