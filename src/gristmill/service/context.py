"""What every use case works with: the database, the content store, the secrets, the clock, the engine's bell."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from gristmill.content.content import Content
from gristmill.data.connect import connect
from gristmill.data.places import Places
from gristmill.data.source import Source
from gristmill.service.bounded_calls import BoundedCalls
from gristmill.service.outlets import DirectOutlets, Outlets
from gristmill.service.secrets import Secrets
from gristmill.store.database import Database
from gristmill.telemetry.meters import Meters
from gristmill.telemetry.traces import Traces


class Connect(Protocol):
    """Opens a connection; `data/connect.py` has the real one."""

    def __call__(self, datasource_type: str, properties: Mapping[str, Any], *, places: Places) -> Source:
        """Open it, to be used as a context manager; raises ``DataFailed``."""


def _nobody_listens() -> None:
    """Stand in for the bell where no engine runs in this process: engines elsewhere poll."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what a request may bring; sizes in bytes."""

    body_bytes: int = 16 * 1024**2
    inline_bytes: int = 4 * 1024**3
    upload_bytes: int = 64 * 1024**3
    archive_bytes: int = 64 * 1024**3
    archive_files: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Days that things are kept where nobody says otherwise, -1 for ever; hours that browsers stay signed in."""

    run_days: int = 30
    event_days: int = 90
    session_hours: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The ports of the use cases. ``data_dir`` holds run directories and caches; ``wake`` rings after a commit.

    ``outlets`` are the ways by which messages leave the house, ``public_url`` is where the API is reached,
    ``places`` are the folders that connections may reach; ``connect`` opens one.
    ``meters`` count what this process does, ``traces`` is where its spans go.
    ``calls`` bounds what requests ask of servers that are not ours; ``address`` is where a request came from.
    """

    database: Database
    content: Content
    secrets: Secrets
    data_dir: Path
    limits: Limits = field(default_factory=Limits)
    keeping: Keeping = field(default_factory=Keeping)
    outlets: Outlets = field(default_factory=DirectOutlets)
    public_url: str | None = None
    places: Places = field(default_factory=Places)
    connect: Connect = field(default=connect)
    meters: Meters = field(default_factory=Meters)
    traces: Traces = field(default_factory=Traces)
    calls: BoundedCalls = field(default_factory=BoundedCalls)
    address: str | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    new_uuid: Callable[[], uuid.UUID] = field(default=uuid.uuid4)
    wake: Callable[[], None] = field(default=_nobody_listens)

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return self.clock()

    def new_id(self) -> str:
        """Return a new lower-case UUID, the only shape of id that the clients accept."""
        return str(self.new_uuid())
