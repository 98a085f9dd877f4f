"""A schedule as a JSON document, whole and without loss: what is kept, and what Gristmill's own clients speak."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from gristmill.domain.cron import Cron, parse_cron
from gristmill.domain.errors import Invalid
from gristmill.domain.interval import Every, IntervalUnit
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import FoldPolicy, GapPolicy, MissedPolicy, OverlapPolicy, Schedule

_Choice = TypeVar("_Choice", bound=StrEnum)
POLICIES: Mapping[str, type[StrEnum]] = {
    "gap": GapPolicy,
    "fold": FoldPolicy,
    "missed": MissedPolicy,
    "overlap": OverlapPolicy,
}


def to_document(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as JSON: times in ISO 8601, weekdays as ``MON`` to ``SUN``, absent what is not set."""
    return {
        **repetition_document(schedule.repetition),
        "zone": schedule.zone,
        **({"start": schedule.start.isoformat()} if schedule.start else {}),
        **({"end": schedule.end.isoformat()} if schedule.end else {}),
        "repeat": schedule.repeat,
        "excluded_weekdays": weekday_names(schedule.excluded_weekdays),
        **{name: getattr(schedule, name).value for name in POLICIES},
    }


def of_document(document: Mapping[str, Any]) -> Schedule:
    """Return the schedule of a document; only ``cron``, or ``every`` with a ``start``, or ``repeat: false`` is needed.

    Raises:
        Invalid: a member is malformed, or the schedule is refused; names the field.

    """
    repeat = document.get("repeat", True)
    if not isinstance(repeat, bool):
        raise Invalid(f"repeat: {repeat!r} is neither true nor false.", field="repeat")
    return Schedule(
        repetition=repetition_of(document),
        zone=_text(document, "zone") or "UTC",
        start=_time(document, "start"),
        end=_time(document, "end"),
        repeat=repeat,
        excluded_weekdays=weekdays_of(document.get("excluded_weekdays")),
        **policies_of(document),
    )


def repetition_document(repetition: Cron | Every | None) -> dict[str, Any]:
    """Return ``{"cron": "30 9 * * *"}``, ``{"every": {"number": 3, "unit": "days"}}`` or nothing."""
    match repetition:
        case Cron(expression=expression):
            return {"cron": expression}
        case Every(number=number, unit=unit):
            return {"every": {"number": number, "unit": unit.value}}
        case None:
            return {}


def repetition_of(document: Mapping[str, Any]) -> Cron | Every | None:
    """Return what ``repetition_document`` wrote.

    Raises:
        Invalid: it is malformed, or there is both a cron expression and an interval.

    """
    cron, every = _text(document, "cron"), document.get("every")
    if cron and every is not None:
        raise Invalid("A schedule has a cron expression or an interval, not both.", field="schedule")
    if every is None:
        return parse_cron(cron) if cron else None
    number = every.get("number") if isinstance(every, Mapping) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise Invalid(f'every: {every!r} is not such as {{"number": 3, "unit": "days"}}.', field="every")
    return Every(number, _choice(IntervalUnit, every.get("unit"), "every"))


def weekday_names(weekdays: frozenset[Weekday]) -> list[str]:
    """Return weekdays from ``MON`` to ``SUN``."""
    return [weekday.name for weekday in sorted(weekdays)]


def weekdays_of(names: object) -> frozenset[Weekday]:
    """Return the weekdays of a list of names.

    Raises:
        Invalid: it is no list, or a name is none of them.

    """
    listed = [] if names is None else names
    if not isinstance(listed, list) or not all(
        isinstance(name, str) and name in Weekday.__members__ for name in listed
    ):
        raise Invalid(f"excluded_weekdays: {names!r} is no list of MON to SUN.", field="excluded_weekdays")
    return frozenset(Weekday[name] for name in listed)


def policies_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the policies that a document names.

    Raises:
        Invalid: one is unknown.

    """
    return {name: _choice(kind, document[name], name) for name, kind in POLICIES.items() if name in document}


def _choice(kind: type[_Choice], value: object, field: str) -> _Choice:
    for choice in kind:
        if choice == value:
            return choice
    raise Invalid(f"{field}: {value!r} is none of {', '.join(kind)}.", field=field)


def _text(document: Mapping[str, Any], field: str) -> str:
    value = document.get(field)
    if value is not None and not isinstance(value, str):
        raise Invalid(f"{field}: {value!r} is no text.", field=field)
    return value or ""


def _time(document: Mapping[str, Any], field: str) -> datetime | None:
    text = _text(document, field)
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid(f"{field}: {text!r} is no time such as 2026-11-22T09:30:00Z.", field=field) from error
