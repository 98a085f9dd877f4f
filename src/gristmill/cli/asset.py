"""`gristmill asset`: what is kept in a space. Files come in here; models, functions and scripts by `asset_store.py`."""

from __future__ import annotations

import contextlib
import gzip
import mimetypes
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli import lookup, pages
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.failures import CommandFailed
from gristmill.cli.output import Column, Form, at
from gristmill.cli.pages import Found

if TYPE_CHECKING:
    from gristmill.cli.client import Json

assets = noun("asset", "Assets: data, models, functions, scripts and whatever else a space keeps.")
Asset = Annotated[str, typer.Argument(metavar="ASSET", help="Name or id of the asset.")]
File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The file.")]
AssetName = Annotated[str | None, typer.Option("--name", help="Name of the asset; by default, that of the file.")]
Description = Annotated[str, typer.Option("--description", help="What it is.")]
SHOWN = (
    Column("ID", "metadata.asset_id"),
    Column("NAME", "metadata.name"),
    Column("TYPE", "metadata.asset_type"),
    Column("SIZE", "metadata.size"),
    Column("CREATED", "metadata.created_at"),
)
_USES = (Column("ID", "id"), Column("KIND", "kind"), Column("NAME", "name"), Column("HOW", "how"))
_SHORT_TYPES = {"data": "data_asset", "model": "wml_model", "function": "wml_function"}
_CONTENT = {"wml_model": "/ml/v4/models/{}/content", "wml_function": "/ml/v4/functions/{}/code"}


@command(assets, "list")
def list_assets(
    session: Session,
    kind: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="data, model, function, script, connection, ...")
    ] = "asset",
    limit: Limit = LISTED,
) -> None:
    """List the assets of the space, the newest first."""
    kind = lookup.segment(_SHORT_TYPES.get(kind, kind))
    session.screen.listing(pages.search(session.client, kind, space_id=session.space_id, limit=limit), SHOWN)


@command(assets, "show")
def show(session: Session, asset: Asset) -> None:
    """Show an asset."""
    found = lookup.asset(session.client, session.space_id, asset)
    columns = (*SHOWN, Column("DESCRIPTION", "metadata.description"), Column("TAGS", "metadata.tags"))
    session.screen.document(found, columns)


@command(assets, "upload")
def upload(
    session: Session,
    file: File,
    name: AssetName = None,
    description: Description = "",
    mime: Annotated[str | None, typer.Option(help="Media type; by default, by the file's name.")] = None,
) -> None:
    """Upload a file as a data asset."""
    session.screen.document(upload_file(session, file, name=name, description=description, mime=mime), SHOWN)


@command(assets, "download")
def download(
    session: Session,
    asset: Asset,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-o", help="Where to write; - is standard output. By default, the asset's name, here."),
    ] = None,
) -> None:
    """Download the content of an asset; a function comes as Python unless the file's name ends with .gz."""
    found = lookup.asset(session.client, session.space_id, asset)
    if file is None and Path(file_name := Path(at(found, "metadata.name")).name).exists():
        raise CommandFailed(f"{file_name} is here already; name another file with -o.")
    target = file or Path(file_name)
    blocks = _content(session, found, unpacked=target.suffix != ".gz")
    if str(target) == "-":
        for block in blocks:
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        return
    size = _write(target, blocks)
    session.screen.remark(f"{size} bytes are in {target}.")


@command(assets, "preview")
def preview(
    session: Session,
    asset: Asset,
    rows: Annotated[int, typer.Option("--rows", min=1, max=500, help="How many rows.")] = 20,
) -> None:
    """Show the first rows of a data asset, its columns and their types, and how many rows it has."""
    asset_id = lookup.asset_id(session.client, session.space_id, asset)
    found = session.client.get(f"/v2/assets/{asset_id}/preview", space_id=session.space_id, rows=rows)
    if session.screen.form is not Form.TABLE:
        session.screen.document(found, (Column("ID", "asset_id"),))
        return
    titles = [f"{column['name']} ({column['type']})" for column in found["columns"]]
    session.screen.rows(titles, found["rows"])
    session.screen.remark(_extent(found))


