"""Exports: a space, or assets of it, as a zip with a manifest, made before the request is answered."""

from __future__ import annotations

import json
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill.domain import export_manifest
from gristmill.domain.asset import Asset, Attachment
from gristmill.domain.asset_document import description_of, name_of
from gristmill.domain.errors import Invalid, NotFound
from gristmill.domain.export import Export, ExportKind
from gristmill.domain.export_parts import Parts
from gristmill.domain.page import MAX_LIMIT, Page
from gristmill.domain.space import Permission
from gristmill.domain.specification import PackageExtension
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.contents import let_go
from gristmill.service.context import Context
from gristmill.service.export_parts import gather
from gristmill.store import assets, attachments
from gristmill.store import exports as store
from gristmill.store.database import Connection


def create(context: Context, actor: Actor, space_id: str | None, document: Mapping[str, Any]) -> Export:
    """Export assets: some by id, some by type, or all of them, with which all else goes that the space is made of.

    Raises:
        Invalid: nothing is named, or an asset that the space does not have.

    """
    name, wanted = name_of(document), document.get("assets")
    chosen = _Choice(wanted)
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        found = [entry for entry in _with_attachments(connection, space.id) if chosen.takes(entry[0])]
        parts, files = gather(context, connection, space.id) if chosen.whole else (None, [])
    chosen.check(found)
    stored = _packed(context, found, parts, files)
    export = Export(
        id=context.new_id(),
        space_id=space.id,
        kind=ExportKind.EXPORT,
        name=name,
        description=description_of(document),
        document={"assets": wanted},
        content_key=stored,
        owner_id=actor.user_id,
        created_at=context.now(),
    )
    try:
        with context.database.transaction() as connection:
            store.create(connection, export)
    except BaseException as error:
        let_go(context, [stored], error)
        raise
    return export


def get(context: Context, actor: Actor, kind: ExportKind, space_id: str | None, export_id: str) -> Export:
    """Return an export or import of the space."""
    with context.database.snapshot() as connection:
        return _find(connection, actor, kind, space_id, export_id, Permission.VIEW)


def page(
    context: Context, actor: Actor, kind: ExportKind, space_id: str | None, *, limit: int, start: str | None = None
) -> Page[Export]:
    """List the exports, or the imports, of a space."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return store.page(connection, space.id, kind, limit=limit, start=start)


def content(context: Context, actor: Actor, space_id: str | None, export_id: str) -> tuple[Export, Iterator[bytes]]:
    """Return an export and the bytes of its zip."""
    with context.database.snapshot() as connection:
        export = _find(connection, actor, ExportKind.EXPORT, space_id, export_id, Permission.VIEW)
    assert export.content_key is not None, "an export has its zip before it has a row"
    return export, context.content.stream(export.content_key)


def delete(
    context: Context, actor: Actor, kind: ExportKind, space_id: str | None, export_id: str, *, hard: bool
) -> None:
    """Delete an export or import when ``hard``; else cancel it, which changes nothing once it is complete."""
    with context.database.transaction() as connection:
        export = _find(connection, actor, kind, space_id, export_id, Permission.EDIT)
        if hard:
            store.remove(connection, export, context.now())


class _Choice:
    """Which assets an export takes."""

    def __init__(self, wanted: object) -> None:
        given = wanted if isinstance(wanted, Mapping) else {}
        self.whole = given.get("all_assets") is True
        self._ids = self._texts(given, "asset_ids")
        self._types = self._texts(given, "asset_types")
        if not (self.whole or self._ids or self._types):
            raise Invalid(
                "assets: say which: {all_assets: true}, {asset_ids: [...]} or {asset_types: [...]}.", field="assets"
            )

    def takes(self, asset: Asset) -> bool:
        return self.whole or asset.id in self._ids or asset.type in self._types

    def check(self, found: list[tuple[Asset, list[Attachment]]]) -> None:
        unknown = self._ids - {asset.id for asset, _ in found}
        if unknown:
            first = min(unknown)
            raise Invalid(f"assets.asset_ids: there is no asset {first} in this space.", field="assets.asset_ids")

    @staticmethod
    def _texts(given: Mapping[str, Any], name: str) -> set[str]:
        texts = given.get(name) or []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Invalid(f"assets.{name}: it is a list of texts.", field=f"assets.{name}")
        return set(texts)


def _with_attachments(connection: Connection, space_id: str) -> Iterator[tuple[Asset, list[Attachment]]]:
    start = None
    while True:
        page = assets.all_of_space(connection, space_id, limit=MAX_LIMIT, start=start)
        found = attachments.of_assets(connection, [asset.id for asset in page.items])
        yield from ((asset, found[asset.id]) for asset in page.items)
        start = page.next
        if start is None:
            return


def _packed(
    context: Context,
    found: list[tuple[Asset, list[Attachment]]],
    parts: Parts | None,
    files: Sequence[PackageExtension],
) -> str:
    path = _draft(context)
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            entries = [export_manifest.entry(asset, owned) for asset, owned in found]
            archive.writestr(export_manifest.FILE, json.dumps(export_manifest.document(entries, parts), indent=1))
            for _, owned in found:
                for attachment in owned:
                    if attachment.complete:
                        _pack(context, archive, attachment)
            for extension in files:
                _pack(context, archive, extension)
        return context.content.put_file(path).key
    finally:
        path.unlink(missing_ok=True)


def _pack(context: Context, archive: zipfile.ZipFile, kept: Attachment | PackageExtension) -> None:
    if kept.content_key is None:
        return
    with archive.open(export_manifest.content_path(kept.id), "w", force_zip64=True) as target:
        for block in context.content.stream(kept.content_key):
            target.write(block)


def _draft(context: Context) -> Path:
    folder = context.data_dir / "staging"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"export-{uuid.uuid4().hex}.zip"


def _find(
    connection: Connection, actor: Actor, kind: ExportKind, space_id: str | None, export_id: str, permission: Permission
) -> Export:
    space = authorize(connection, actor, space_id, permission)
    found = store.get(connection, export_id)
    if found is None or found.space_id != space.id or found.kind is not kind:
        raise NotFound(f"There is no {kind} {export_id} in this space.", code=f"{kind}_not_found")
    return found
