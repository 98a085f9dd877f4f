"""What every use case works with: the database, the content store, the secrets, the clock, the engine's bell."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gristmill.content.content import Content
from gristmill.service.outlets import DirectOutlets, Outlets
from gristmill.service.secrets import Secrets
from gristmill.store.database import Database


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
    """How many days things are kept where nobody says otherwise; -1 is for ever."""

    run_days: int = 30
    event_days: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The ports of the use cases. ``data_dir`` holds run directories and caches; ``wake`` rings after a commit.

    ``outlets`` are the ways by which messages leave the house, ``public_url`` is where the API is reached.
    """

    database: Database
    content: Content
    secrets: Secrets
    data_dir: Path
    limits: Limits = field(default_factory=Limits)
    keeping: Keeping = field(default_factory=Keeping)
    outlets: Outlets = field(default_factory=DirectOutlets)
    public_url: str | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    wake: Callable[[], None] = field(default=_nobody_listens)

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return self.clock()

    @staticmethod
    def new_id() -> str:
        """Return a new lower-case UUID, the only shape of id that the clients accept."""
        return str(uuid.uuid4())
