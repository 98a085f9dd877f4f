"""Imports: what an export's zip holds becomes a part of a space, all in one transaction, with new ids."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gristmill.content.content import Stored
from gristmill.domain import export_manifest
from gristmill.domain.archive import inner_path, refused
from gristmill.domain.asset import Asset, AssetType, Attachment
from gristmill.domain.errors import GristmillError, Invalid
from gristmill.domain.export import Export, ExportKind
from gristmill.domain.export_manifest import ExportedAsset
from gristmill.domain.export_parts import Parts, with_ids
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import connections, ml_assets, software_specifications
from gristmill.service.access import authorize
from gristmill.service.archives import Packing, packing_of, unpack
from gristmill.service.contents import let_go
from gristmill.service.context import Context
from gristmill.service.extension_files import addition
from gristmill.service.functions import FUNCTION
from gristmill.service.import_parts import PartsWork, after_assets, before_assets
from gristmill.service.models import MODEL
from gristmill.store import assets, attachments
from gristmill.store import exports as store
from gristmill.store.database import Connection

_KINDS = {str(kind.type): kind for kind in (MODEL, FUNCTION)}


@dataclass(slots=True)
class _Work:
    """What an import comes to. ``ids`` leads from the ids of the export to those of this space.

    ``there`` are ids of the export whose assets the space has already, ``made`` those of this space that were made.
    """

    ids: dict[str, str] = field(default_factory=dict)
    skipped: list[dict[str, str]] = field(default_factory=list)
    imported: int = 0
    stored: dict[str, Stored] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)

    def leave_out(self, asset: ExportedAsset, reason: str) -> None:
        """Skip an asset that cannot be here, so that nothing may refer to it."""
        self.ids.pop(asset.id, None)
        self.skip(asset, reason)

    def skip(self, asset: ExportedAsset, reason: str) -> None:
        self.skipped.append({"name": asset.name, "asset_type": asset.type, "reason": reason})


def create(context: Context, actor: Actor, space_id: str | None, path: Path) -> Export:
    """Import the zip of an export.

    An asset whose name and type the space has already is skipped, and what refers to it refers to that one; so an
    import that is repeated changes nothing. Connections come without their secrets.

    Raises:
        Invalid: the file is no export, or is broken; nothing is kept.

    """
    check_upload(context, actor, space_id)
    folder = context.data_dir / "staging" / f"import-{uuid.uuid4().hex}"
    work = _Work()
    try:
        found, parts = _unpacked(context, path, folder)
        _keep_files(context, found, folder, work)
        _keep_extensions(context, parts, folder, work)
        with context.database.transaction() as connection:
            space = authorize(connection, actor, space_id, Permission.EDIT)
            work.ids[parts.space_id] = space.id
            others = _parts_work(context, connection, actor, space.id, work)
            before_assets(others, parts)
            _know_assets(context, connection, space.id, found, work)
            for asset in found:
                here = replace(asset, entity=with_ids(asset.entity, work.ids))
                _import(context, connection, actor, space.id, here, work)
                _name_secrets(here, work, others)
            after_assets(others, parts)
            done = _record(context, actor, space.id, work, others)
            store.create(connection, done)
    except BaseException as error:
        let_go(context, [stored.key for stored in work.stored.values()], error)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    let_go(context, [stored.key for place, stored in work.stored.items() if place not in work.used])
    return done


def check_upload(context: Context, actor: Actor, space_id: str | None) -> None:
    """Check that the actor may import into this space, before the bytes come."""
    with context.database.snapshot() as connection:
        authorize(connection, actor, space_id, Permission.EDIT)


def _unpacked(context: Context, path: Path, folder: Path) -> tuple[list[ExportedAsset], Parts]:
    with path.open("rb") as stream:
        if packing_of(stream) is not Packing.ZIP:
            raise refused("The file is no zip; send what GET /v2/asset_exports/{id}/content gave.")
        unpack(stream, folder, name="export", limits=context.limits)
    manifest = folder / export_manifest.FILE
    if not manifest.is_file():
        raise refused(f"The zip has no {export_manifest.FILE}; send what an export gave.")
    if manifest.stat().st_size > export_manifest.MOST_BYTES:
        raise refused(f"{export_manifest.FILE} has more than {export_manifest.MOST_BYTES} bytes.")
    try:
        return export_manifest.read(json.loads(manifest.read_bytes()))
    except (ValueError, RecursionError) as error:
        raise refused(f"{export_manifest.FILE} is no JSON: {error}.") from error


def _keep_files(context: Context, found: list[ExportedAsset], folder: Path, work: _Work) -> None:
    """Put every file that the manifest names into the content store, once it is what its asset's type says."""
    for asset in found:
        for file in asset.files:
            if file.path is None or file.path in work.stored:
                continue
            path = folder / file.path
            if not path.is_file() or file.path == export_manifest.FILE:
                raise refused(f"The zip has no {file.path}, which its manifest names for {asset.name}.")
            reason = _doubt(context, asset, path)
            if reason is None:
                work.stored[file.path] = context.content.put_file(path)


def _keep_extensions(context: Context, parts: Parts, folder: Path, work: _Work) -> None:
    """Put the files of package extensions into the content store, once they are what their types say."""
    for entry in parts.of("package_extensions"):
        inner = inner_path(str(entry.get("path") or ""))
        if not inner or inner in work.stored or not (folder / inner).is_file() or inner == export_manifest.FILE:
            continue
        stored = context.content.put_file(folder / inner)
        # Noted first: whatever is wrong with it, it is let go.
        work.stored[inner] = stored
        try:
            addition(context, stored.key, type_=str(entry.get("type")), where=f"package extension {entry['name']}")
        except GristmillError:
            context.content.delete(work.stored.pop(inner).key)


