"""A schedule as people write it: times without an offset are those of its zone, and an interval may have no start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gristmill.domain.errors import Invalid
from gristmill.domain.schedule import Schedule
from gristmill.domain.schedule_document import of_document
from gristmill.domain.zone_clock import zone_clock

_MINUTE = timedelta(minutes=1)


def schedule_of_plan(plan: Mapping[str, Any], now: datetime) -> Schedule:
    """Return the schedule of a document whose times may be local; an interval without a start begins next minute.

    Raises:
        Invalid: the document is no schedule, or the clocks of its zone leave a time out; names the field.

    """
    zone = zone_clock(plan.get("zone") or "UTC").zone
    times = {field: _moment(plan.get(field), zone, field) for field in ("start", "end")}
    if times["start"] is None and plan.get("every") is not None:
        times["start"] = now.replace(second=0, microsecond=0) + _MINUTE
    given = {field: moment.isoformat() for field, moment in times.items() if moment}
    others = {name: value for name, value in plan.items() if name not in times and value is not None}
    return of_document({**others, **given})


def _moment(text: str | None, zone: ZoneInfo, field: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        local = found if found.tzinfo else found.replace(tzinfo=zone)
        there_and_back = local.astimezone(UTC).astimezone(local.tzinfo)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{field}: {text!r} is no time such as 2026-11-22T09:30.", field=field) from error
    if there_and_back.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Invalid(
            f"{field}: the clocks of {zone.key} leave {local:%H:%M} out on that day; give another time.", field=field
        )
    return local