@command(assets, "uses")
def uses(session: Session, asset: Asset) -> None:
    """List what refers to an asset: deployments and jobs, and data assets behind a connection."""
    asset_id = lookup.asset_id(session.client, session.space_id, asset)
    found = session.client.get(f"/v2/assets/{asset_id}/uses", space_id=session.space_id)
    kinds = ("deployment", "job", "asset")
    session.screen.listing(Found([{"kind": kind, **use} for kind in kinds for use in found[f"{kind}s"]]), _USES)
    if maker := found["made_by"]:
        session.screen.remark(f"Run {maker['run_id']} of job {maker['job_id']} made it.")


@command(assets, "delete")
def delete(
    session: Session,
    asset: Asset,
    purge: Annotated[bool, typer.Option("--purge", help="Delete it for good.")] = False,
) -> None:
    """Move an asset to the trash."""
    space_id = session.space_id
    asset_id = lookup.asset_id(session.client, space_id, asset)
    session.client.delete(f"/v2/assets/{asset_id}", space_id=space_id, purge_on_delete=purge)


def upload_file(
    session: Session, file: Path, *, name: str | None = None, description: str = "", mime: str | None = None
) -> Json:
    """Make a data asset of a file; return it."""
    mime = mime or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    metadata = {"name": name or file.name, "description": description, "asset_type": "data_asset"}
    document = {"metadata": metadata, "entity": {"data_asset": {"mime_type": mime}}}
    return store(session, document, file, mime=mime)


def store(session: Session, document: Json, file: Path, *, mime: str) -> Json:
    """Make an asset whose content is the file; return it. Where the content cannot be sent, there is no asset."""
    client, space_id = session.client, session.space_id
    asset_id = at(client.post("/v2/assets", document, space_id=space_id), "metadata.asset_id")
    place = f"/v2/assets/{asset_id}/attachments"
    asset_type = at(document, "metadata.asset_type")
    try:
        body = {"asset_type": asset_type, "name": file.name, "mime": mime}
        attachment = client.post(place, body, space_id=space_id)
        with file.open("rb") as content:
            client.put(attachment["url1"], content)
        client.post(f"{place}/{attachment['attachment_id']}/complete", {}, space_id=space_id)
        return client.get(f"/v2/assets/{asset_id}", space_id=space_id)
    except BaseException:
        with contextlib.suppress(CommandFailed):
            client.delete(f"/v2/assets/{asset_id}", space_id=space_id, purge_on_delete=True)
        raise


def _extent(preview: Json) -> str:
    """Say how much there is of what was previewed."""
    rows = {"exact": "{} rows", "estimated": "about {} rows", "unknown": "an unknown number of rows"}
    told = [rows[preview["row_count_kind"]].format(preview["row_count"]), f"{len(preview['columns'])} columns"]
    if preview["size"] is not None:
        told.append(f"{preview['size']} bytes")
    if preview["unreadable_rows"]:
        told.append(f"{preview['unreadable_rows']} of the first rows cannot be read")
    return f"{preview['name']}: {', '.join(told)}."


def _content(session: Session, asset: Json, *, unpacked: bool) -> Iterable[bytes]:
    asset_id, asset_type = at(asset, "metadata.asset_id"), at(asset, "metadata.asset_type")
    if route := _CONTENT.get(asset_type):
        blocks = session.client.stream(route.format(asset_id), space_id=session.space_id)
        return _unpacked(blocks) if asset_type == "wml_function" and unpacked else blocks
    attachments = asset.get("attachments") or []
    if not attachments:
        raise CommandFailed(f"{at(asset, 'metadata.name')} has no content.")
    place = f"/v2/assets/{asset_id}/attachments/{attachments[0]['id']}"
    link = session.client.get(place, space_id=session.space_id).get("url")
    if not link:
        raise CommandFailed(f"The content of {at(asset, 'metadata.name')} lies behind a connection, not in the space.")
    return session.client.stream(link)


def _unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    source = b"".join(blocks)
    yield gzip.decompress(source) if source.startswith(b"\x1f\x8b") else source


def _write(target: Path, blocks: Iterable[bytes]) -> int:
    """Write the file whole or not at all."""
    if target.is_dir():
        raise CommandFailed(f"{target} is a directory; name a file in it.")
    try:
        descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise CommandFailed(f"{target} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = sum(file.write(block) for block in blocks)
        mask = os.umask(0)
        os.umask(mask)
        Path(part).chmod(0o666 & ~mask)
        Path(part).replace(target)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    return size
