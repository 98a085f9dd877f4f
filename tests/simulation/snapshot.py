"""What the database says at one moment, read past all code under test."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

R = TypeVar("R")


class RunRow(NamedTuple):
    id: str
    job_id: str
    lane_id: str
    kind: str
    state: str
    fence: int
    attempt: int
    worker_id: str | None
    place: int
    scheduled_for: str | None
    finished_at: str | None
    deleted_at: str | None
    pinned: int
    retention_days: int | None
    rows_done: int | None


class Change(NamedTuple):
    """A row of a run's history."""

    run_id: str
    number: int
    event: str
    state: str
    fence: int
    actor: str


class ClaimRow(NamedTuple):
    run_id: str
    lane_id: str
    slot: int
    worker_id: str
    fence: int
    expires_at: str


class TickRow(NamedTuple):
    job_id: str
    scheduled_for: str
    disposition: str
    run_id: str | None


class JobRow(NamedTuple):
    id: str
    kind: str
    lane_id: str
    key_id: str | None
    schedule: str | None
    paused: int
    decided_until: str | None
    next_tick_at: str | None
    deleted_at: str | None
    retention: str | None
    notification: str
    version: int


class EventRow(NamedTuple):
    id: str
    subject: str
    kind: str
    run_id: str | None
    job_id: str | None
    at: str
    routed_at: str | None


class DeliveryRow(NamedTuple):
    id: str
    event_id: str
    target: str
    state: str
    attempts: int
    next_attempt_at: str | None


def moment(text: str) -> datetime:
    """Return an instant as SQLite keeps it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """Every table of the core. ``counts`` are numbers of visible runs by job and state, as triggers keep them."""

    runs: dict[str, RunRow]
    history: dict[str, list[Change]]
    claims: dict[str, ClaimRow]
    limits: dict[str, int]
    ticks: list[TickRow]
    jobs: dict[str, JobRow]
    events: dict[str, EventRow]
    deliveries: dict[str, DeliveryRow]
    counts: dict[tuple[str, str], int]
    held: set[tuple[str, str]]
    made: list[tuple[str, str]]

    @cached_property
    def dispositions(self) -> dict[tuple[str, str], TickRow]:
        """The ticks by job and time."""
        return {(tick.job_id, tick.scheduled_for): tick for tick in self.ticks}

    @cached_property
    def subjects(self) -> dict[str, EventRow]:
        """The events by what they tell."""
        return {event.subject: event for event in self.events.values()}


class Reader:
    """Reads snapshots of a database file; ``changed`` is cheap."""

    def __init__(self, path: Path) -> None:
        self._raw = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        self._version = -1
        # Most commits change few tables: what is as it was is not built anew.
        self._raw_rows: dict[str, list[Any]] = {}
        self._built: dict[str, list[Any]] = {}

    def changed(self) -> bool:
        """Tell whether anything was committed since this was last asked."""
        before, self._version = self._version, self._raw.execute("PRAGMA data_version").fetchone()[0]
        return before != self._version

    def read(self) -> Snapshot:
        """Return what is there now."""
        self._raw.execute("BEGIN")
        try:
            return self._read()
        finally:
            self._raw.execute("COMMIT")

    def attached(self) -> set[str]:
        """Return the keys of content that assets have."""
        rows = self._raw.execute("SELECT content_key FROM attachments WHERE content_key IS NOT NULL")
        return {key for (key,) in rows}

    def close(self) -> None:
        self._raw.close()

    def _read(self) -> Snapshot:
        history: dict[str, list[Change]] = defaultdict(list)
        for change in self._rows(Change, "run_history", order="run_id, number"):
            history[change[0]].append(change)
        return Snapshot(
            runs=_by_id(self._rows(RunRow, "runs", order="place")),
            history=dict(history),
            claims={claim.run_id: claim for claim in self._rows(ClaimRow, "claims", order="run_id")},
            limits=dict(self._raw.execute("SELECT id, max_running FROM lanes")),
            ticks=self._rows(TickRow, "ticks", order="job_id, scheduled_for"),
            jobs=_by_id(self._rows(JobRow, "jobs", order="created_at, id")),
            events=_by_id(self._rows(EventRow, "events", order="at, id")),
            deliveries=_by_id(self._rows(DeliveryRow, "deliveries", order="id")),
            counts=self._counts(),
            held=set(self._raw.execute("SELECT run_id, key FROM run_contents")),
            made=self._raw.execute(_MADE).fetchall(),
        )

    def _counts(self) -> dict[tuple[str, str], int]:
        rows = self._raw.execute("SELECT job_id, state, sum(number) FROM run_counts GROUP BY job_id, state")
        return {(job_id, state): number for job_id, state, number in rows if number}

    def _rows(self, shape: type[R], table: str, *, order: str) -> list[R]:
        columns = ", ".join(shape._fields)  # type: ignore[attr-defined]
        found = self._raw.execute(f"SELECT {columns} FROM {table} ORDER BY {order}").fetchall()
        if self._raw_rows.get(table) != found:
            self._raw_rows[table], self._built[table] = found, list(map(shape._make, found))  # type: ignore[attr-defined]
        return self._built[table]


_MADE = "SELECT id, maker_run_id FROM assets WHERE maker_run_id IS NOT NULL"


def _by_id(rows: Iterable[Any]) -> dict[str, Any]:
    return {row.id: row for row in rows}
