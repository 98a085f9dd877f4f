"""What a message about an event says: what happened, why, when, and what to do next. Plain and short."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from gristmill.domain.event import Event, EventKind

_LONGEST_TITLE = 200
_K = EventKind

_TITLES: Mapping[EventKind, str] = {
    _K.STARTED: "{job}: started",
    _K.SUCCEEDED: "{job}: completed",
    _K.WARNED: "{job}: completed with a warning",
    _K.FAILED: "{job}: failed",
    _K.CANCELED: "{job}: canceled",
    _K.LONG_RUNNING: "{job}: takes longer than {minutes} minutes",
    _K.NOT_STARTED: "{job}: did not start within {minutes} minutes",
    _K.TICK_MISSED: "{job}: missed its time",
    _K.TICK_REFUSED: "{job}: did not run, its schedule was refused",
    _K.TICK_OVERLAPPED: "{job}: did not run, the run before was not done",
    _K.SCHEDULE_BROKEN: "{job}: its schedule will not run",
    _K.UNDELIVERED: "{job}: a message could not be delivered",
}
_NEXT: Mapping[EventKind, str] = {
    _K.WARNED: "Look at the run's log and at the rows that were rejected.",
    _K.FAILED: "The run's log has the details. Correct the cause, then do the run again.",
    _K.LONG_RUNNING: "It goes on. Look at its log; cancel it if it hangs.",
    _K.NOT_STARTED: "It still waits. Look at why it waits, and whether a worker is up.",
    _K.TICK_MISSED: "No server was up at that time, or it was too late. Start a run by hand if it is needed.",
    _K.TICK_REFUSED: "Until that is put right, no run of this schedule starts.",
    _K.TICK_OVERLAPPED: "The job's schedule says skip. Look whether its runs take longer than they should.",
    _K.SCHEDULE_BROKEN: "Put it right before the next time, or set the schedule anew.",
    _K.UNDELIVERED: "Look at the job's delivery log, and at the channel's address.",
}


def title(event: Event) -> str:
    """Return one line that says what happened to which job."""
    minutes = event.document.get("minutes")
    said = _TITLES[event.kind].format(job=_one_line(event.document.get("job_name") or "A job"), minutes=minutes)
    return said if len(said) <= _LONGEST_TITLE else f"{said[: _LONGEST_TITLE - 3]}..."


def text(event: Event, *, zone: str | None = None, public_url: str | None = None) -> str:
    """Return the lines of a message; times are in the schedule's zone, or in UTC."""
    lines = [f"{title(event)}.", *_reason(event), "", *_facts(event, _zone(event, zone))]
    if event.kind in _NEXT:
        lines += ["", _NEXT[event.kind]]
    if public_url and event.job_id:
        run = f"/runs/{event.run_id}" if event.run_id else ""
        lines += ["", f"{public_url.rstrip('/')}/v2/jobs/{event.job_id}{run}?space_id={event.space_id}"]
    return "\n".join(lines) + "\n"


def _reason(event: Event) -> list[str]:
    document = event.document
    cause = document.get("cause") or {}
    reason = cause.get("message") or document.get("warning") or document.get("reason")
    return [str(reason)] if reason else []


def _facts(event: Event, zone: str | None) -> list[str]:
    document = event.document
    facts: dict[str, Any] = {
        "Job": document.get("job_name"),
        "Space": document.get("space_name"),
        "Run": document.get("run_name"),
        "Started by": document.get("requester_name"),
        "Cause": (document.get("cause") or {}).get("code"),
        "Rows": _rows(document.get("rows") or {}),
        "Scheduled for": _moment(document.get("scheduled_for"), zone),
        "Next time": _moment(document.get("next_tick_at"), zone),
        "Ticks": document.get("count") if (document.get("count") or 0) > 1 else None,
        "Started": _moment(document.get("started_at"), zone),
        "Finished": _moment(document.get("finished_at"), zone),
        "Receiver": document.get("target"),
        "Noticed": _moment(event.at.isoformat(), zone),
    }
    return [f"{name}: {_one_line(str(value))}" for name, value in facts.items() if value]


def _rows(rows: Mapping[str, Any]) -> str:
    return ", ".join(f"{number} {name}" for name, number in rows.items() if number is not None)


def _zone(event: Event, zone: str | None) -> str | None:
    return zone or event.document.get("zone")


def _moment(text_of_it: Any, zone: str | None) -> str | None:  # noqa: ANN401 - any JSON
    if not text_of_it:
        return None
    try:
        moment = datetime.fromisoformat(str(text_of_it))
    except ValueError:
        return str(text_of_it)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{moment.astimezone(ZoneInfo(zone or 'UTC')):%Y-%m-%d %H:%M:%S} {zone or 'UTC'}"


def _one_line(given: str) -> str:
    return " ".join(given.split())
