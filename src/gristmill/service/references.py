"""References of a run, resolved: to content as it is now, or to a place behind a connection, which is read later."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gristmill.domain import data_reference, file_format, output_name
from gristmill.domain.asset import Asset
from gristmill.domain.data_reference import ConnectedData, ConnectedInput, ConnectedOutput
from gristmill.domain.errors import Invalid
from gristmill.domain.run_spec import InputAsset
from gristmill.service import connected_references
from gristmill.service.connected_references import Behind
from gristmill.service.run_sources import RunSources

_ASSET_IN_HREF = re.compile(r"/assets/([^/?]+)")
_LOCAL, _CONNECTION = "data_asset", "connection_asset"
_NAMED = ("name", "schema_name", "table_name", "bucket", "file_name", "path")
_OF_CONNECTION = frozenset({"id", "href", "name"})
_READING = frozenset({"model"})
"""Kinds for which connected data is laid out; other code reads it itself."""
_LEAVING = frozenset({"model", "python_script", "r_script", "notebook", "code_package", "flow"})
"""Kinds whose output is written for them; other code writes where its references say."""

Reference = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a run reads, each in its own order: copies of content, and data behind connections."""

    local: tuple[InputAsset, ...] = ()
    connected: tuple[ConnectedInput, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a run's results go: over an asset that is there, behind a connection, or neither: into a new asset.

    Code that writes its output itself is ``left`` to do so.
    """

    asset_id: str | None = None
    connected: ConnectedOutput | None = None
    left: bool = False


def inputs(sources: RunSources, space_id: str, references: Sequence[Reference], *, kind: str) -> Inputs:
    """Resolve the inputs of a run of this kind.

    Raises:
        Invalid: a reference leads nowhere, is incomplete, or of a type that is not known here; the member is named.

    """
    local: list[InputAsset] = []
    connected: list[ConnectedInput] = []
    for number, reference in enumerate(references):
        where = f"scoring.input_data_references[{number}]"
        _check_shape(reference, where)
        found = _input(sources, space_id, reference, where=where, kind=kind)
        if kind in _READING and found is not None:
            _check_input(found, where)
        if isinstance(found, InputAsset):
            local.append(found)
        elif found is not None:
            connected.append(ConnectedInput(position=len(local) + len(connected), data=found))
    return Inputs(local=tuple(local), connected=tuple(connected))


def output(sources: RunSources, space_id: str, reference: Reference | None, *, kind: str) -> Output:
    """Resolve where the results of a run of this kind go.

    Raises:
        Invalid: it leads nowhere, is incomplete, or a name has an unknown template; the member is named.

    """
    if reference is None:
        return Output()
    where = "scoring.output_data_reference"
    _check_shape(reference, where)
    location = reference.get("location") or {}
    for member in _NAMED:
        output_name.check(str(location.get(member) or ""), where=f"{where}.location.{member}")
    if _type(reference) != _LOCAL:
        return _behind_connection(sources, space_id, reference, where=where, kind=kind)
    if location.get("name"):
        if kind in _READING:
            file_format.check_output(str(location["name"]), where=f"{where}.location.name")
        return Output()
    if not (location.get("href") or location.get("id")):
        field = f"{where}.location.name"
        raise Invalid(f"{field}: name the data asset that is to hold the results.", field=field)
    return _over_asset(sources, space_id, reference, where=f"{where}.location", kind=kind)


def check_stored(sources: RunSources, space_id: str, scoring: Mapping[str, Any], *, where: str = "scoring") -> None:
    """Check what a section refers to before there is a run of it: assets and connections that are named must be there.

    What they hold may still come, so the rest is left to the start of a run.

    Raises:
        Invalid: an asset or a connection is missing; the member is named.

    """
    for number, reference in enumerate(scoring.get("input_data_references") or ()):
        _check_stored(sources, space_id, reference, f"{where}.input_data_references[{number}]")
    written = scoring.get("output_data_reference")
    if written:
        _check_stored(sources, space_id, written, f"{where}.output_data_reference")


def _check_stored(sources: RunSources, space_id: str, reference: Reference, where: str) -> None:
    _check_shape(reference, where)
    location = reference.get("location") or {}
    if _type(reference) != _LOCAL:
        _check_connection(sources, space_id, reference, where)
    elif location.get("href") or location.get("id"):
        _asset(sources, space_id, reference, f"{where}.location")


def _input(
    sources: RunSources, space_id: str, reference: Reference, *, where: str, kind: str
) -> InputAsset | ConnectedData | None:
    if _type(reference) != _LOCAL:
        if kind not in _READING:
            _check_connection(sources, space_id, reference, where)
            return None
        return _by_connection(sources, space_id, reference, where).data
    where = f"{where}.location"
    asset = _asset(sources, space_id, reference, where)
    content = sources.content(asset.id)
    if content is not None:
        name, key = asset.name, str(content.content_key)
        return InputAsset(asset_id=asset.id, name=name, content_key=key, size=content.size)
    if kind not in _READING and connected_references.remote_attachment(sources, asset):
        return None
    behind = connected_references.by_asset(sources, space_id, asset, where=where)
    if behind is None:
        raise Invalid(f"{where}: data asset {asset.name} has no content.", code="asset_without_content", field=where)
    return behind.data


def _behind_connection(sources: RunSources, space_id: str, reference: Reference, *, where: str, kind: str) -> Output:
    if kind not in _LEAVING:
        _check_connection(sources, space_id, reference, where)
        return Output(left=True)
    behind = _by_connection(sources, space_id, reference, where)
    return _written(behind, reference.get("location") or {}, where=f"{where}.location", kind=kind)


def _over_asset(sources: RunSources, space_id: str, reference: Reference, *, where: str, kind: str) -> Output:
    asset = _asset(sources, space_id, reference, where)
    if sources.content(asset.id) is not None or connected_references.remote_attachment(sources, asset) is None:
        return Output(asset_id=asset.id)
    if kind not in _LEAVING:
        return Output(left=True)
    behind = connected_references.by_asset(sources, space_id, asset, where=where)
    assert behind is not None, "it has an attachment behind a connection"
    return _written(behind, reference.get("location") or {}, where=where, kind=kind)


def _written(behind: Behind, location: Reference, *, where: str, kind: str) -> Output:
    mode = data_reference.write_mode(location, behind.kind, where=where)
    if behind.data.table is not None and kind not in _READING:
        message = f"{where}: a {kind} leaves files, which no table holds. Name a file, or write to the table itself."
        raise Invalid(message, code="table_of_files", field=where)
    if behind.data.file is not None and kind in _READING:
        file_format.check_output(behind.data.file, where=f"{where}.file_name")
    return Output(connected=ConnectedOutput(data=behind.data, write_mode=mode))


def _check_input(found: InputAsset | ConnectedData, where: str) -> None:
    """Hold the name of a file against what a model can be fed from."""
    name = found.name if isinstance(found, InputAsset) else found.file
    if name is not None:
        file_format.check_input(name, where=where)


def _by_connection(sources: RunSources, space_id: str, reference: Reference, where: str) -> Behind:
    if _type(reference) != _CONNECTION:
        field = f"{where}.type"
        message = f"{field}: references of type {_type(reference)} cannot be used here; {_LOCAL} and {_CONNECTION} can."
        raise Invalid(message, code="reference_type_unsupported", field=field)
    return connected_references.by_connection(sources, space_id, reference, where=where)


def _check_connection(sources: RunSources, space_id: str, reference: Reference, where: str) -> None:
    """Check no more than that the connection is there: the code itself makes of the reference what it likes."""
    connection_id = connected_references.named_connection(reference)
    if connection_id:
        connected_references.stored_connection(sources, space_id, connection_id, f"{where}.connection.id")


def _asset(sources: RunSources, space_id: str, reference: Reference, where: str) -> Asset:
    location = reference.get("location") or {}
    named = _ASSET_IN_HREF.search(str(location.get("href", "")))
    asset_id = named.group(1) if named else location.get("id")
    if not asset_id:
        raise Invalid(f"{where}.href: it names no asset; write /v2/assets/<id>.", field=f"{where}.href")
    asset = sources.asset(str(asset_id))
    if asset is None or asset.space_id != space_id or asset.deleted_at is not None:
        raise Invalid(f"{where}: there is no asset {asset_id} in this space.", code="asset_not_found", field=where)
    return asset


def _type(reference: Reference) -> str:
    return str(reference.get("type") or _LOCAL)


def _check_shape(reference: Reference, where: str) -> None:
    if not isinstance(reference, Mapping):
        raise Invalid(f"{where}: it is not an object.", field=where)
    for member in ("location", "connection"):
        if not isinstance(reference.get(member) or {}, Mapping):
            raise Invalid(f"{where}.{member}: it is not an object.", field=f"{where}.{member}")
    told = sorted({name for name, value in (reference.get("connection") or {}).items() if value} - _OF_CONNECTION)
    if told:
        field = f"{where}.connection.{told[0]}"
        raise Invalid(
            f"{field}: name a connection of the space by its id; it keeps properties and secrets.", field=field
        )
