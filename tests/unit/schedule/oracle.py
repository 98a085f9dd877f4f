"""What a schedule must do, by brute force: walks the minutes of UTC and asks each what the local clock shows.

It shares no code with the implementation: it reads cron's fields itself and asks zoneinfo for each minute's offset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
NAMES = {name: str(number) for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])}
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@dataclass(frozen=True)
class Walls:
    """Which local times are meant, and what happens to those that clock changes leave out or repeat."""

    matches: Callable[[datetime], bool]
    moves_out_of_gaps: bool = True
    runs_in_folds: str = "first"
    excluded: frozenset[int] = frozenset()


def oracle(walls: Walls, zone: str, since: datetime, until: datetime) -> list[datetime]:
    """Return every tick in [since, until); both are whole UTC minutes."""
    return [at for at, before, local in _minutes(zone, since, until) if _is_tick(walls, before, local)]


def cron_walls(text: str, *, gap: str, fold: str, excluded: frozenset[int] = frozenset()) -> Walls:
    """Read a five-field expression; ``gap`` is shift or skip, ``fold`` first, second or both."""
    minute, hour, *_ = fields = text.split()
    fixed_hour = not set("*/") & set(hour)
    fixed = fixed_hour and not set("*/") & set(minute)
    return Walls(
        matches=lambda wall: wall.weekday() not in excluded and _fields_match(tuple(fields), wall),
        moves_out_of_gaps=gap == "shift" and fixed_hour,
        runs_in_folds=fold if fixed else "both",
        excluded=excluded,
    )


def _minutes(zone: str, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime, datetime]]:
    info = ZoneInfo(zone)
    at, before = since, (since - MINUTE).astimezone(info)
    while at < until:
        local = at.astimezone(info)
        yield at, before, local
        at, before = at + MINUTE, local


def _is_tick(walls: Walls, before: datetime, local: datetime) -> bool:
    wall = local.replace(tzinfo=None, fold=0)
    if walls.matches(wall) and _has_its_turn(walls.runs_in_folds, local):
        return True
    missing = before.replace(tzinfo=None, fold=0) + MINUTE
    if wall <= missing or not walls.moves_out_of_gaps or local.weekday() in walls.excluded:
        return False
    while missing < wall:
        if walls.matches(missing):
            return True
        missing += MINUTE
    return False


def _has_its_turn(runs_in_folds: str, local: datetime) -> bool:
    comes_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return not comes_twice or runs_in_folds == "both" or runs_in_folds == ("second" if local.fold else "first")


def _fields_match(fields: tuple[str, ...], wall: datetime) -> bool:
    minutes, hours, days, months, weekdays = _sets(fields)
    if wall.minute not in minutes or wall.hour not in hours or wall.month not in months:
        return False
    is_last = (wall + timedelta(days=1)).day == 1
    by_day = wall.day in days or ("L" in fields[2] and is_last)
    by_weekday = wall.isoweekday() % 7 in weekdays
    if fields[2][0] != "*" and fields[4][0] != "*":
        return by_day or by_weekday
    return by_day and by_weekday


@lru_cache(maxsize=1000)
def _sets(fields: tuple[str, ...]) -> list[set[int]]:
    sets = []
    for field, (low, high) in zip(fields, RANGES, strict=True):
        found: set[int] = set()
        for part in field.split(","):
            if part != "L":
                found |= _part(part, low, high)
        sets.append(found)
    sets[4] = {number % 7 for number in sets[4]}
    return sets


def _part(part: str, low: int, high: int) -> set[int]:
    for name, number in NAMES.items():
        part = part.replace(name, number)
    base, _, step = part.partition("/")
    if base == "*":
        first, last = low, high
    elif "-" in base:
        first, last = (int(number) for number in base.split("-"))
    else:
        first, last = int(base), high if step else int(base)
    return {number for number in range(first, last + 1) if (number - first) % int(step or 1) == 0}


@lru_cache(maxsize=10_000)
def transitions(zone: str, year: int) -> tuple[datetime, ...]:
    """Return the UTC minutes of a year at which the zone's offset changes, found by asking every hour."""
    info = ZoneInfo(zone)
    found = []
    at = datetime(year, 1, 1, tzinfo=UTC)
    offset = at.astimezone(info).utcoffset()
    while at.year == year:
        new = (at + timedelta(hours=1)).astimezone(info).utcoffset()
        if new != offset:
            minutes = (at + MINUTE * number for number in range(61))
            found.append(next(minute for minute in minutes if minute.astimezone(info).utcoffset() != offset))
            offset = new
        at += timedelta(hours=1)
    return tuple(found)


def utc(text: str) -> datetime:
    """Return ``2026-03-29 01:00`` as a UTC datetime."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
