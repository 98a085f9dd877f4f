"""Package extensions: a conda file, a pip archive or requirements that derived software specifications add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gristmill.domain.asset_document import description_of, name_of
from gristmill.domain.errors import Conflict, Invalid, NotFound
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.specification import PackageExtension
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.contents import let_go
from gristmill.service.context import Context
from gristmill.service.extension_files import addition
from gristmill.store import package_extensions as store
from gristmill.store import software_specifications
from gristmill.store.database import Connection

TYPES = ("conda_yml", "pip_zip", "requirements_txt", "custom_library")


def create(context: Context, actor: Actor, space_id: str | None, document: Mapping[str, Any]) -> PackageExtension:
    """Make a package extension whose file is uploaded next.

    Raises:
        Invalid: the type is none of ours.
        Conflict: the name is taken.

    """
    if document.get("type") not in TYPES:
        raise Invalid(f"type: {document.get('type')!r} is none of {', '.join(TYPES)}.", field="type")
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        name = name_of(document)
        if store.named(connection, space.id, name):
            raise Conflict(f"There is a package extension named {name} already.", code="name_taken", field="name")
        extension = PackageExtension(
            id=context.new_id(),
            space_id=space.id,
            name=name,
            description=description_of(document),
            type=str(document["type"]),
            created_at=context.now(),
        )
        store.create(connection, extension)
    return extension


def get(context: Context, actor: Actor, space_id: str | None, extension_id: str) -> PackageExtension:
    """Return a package extension of the space."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return _get(connection, extension_id, space.id)


def page(
    context: Context, actor: Actor, space_id: str | None, *, name: str | None, limit: int, start: str | None = None
) -> Page[PackageExtension]:
    """List the package extensions of a space."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        found = store.page(connection, space.id, name=name, limit=limit, start=start)
        total = store.count(connection, space.id)
    return Page(items=found.items, next=found.next, total=total if name is None else len(found.items))


def upload(context: Context, extension_id: str, path: Path) -> None:
    """Keep an uploaded file as the extension's content. The caller has checked the signature of the link.

    Raises:
        NotFound: the extension was deleted meanwhile.
        Conflict: its upload is complete.

    """
    _open_for_upload(context, extension_id)
    stored = context.content.put_file(path)
    try:
        with context.database.transaction() as connection:
            extension = _incomplete(_get(connection, extension_id))
            store.set_content(connection, extension, key=stored.key, size=stored.size, at=context.now())
    except BaseException as error:
        let_go(context, [stored.key], error)
        raise


def complete(context: Context, actor: Actor, space_id: str | None, extension_id: str) -> None:
    """Mark the upload complete; doing so twice is fine.

    Raises:
        Invalid: nothing was uploaded, or the file asks for what cannot be had: another one may be uploaded.
        Conflict: another file came at the same moment.

    """
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        read = _get(connection, extension_id, space.id)
    if read.content_key is None:
        raise Invalid("No file came for this package extension. PUT it to its href first.", code="nothing_uploaded")
    if not read.complete:
        addition(context, read.content_key, type_=read.type, where=f"package extension {read.name}")
    with context.database.transaction() as connection:
        extension = _get(connection, extension_id, space.id)
        if extension.content_key != read.content_key:
            raise Conflict("Another file came meanwhile. Say again that the upload is complete.", code="upload_changed")
        if not extension.complete:
            store.complete(connection, extension.id)


def delete(context: Context, actor: Actor, space_id: str | None, extension_id: str) -> None:
    """Delete a package extension.

    Raises:
        Conflict: a software specification adds it.

    """
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        extension = _get(connection, extension_id, space.id)
        names = software_specifications.extending(connection, space.id, extension_id)
        if names:
            raise Conflict(
                f"{extension.name} is part of {', '.join(names[:10])}. Take it out there first.",
                code="package_extension_in_use",
            )
        store.remove(connection, extension, context.now())


def content(context: Context, extension_id: str) -> tuple[PackageExtension, Iterator[bytes]]:
    """Return the extension and its bytes. The caller has checked the signature of the link."""
    with context.database.snapshot() as connection:
        extension = _get(connection, extension_id)
    if extension.content_key is None:
        raise NotFound("No file came for this package extension yet.", code="no_content")
    return extension, context.content.stream(extension.content_key)


def _open_for_upload(context: Context, extension_id: str) -> None:
    with context.database.snapshot() as connection:
        _incomplete(_get(connection, extension_id))


def _incomplete(extension: PackageExtension) -> PackageExtension:
    if extension.complete:
        raise Conflict(
            "The upload of this package extension is complete. Make another one for other packages.",
            code="upload_complete",
        )
    return extension


def _get(connection: Connection, extension_id: str, space_id: str | None = None) -> PackageExtension:
    found = store.get(connection, extension_id)
    if found is None or (space_id is not None and found.space_id != space_id):
        raise NotFound(
            f"There is no package extension {extension_id} in this space.", code="package_extension_not_found"
        )
    return found
