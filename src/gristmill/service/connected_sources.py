"""Opening the connections of a space: as they are now, with their secrets, which go no further than this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gristmill.data.source import DataFailed, Source
from gristmill.domain import datasource_types
from gristmill.domain.asset import Asset, AssetType
from gristmill.service import connections
from gristmill.service.context import Context
from gristmill.store import assets

_LEAST_CHARACTERS = 4
_MASK = "****"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What it takes to open one connection, as it is now. ``kind`` is ``database`` or ``file``."""

    name: str
    kind: str
    opened: Callable[[], Source] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def open(self) -> Source:
        """Open it, to be used as a context manager.

        Raises:
            DataFailed: it cannot be reached, or a property is missing or wrong.

        """
        return self.opened()

    def masked(self, text: str) -> str:
        """Return a text without the connection's secrets, whoever wrote them into it."""
        for secret in self.secrets:
            text = text.replace(secret, _MASK) if len(secret) >= _LEAST_CHARACTERS else text
        return text


def of_run(context: Context, space_id: str, connection_id: str) -> Access:
    """Return the access to a connection of a run's space.

    Raises:
        DataFailed: ``data_not_found``, it was deleted.

    """
    with context.database.snapshot() as connection:
        asset = assets.get(connection, connection_id)
    if asset is None or asset.space_id != space_id or asset.type != AssetType.CONNECTION or asset.deleted_at:
        raise DataFailed(
            "data_not_found",
            f"The connection {connection_id} of the run is gone from its space. Name another one, and submit it again.",
        )
    return of_asset(context, asset)


def of_asset(context: Context, asset: Asset) -> Access:
    """Return the access to a connection as it is stored."""
    return access(
        context, asset.name, asset.entity["connection"]["datasource_type"], connections.properties(context, asset)
    )


def access(context: Context, name: str, type_name: str, properties: Mapping[str, Any]) -> Access:
    """Return the access to a connection that is not stored, or not yet. ``properties`` are in the clear."""
    kind = datasource_types.find(type_name)
    secret = datasource_types.masked(kind)
    return Access(
        name=name,
        kind=kind.kind,
        opened=lambda: context.connect(kind.name, properties, places=context.places),
        secrets=tuple(str(value) for key, value in properties.items() if key in secret),
    )
