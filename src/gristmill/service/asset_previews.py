"""The first rows of a data asset, stored here or behind a connection; only its beginning is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from gristmill.data import first_rows
from gristmill.data.source import DataFailed, FileName, Files, TableName, Tables
from gristmill.domain.asset import Asset, AssetType, Attachment
from gristmill.domain.data_reference import ConnectedData
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.launch.preview import PreviewFailed, preview
from gristmill.service import connected_data, connected_references, connected_sources
from gristmill.service.asset_access import find
from gristmill.service.bounded_calls import CallRefused
from gristmill.service.connected_sources import Access
from gristmill.service.context import Context
from gristmill.service.run_sources import RunSources
from gristmill.store import assets, attachments

MIB = 1024**2
BEGINNING_BYTES = 4 * MIB
WHOLE_BYTES = 512 * MIB
# The end of such a file tells what is in it, so it is read as a whole.
_WHOLE = frozenset({".parquet", ".pq", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".zip", ".arrow", ".feather", ".ipc"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetPreview:
    """``found`` is what ``gristmill_runner.preview`` tells; ``size`` is that of all the data, in bytes."""

    asset: Asset
    name: str
    size: int | None
    found: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Laid:
    """What lies in the directory. ``whole_bytes``: it is the beginning of so much. ``rows`` is an estimate."""

    name: str
    size: int | None
    whole_bytes: int | None = None
    rows: int | None = None
    is_table: bool = False
    is_whole: bool = True

    @property
    def file_name(self) -> str:
        """A name that tells its format."""
        return f"{self.name}.arrow" if self.is_table else self.name


def show(context: Context, actor: Actor, space_id: str | None, asset_id: str, *, rows: int) -> AssetPreview:
    """Return the first rows of a data asset.

    Raises:
        NotFound: there is no such data asset, or nothing behind its connection.
        Invalid: it has no content, cannot be read, or is too large for its format.
        Conflict: too many are being looked at, or whoever has the data does not answer.

    """
    with context.database.snapshot() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.VIEW, types={AssetType.DATA_ASSET})
        behind = connected_references.by_asset(RunSources(connection), asset.space_id, asset, where="asset")
        stored = attachments.content_of(connection, asset.id)
        linked = assets.get(connection, behind.data.connection_id) if behind else None
    if behind is None and stored is None:
        raise Invalid(f"The data asset {asset.name} has no content.", code="no_content")

    def look() -> AssetPreview:
        with _directory(context) as directory:
            if behind and linked:
                laid = _lay_connected(connected_sources.of_asset(context, linked), behind.data, directory, rows=rows)
            else:
                assert stored is not None
                laid = _lay_stored(context, asset, stored, directory)
            found = _found(laid, directory, rows)
            return AssetPreview(asset=asset, name=laid.name, size=laid.size, found=found)

    try:
        return context.calls.make(look)
    except CallRefused as error:
        raise Conflict(str(error), code="preview_failed") from None


def _found(laid: _Laid, directory: Path, rows: int) -> dict[str, Any]:
    try:
        found = preview(directory, laid.file_name, rows=rows, whole_bytes=laid.whole_bytes)
    except PreviewFailed as error:
        raise Invalid(f"{laid.name}: {error.message}", code=error.code) from None
    if laid.is_table and (found["row_count"] >= rows or not laid.is_whole):
        # Only the first rows were there to be counted.
        return {**found, "row_count": laid.rows, "row_count_kind": "unknown" if laid.rows is None else "estimated"}
    return found


def _lay_stored(context: Context, asset: Asset, stored: Attachment, directory: Path) -> _Laid:
    assert stored.content_key is not None
    name, size = stored.name or asset.name, stored.size or 0
    target = directory / "inputs" / "data"
    if not _needs_beginning(name, size):
        context.content.materialize(stored.content_key, target)
        return _Laid(name=name, size=size)
    with context.content.open(stored.content_key) as content:
        target.write_bytes(content.read(BEGINNING_BYTES))
    return _Laid(name=name, size=size, whole_bytes=size)


def _lay_connected(access: Access, data: ConnectedData, directory: Path, *, rows: int) -> _Laid:
    target = directory / "inputs" / "data"
    try:
        with access.open() as source:
            if data.table is not None:
                return _lay_table(cast(Tables, source), data, target, rows=rows)
            return _lay_file(cast(Files, source), data, target)
    except DataFailed as error:
        raise connected_data.refusal(access, error) from None


def _lay_table(source: Tables, data: ConnectedData, target: Path, *, rows: int) -> _Laid:
    table = TableName(table=str(data.table), schema=data.schema)
    is_whole = first_rows.write_table(source, table, target, rows=rows)
    estimate = None
    with suppress(DataFailed):
        estimate = first_rows.estimated_rows(source, table)
    return _Laid(name=data.name, size=None, rows=estimate, is_table=True, is_whole=is_whole)


def _lay_file(source: Files, data: ConnectedData, target: Path) -> _Laid:
    file = FileName(name=data.file or "", bucket=data.bucket)
    name, size = PurePosixPath(file.name).name or data.name, source.size(file)
    if size is not None and not _needs_beginning(name, size):
        source.fetch(file, target)
        return _Laid(name=name, size=size)
    read = source.fetch(file, target, limit_bytes=BEGINNING_BYTES)
    is_whole = read < BEGINNING_BYTES
    return _Laid(name=name, size=read if is_whole else size, whole_bytes=None if is_whole else size or read)


def _needs_beginning(name: str, size: int) -> bool:
    """Tell whether the beginning of a file is enough, and less than all of it.

    Raises:
        Invalid: all of it would be needed, and is too much.

    """
    if not _WHOLE.intersection(suffix.lower() for suffix in PurePosixPath(name).suffixes[-2:]):
        return size > BEGINNING_BYTES
    if size > WHOLE_BYTES:
        limit = f"{WHOLE_BYTES // MIB} MiB"
        message = f"{name} has {size} bytes; files of its format are previewed up to {limit}. Run a job on it instead."
        raise Invalid(message, code="preview_too_large")
    return False


@contextmanager
def _directory(context: Context) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="preview-", dir=context.data_dir / "staging") as directory:
        (Path(directory) / "inputs").mkdir()
        yield Path(directory)