def _parts_work(context: Context, connection: Connection, actor: Actor, space_id: str, work: _Work) -> PartsWork:
    return PartsWork(
        context=context,
        connection=connection,
        actor=actor,
        space_id=space_id,
        ids=work.ids,
        stored=work.stored,
        used=work.used,
        skipped=work.skipped,
    )


def _know_assets(
    context: Context, connection: Connection, space_id: str, found: list[ExportedAsset], work: _Work
) -> None:
    """Settle which ids the assets have here, before any is made: they refer to each other in any order."""
    for asset in found:
        same = assets.named(connection, space_id, asset.type, asset.name)
        work.ids[asset.id] = same.id if same else context.new_id()
        if same:
            work.there.add(asset.id)


def _name_secrets(asset: ExportedAsset, work: _Work, others: PartsWork) -> None:
    if asset.secrets and work.ids.get(asset.id) in work.made:
        others.note(asset.type, asset.name, f"set its secrets again: {', '.join(asset.secrets)}")


def _doubt(context: Context, asset: ExportedAsset, path: Path) -> str | None:
    """Return why a model's or function's file cannot be used."""
    kind = _KINDS.get(asset.type)
    if kind is None:
        return None
    try:
        kind.check_content(ml_assets.Upload(path, str(asset.entity.get("type", "")), "99.0", context.limits))
    except Invalid as error:
        return error.message
    return None


def _import(
    context: Context, connection: Connection, actor: Actor, space_id: str, asset: ExportedAsset, work: _Work
) -> None:
    if asset.id in work.there:
        work.skip(asset, "the space has one of this name already")
        return
    if any(file.path is not None and file.path not in work.stored for file in asset.files):
        work.leave_out(asset, "its content is not what its type says")
        return
    try:
        entity = _entity(context, connection, space_id, asset, work)
    except GristmillError as error:
        work.leave_out(asset, error.message)
        return
    _create(context, connection, actor, space_id, asset, entity, work)


def _entity(
    context: Context, connection: Connection, space_id: str, asset: ExportedAsset, work: _Work
) -> Mapping[str, Any]:
    """Return the entity as it is here: its references lead to assets and specifications of this space."""
    kind = _KINDS.get(asset.type)
    if kind is not None:
        checked = ml_assets.checked_entity(connection, kind, space_id, _by_name(asset.entity))
        return {**checked, "content_import_state": "completed"} if asset.files else checked
    entity = dict(asset.entity)
    described = entity.get(asset.type)
    if not isinstance(described, Mapping):
        return entity
    if asset.type == AssetType.CONNECTION:
        return connections.adopted(context, described)
    if asset.type == AssetType.SCRIPT and isinstance(described.get("software_spec"), Mapping):
        named = described["software_spec"]
        wanted = named.get("base_id") or named.get("id") or named.get("name")
        software_specifications.find(connection, space_id, wanted)
    if described.get("connection_id") in work.ids:
        return {**entity, asset.type: {**described, "connection_id": work.ids[described["connection_id"]]}}
    return entity


def _by_name(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Name the software specification rather than identify it: names are what two servers have in common."""
    reference = entity.get("software_spec")
    name = reference.get("name") if isinstance(reference, Mapping) else None
    return {**entity, "software_spec": {"name": name}} if name else dict(entity)


def _create(
    context: Context,
    connection: Connection,
    actor: Actor,
    space_id: str,
    asset: ExportedAsset,
    entity: Mapping[str, Any],
    work: _Work,
) -> None:
    now = context.now()
    ours = work.ids.get(asset.id)
    made = Asset(
        id=context.new_id() if ours is None or ours in work.made else ours,
        space_id=space_id,
        type=asset.type[:60],
        name=asset.name,
        description=asset.description,
        tags=list(asset.tags),
        entity=entity,
        owner_id=actor.user_id,
        size=sum(work.stored[file.path].size for file in asset.files if file.path),
        created_at=now,
        modified_at=now,
    )
    assets.create(connection, made)
    for file in asset.files:
        stored = work.stored[file.path] if file.path else None
        work.used.update([file.path] if file.path else [])
        attachments.create(
            connection,
            Attachment(
                id=context.new_id(),
                asset_id=made.id,
                name=file.name,
                mime=file.mime,
                content_key=stored.key if stored else None,
                size=stored.size if stored else 0,
                sha256=stored.sha256 if stored else None,
                complete=True,
                connection_id=work.ids.get(file.connection_id, file.connection_id) if file.connection_id else None,
                connection_path=file.connection_path,
                created_at=now,
            ),
        )
    work.ids[asset.id] = made.id
    work.made.add(made.id)
    work.imported += 1


def _record(context: Context, actor: Actor, space_id: str, work: _Work, others: PartsWork) -> Export:
    summary: dict[str, Any] = {"imported": work.imported, "skipped": work.skipped}
    if others.made:
        summary["made"] = others.made
    if others.attention:
        summary["attention"] = others.attention
    return Export(
        id=context.new_id(),
        space_id=space_id,
        kind=ExportKind.IMPORT,
        name="import",
        owner_id=actor.user_id,
        created_at=context.now(),
        document={"summary": summary},
    )
