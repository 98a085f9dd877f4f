"""A schedule on the wire: a five-field UTC cron expression and ``schedule_info``, and beside them what they cannot say.

``schedule_info`` holds ``repeat``, ``startOn`` and ``endOn`` (milliseconds since 1970), as every client knows them;
``timezone`` when it is not UTC; and ``rule`` for the rest: the expression in that zone or the interval, the excluded
weekdays, the policies, and the ``schedule`` that they were written as. A client that changes only that UTC expression
overrules the rule by it; one that knows the rule writes it without ``schedule``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gristmill.domain.cron import Cron, parse_cron
from gristmill.domain.errors import Invalid
from gristmill.domain.interval import Every
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import Schedule
from gristmill.domain.schedule_document import (
    POLICIES,
    policies_of,
    repetition_document,
    repetition_of,
    weekday_names,
    weekdays_of,
)
from gristmill.domain.utc_cron import closest_utc_cron
from gristmill.domain.zone_clock import zone_clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_A_WINTER = datetime(2026, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MOST_MILLISECONDS = 253_402_300_799_999


def of_wire(schedule: str | None, schedule_info: Mapping[str, Any] | None, zone: str = "UTC") -> Schedule | None:
    """Return the schedule of a job's ``schedule`` and ``schedule_info``, None when it is not scheduled.

    The expression is read in ``timezone`` where the information has one, else in ``zone``. An empty one with a start
    that does not repeat is one run.

    Raises:
        Invalid: names ``schedule`` or the member of ``schedule_info``.

    """
    info = schedule_info or {}
    text = _text(schedule)
    start, end = _instant(info, "startOn"), _instant(info, "endOn")
    rule = _rule(info)
    stated = _stated(rule, text)
    repeat = info.get("repeat", bool(text or stated))
    if not isinstance(repeat, bool):
        raise _refused("repeat", f"{repeat!r} is neither true nor false")
    common = {"zone": _zone(info) or zone, "start": start, "end": end, **policies_of(rule)}
    if not repeat and start is not None:
        return Schedule(repeat=False, **common)
    if not (text or stated):
        _refuse_repetition_of_nothing(info)
        return None
    if not repeat:
        raise _refused("startOn", "a schedule that does not repeat is one run at its start; give a start")
    return Schedule(**{**common, **_repetition(text, rule, stated)})


def _refuse_repetition_of_nothing(info: Mapping[str, Any]) -> None:
    # A rule that was read from here and stands no more: the client has taken away the expression that it knows.
    if info.get("repeat") and not info.get("rule"):
        raise Invalid(
            "schedule: schedule_info.repeat is true, but there is no expression of when. Give a cron expression of "
            "five fields, as 0 3 * * *; a job without a schedule has no repeat.",
            field="schedule",
        )


def to_wire(schedule: Schedule | None, *, at: datetime | None = None) -> tuple[str, dict[str, Any]]:
    """Return ``schedule`` and ``schedule_info``; ``of_wire`` makes an equal schedule of them.

    The UTC expression is right ``at`` a moment (else at the start, else in January 2026), as far as cron can say it.
    """
    if schedule is None:
        return "", {}
    text = closest_utc_cron(schedule, at or schedule.start or _A_WINTER)
    rule = _rule_document(schedule, text)
    info = {
        "repeat": schedule.repeat,
        "startOn": _milliseconds(schedule.start),
        "endOn": _milliseconds(schedule.end),
        "timezone": None if schedule.zone == "UTC" else schedule.zone,
        "rule": rule or None,
    }
    return text, {name: value for name, value in info.items() if value is not None}


def _stands(rule: Mapping[str, Any], text: str) -> bool:
    """Return whether the expression is the one that the rule was written as, or the rule is news from a client."""
    return bool(rule.get("schedule", text) == text)


def _stated(rule: Mapping[str, Any], text: str) -> Cron | Every | None:
    return repetition_of(rule) if _stands(rule, text) else None


def _repetition(text: str, rule: Mapping[str, Any], stated: Cron | Every | None) -> dict[str, Any]:
    if stated:
        return {"repetition": stated, "excluded_weekdays": weekdays_of(rule.get("excluded_weekdays"))}
    cron, excluded = _without_excluded(parse_cron(text))
    if not _stands(rule, text):
        return {"repetition": cron, "excluded_weekdays": excluded, "zone": "UTC"}
    return {"repetition": cron, "excluded_weekdays": excluded | weekdays_of(rule.get("excluded_weekdays"))}


def _without_excluded(cron: Cron) -> tuple[Cron, frozenset[Weekday]]:
    """Read a list of weekdays beside any day, as clients write excluded ones, as those that it leaves out."""
    weekdays = cron.weekday.values
    listed = len(weekdays) > 1 and cron.weekday.text == ",".join(map(str, weekdays))
    if not listed or cron.day.text != "*" or cron.years is not None:
        return cron, frozenset()
    fields = cron.five_fields.split()
    excluded = frozenset(weekday for weekday in Weekday if (weekday + 1) % 7 not in weekdays)
    return parse_cron(" ".join([*fields[:4], "*"])), excluded


def _rule_document(schedule: Schedule, text: str) -> dict[str, Any]:
    defaults = Schedule(repetition=parse_cron("* * * * *"))
    policies = {name: getattr(schedule, name).value for name in POLICIES}
    told = {name: value for name, value in policies.items() if value != getattr(defaults, name)}
    if not schedule.repeat or _said_by(schedule, text):
        return told
    excluded = {"excluded_weekdays": weekday_names(schedule.excluded_weekdays)} if schedule.excluded_weekdays else {}
    return {"schedule": text, **repetition_document(schedule.repetition), **excluded, **told}


def _said_by(schedule: Schedule, text: str) -> bool:
    """Return whether the expression alone, read in UTC, is the schedule's repetition."""
    if schedule.zone != "UTC" or not isinstance(schedule.repetition, Cron):
        return False
    cron, excluded = _without_excluded(parse_cron(text))
    same = cron == replace(schedule.repetition, expression=cron.expression)
    return same and excluded == schedule.excluded_weekdays


def _text(schedule: object) -> str:
    if schedule is not None and not isinstance(schedule, str):
        raise Invalid(f"schedule: {schedule!r} is no text.", field="schedule")
    return " ".join((schedule or "").split())


def _zone(info: Mapping[str, Any]) -> str | None:
    zone = info.get("timezone")
    if zone is None:
        return None
    if not isinstance(zone, str):
        raise _refused("timezone", f"{zone!r} is no text")
    try:
        zone_clock(zone)
    except Invalid as error:
        raise _refused("timezone", error.message.rstrip(".")) from error
    return zone


def _rule(info: Mapping[str, Any]) -> Mapping[str, Any]:
    rule = info.get("rule")
    if rule is not None and not isinstance(rule, Mapping):
        raise _refused("rule", f"{rule!r} is no object")
    return rule or {}


def _instant(info: Mapping[str, Any], member: str) -> datetime | None:
    value = info.get(member)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_MILLISECONDS:
        raise _refused(member, f"{value!r} is no time in milliseconds since 1970")
    return _EPOCH + _MILLISECOND * int(value)


def _milliseconds(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - _EPOCH) // _MILLISECOND


def _refused(member: str, reason: str) -> Invalid:
    return Invalid(f"schedule_info.{member}: {reason}.", field=f"schedule_info.{member}")
