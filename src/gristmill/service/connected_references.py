"""References that lead behind a connection of the space, resolved as far as is known before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.data.connect import supported
from gristmill.domain import data_reference, datasource_types
from gristmill.domain.asset import Asset, AssetType
from gristmill.domain.data_reference import ConnectedData
from gristmill.domain.datasource_types import DatasourceType
from gristmill.domain.errors import Invalid
from gristmill.service.run_sources import RunSources
from gristmill.store import attachments


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Data behind a connection, and the connection's type."""

    data: ConnectedData
    kind: DatasourceType


def by_connection(sources: RunSources, space_id: str, reference: Mapping[str, Any], *, where: str) -> Behind:
    """Return what a ``connection_asset`` names.

    Raises:
        Invalid: the connection is not there or cannot be used here, or the location is incomplete.

    """
    connection_id = named_connection(reference)
    field = f"{where}.connection.id"
    if not connection_id:
        raise Invalid(f"{field}: name the connection.", field=field)
    connection = stored_connection(sources, space_id, connection_id, field)
    kind, location = _usable(connection, field), reference.get("location") or {}
    properties, place = _properties(connection), f"{where}.location"
    data = data_reference.located(location, kind, properties, connection_id=connection.id, where=place)
    return Behind(data=data, kind=kind)


def by_asset(sources: RunSources, space_id: str, asset: Asset, *, where: str) -> Behind | None:
    """Return what a connected data asset stands for; None where the asset has nothing behind a connection.

    Raises:
        Invalid: its connection is gone or cannot be used here, or its path is incomplete.

    """
    remote = remote_attachment(sources, asset)
    if remote is None:
        return None
    connection_id, path = remote
    connection = stored_connection(sources, space_id, connection_id, where)
    kind, properties = _usable(connection, where), _properties(connection)
    data = data_reference.located({"path": path}, kind, properties, connection_id=connection.id, where=where)
    return Behind(data=data, kind=kind)


def remote_attachment(sources: RunSources, asset: Asset) -> tuple[str, str] | None:
    """Return the connection and the path of what an asset has behind a connection."""
    attached = attachments.of_assets(sources.connection, [asset.id])[asset.id]
    found = next((one for one in attached if one.connection_id), None)
    return (str(found.connection_id), found.connection_path or "") if found else None


def named_connection(reference: Mapping[str, Any]) -> str | None:
    """Return the id of the connection that a reference names; clients send an empty object where there is none."""
    connection = reference.get("connection")
    named = connection.get("id") if isinstance(connection, Mapping) else None
    return str(named) if named else None


def stored_connection(sources: RunSources, space_id: str, connection_id: str, field: str) -> Asset:
    """Return a connection of the space.

    Raises:
        Invalid: it has none of this id.

    """
    found = sources.asset(connection_id)
    if found is None or found.space_id != space_id or found.type != AssetType.CONNECTION or found.deleted_at:
        message = f"{field}: there is no connection {connection_id} in this space."
        raise Invalid(message, code="connection_not_found", field=field)
    return found


def _usable(connection: Asset, field: str) -> DatasourceType:
    kind = datasource_types.find(str(connection.entity["connection"]["datasource_type"]))
    if not supported(kind.name):
        message = f"{field}: connections of type {kind.name} can be stored, but not used here."
        raise Invalid(message, code="data_type_unsupported", field=field)
    return kind


def _properties(connection: Asset) -> Mapping[str, Any]:
    found: Mapping[str, Any] = connection.entity["connection"].get("properties") or {}
    return found
