"""Every metric by its noun. The reference page is written from this list, the dashboard is held against it.

Those of the *installation* are read from the database when they are asked for: each process tells the same, so take
the ``max`` over processes. Those of a *process* count what it did itself since it started: take the ``sum``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Of what a metric tells."""

    INSTALLATION = "installation"
    PROCESS = "process"


class Kind(StrEnum):
    """What a metric is to Prometheus."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric. The name of a counter has no ``_total`` here; ``buckets`` are the upper bounds of a histogram."""

    name: str
    kind: Kind
    scope: Scope
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus stores it."""
        match self.kind:
            case Kind.COUNTER:
                return (f"{self.name}_total",)
            case Kind.HISTOGRAM:
                return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
            case Kind.GAUGE:
                return (self.name,)


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge's value now; ``labels`` in the order of the metric's."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


_SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=f"gristmill_{name}", kind=Kind.GAUGE, scope=Scope.INSTALLATION, help=text, labels=labels)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=f"gristmill_{name}", kind=Kind.COUNTER, scope=Scope.PROCESS, help=text, labels=labels)


def _histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Metric:
    name = f"gristmill_{name}"
    return Metric(name=name, kind=Kind.HISTOGRAM, scope=Scope.PROCESS, help=text, labels=labels, buckets=buckets)


DATABASE_UP = _gauge("database_up", "1 where the database answered; without it the installation's metrics are absent.")
LANES = _gauge("lanes", "Lanes: ready (something waits and may start), full, paused, working (nothing waits).", "state")
QUEUED_RUNS = _gauge("queued_runs", "Runs that wait, by the state of their lane.", "lane_state")
OLDEST_QUEUED = _gauge("oldest_queued_seconds", "For how long the oldest run waits, by its lane's state.", "lane_state")
CLAIMS = _gauge("claims", "Runs that a worker holds.")
EXPIRED_CLAIMS = _gauge("expired_claims", "Claims whose worker is silent for longer than its lease: soon rescued.")
ROWS_AT_WORK = _gauge("rows_at_work", "Rows of the runs at work that are done, and that there are.", "which")
RUNS = _gauge("runs", "Runs that are kept and not hidden, by state.", "state")
WORKERS = _gauge("workers", "Workers: heard, or silent for more than 30 seconds.", "state")
WORKER_SLOTS = _gauge("worker_slots", "Runs that the workers that are heard may hold at once.")
SCHEDULER_SILENCE = _gauge("scheduler_silence_seconds", "For how long no scheduler was at work, anywhere.")
SCHEDULES = _gauge("schedules", "Jobs that have a next tick.")
TICKS_DUE = _gauge("ticks_due", "Jobs whose next tick has come and is not decided.")
TICK_OVERDUE = _gauge("tick_overdue_seconds", "For how long the tick that waits longest is due; 0 where none is.")
OUTBOX = _gauge("outbox_events", "Events of which nobody has been told yet.")
OUTBOX_AGE = _gauge("outbox_age_seconds", "Age of the oldest event in the outbox; 0 where it is empty.")
DELIVERIES_WAITING = _gauge("deliveries_waiting", "Messages that wait for their first or next attempt.")
DELIVERY_OVERDUE = _gauge("delivery_overdue_seconds", "For how long the message that waits longest is due.")
CONTENTS = _gauge("contents", "Pieces of content of assets, by their type. Looked at every minute.", "kind")
CONTENT_BYTES = _gauge("content_bytes", "Bytes of content of assets, by their type. Looked at every minute.", "kind")
DISCARDED_CONTENTS = _gauge("discarded_contents", "Pieces of content that wait for the janitor.")
DATABASE_BYTES = _gauge("database_bytes", "Bytes of the database on disk.")

DISK_BYTES = Metric(
    name="gristmill_data_disk_bytes",
    kind=Kind.GAUGE,
    scope=Scope.PROCESS,
    help="Disk of the data directory: total and free bytes.",
    labels=("which",),
)
RUN_WAIT = _histogram("run_wait_seconds", "From when a run was queued until a worker took it.", buckets=_LONG)
RUN_START = _histogram("run_start_seconds", "From when a worker took a run until its code could start.", buckets=_SHORT)
RUN_DURATION = _histogram(
    "run_duration_seconds", "From a run's start to its end, by kind and outcome.", "kind", "outcome", buckets=_LONG
)
RUNS_ENDED = _counter("runs_ended", "Runs that ended: completed, failed, canceled.", "kind", "outcome")
RUN_FAILURES = _counter("run_failures", "Runs that failed, by the code of their cause.", "code")
ATTEMPTS_LOST = _counter(
    "attempts_lost", "Runs taken from a worker that stopped or went silent: returned to the queue, or lost.", "event"
)
ROWS = _counter("rows", "Rows of runs that ended: scored, rejected, not_attempted. They add up.", "outcome")
ROWS_RESUMED = _counter("rows_resumed", "Rows that an attempt took over from the ledger of one before it.")
TICKS = _counter("ticks", "Ticks that were decided, by what became of them.", "disposition")
TICK_LATENESS = _histogram("tick_lateness_seconds", "From a tick to the decision to run it.", buckets=_SHORT)
DELIVERY_ATTEMPTS = _counter(
    "delivery_attempts",
    "Attempts to send a message: delivered, waiting (it is tried again), failed, superseded.",
    "outcome",
)
HTTP_REQUESTS = _counter("http_requests", "Requests, by method, route and status.", "method", "route", "status")
HTTP_SECONDS = _histogram(
    "http_request_seconds", "From a request to the end of its answer.", "method", "route", buckets=_SHORT
)
LOOP_FAILURES = _counter("loop_failures", "Steps of a loop of the engine that failed; they are taken again.", "loop")

METRICS: tuple[Metric, ...] = tuple(found for found in globals().copy().values() if isinstance(found, Metric))
