"""How long do next ticks take, and are they right in every zone.

    python -m bench.schedules [--sweep [--every N]]

Limit: 100,000 next ticks in 10 s. The sweep compares every zone's shifts from 2000 to 2037, or one in N of them, with
brute force over the minutes of UTC, under every policy; its limit is no mismatch.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, product
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt

from gristmill.domain.cron import parse_cron
from gristmill.domain.schedule import FoldPolicy, GapPolicy, Schedule
from gristmill.domain.tick import next_tick, ticks

LIMIT_SECONDS = 10
NUMBER = 100_000
NOW = datetime(2026, 11, 22, 11, 17, 3, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime"})
CRONS = ["*/15 * * * *", "5 * * * *", "30 2 * * *", "0 9 * * 1-5", "0 6 1 * *", "0 0 L * *", "15 8-18/2 * * MON-FRI"]

Minutes = npt.NDArray[np.int64]
Days = Callable[[Minutes], npt.NDArray[np.bool_]]

# (expression, minutes, hours, days, times are named, hours are named), read by hand so that nothing is shared.
_ANY_DAY: Days = lambda days: np.ones(days.shape, dtype=np.bool_)  # noqa: E731
SPECS: list[tuple[str, set[int], set[int], Days, bool, bool]] = [
    ("*/15 * * * *", {0, 15, 30, 45}, set(range(24)), _ANY_DAY, False, False),
    ("0 * * * *", {0}, set(range(24)), _ANY_DAY, False, False),
    ("0 */2 * * *", {0}, set(range(0, 24, 2)), _ANY_DAY, False, False),
    ("*/20 1-3 * * *", {0, 20, 40}, {1, 2, 3}, _ANY_DAY, False, True),
    *(
        (f"{m} {h} * * *", {m}, {h}, _ANY_DAY, True, True)
        for h, m in ((0, 0), (0, 30), (1, 30), (2, 0), (2, 30), (3, 0))
    ),
    ("30 23 * * *", {30}, {23}, _ANY_DAY, True, True),
    ("0 2 * * 0,6", {0}, {2}, lambda days: np.isin(_weekdays(days), (5, 6)), True, True),
    ("30 0 * * MON-FRI", {30}, {0}, lambda days: _weekdays(days) < 5, True, True),
    ("0 0 L * *", {0}, {0}, lambda days: _months(days) != _months(days + 1), True, True),
]


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sweep", action="store_true")
    arguments.add_argument("--every", type=int, default=1, metavar="N")
    options = arguments.parse_args()
    if options.sweep:
        sweep(options.every)
        return
    places = ZONES[:: len(ZONES) // 50]
    report("parsed once, next tick", [schedule(*pair) for pair in islice(cycle(product(CRONS, places)), NUMBER)])
    report("a new schedule each time", None, places)
    begun = time.perf_counter()
    ticks(schedule("0 0 29 2 *", "Europe/Berlin"), NOW, 100)
    print(f"100 times 29 February, one after another: {(time.perf_counter() - begun) * 1000:.1f} ms")


def schedule(cron: str, zone: str) -> Schedule:
    return Schedule(repetition=parse_cron(cron), zone=zone)


def report(what: str, made: list[Schedule] | None, places: list[str] | None = None) -> None:
    begun = time.perf_counter()
    if made is not None:
        for one in made:
            next_tick(one, NOW)
    else:
        for pair in islice(cycle(product(CRONS, places or ())), NUMBER):
            next_tick(schedule(*pair), NOW)
    spent = time.perf_counter() - begun
    each = spent / NUMBER * 1e6
    ratio = spent / LIMIT_SECONDS
    print(f"{NUMBER} {what}: {spent:.2f} s ({each:.1f} us each), limit {LIMIT_SECONDS} s, ratio {ratio:.2f}")


def sweep(every: int) -> None:
    """Compare windows of 54 hours around shifts; zones whose shifts are the same ones are looked at once."""
    begun, compared, mismatches = time.perf_counter(), 0, 0
    windows = [(zone, at) for zone, shifts in _distinct_zones().items() for at in shifts][::every]
    for number, (zone, at) in enumerate(windows):
        for line in _compare(zone, at):
            mismatches += 1
            print(line)
        compared += len(SPECS) * len(FoldPolicy)
        if number % 500 == 0:
            print(f"  {number} of {len(windows)} windows, {time.perf_counter() - begun:.0f} s", flush=True)
    spent = time.perf_counter() - begun
    print(f"{len(windows)} windows, {compared} comparisons, {spent:.0f} s: {mismatches} mismatches, limit 0")


def _distinct_zones() -> dict[str, tuple[datetime, ...]]:
    found: dict[tuple[tuple[datetime, object], ...], str] = {}
    for zone in ZONES:
        found.setdefault(_shifts(zone), zone)
    return {zone: tuple(at for at, _ in shifts) for shifts, zone in found.items()}


def _shifts(zone: str) -> tuple[tuple[datetime, object], ...]:
    """Return moments at most twelve hours after each shift, and the new offsets."""
    info, hour, at = ZoneInfo(zone), timedelta(hours=1), datetime(2000, 1, 1, tzinfo=UTC)
    offset = at.astimezone(info).utcoffset()
    found: list[tuple[datetime, object]] = [(at, offset)]
    while at.year < 2038:
        at += 12 * hour
        new = at.astimezone(info).utcoffset()
        if new != offset:
            found.append((at, new))
        offset = new
    return tuple(found)


def _compare(zone: str, around: datetime) -> Iterator[str]:
    since, until = around - timedelta(hours=33), around + timedelta(hours=27)
    offsets = _offsets(zone, since, until)
    policies = zip((GapPolicy.SHIFT, GapPolicy.SKIP, GapPolicy.SHIFT), FoldPolicy, strict=True)
    for (gap, fold), spec in product(list(policies), SPECS):
        made = Schedule(repetition=parse_cron(spec[0]), zone=zone, gap=gap, fold=fold)
        expected = [since + timedelta(minutes=int(minute)) for minute in _brute_force(spec, since, offsets, gap, fold)]
        found = _between(made, since, until)
        if found != expected:
            yield f"MISMATCH {zone} {around:%Y-%m-%d} {spec[0]} {gap} {fold}: {set(found) ^ set(expected)}"


def _between(made: Schedule, since: datetime, until: datetime) -> list[datetime]:
    found = []
    tick = next_tick(made, since - timedelta(microseconds=1))
    while tick is not None and tick < until:
        found.append(tick)
        tick = next_tick(made, tick)
    return found


def _offsets(zone: str, since: datetime, until: datetime) -> Minutes:
    """Return the offset of each UTC minute in minutes, beginning with the minute before ``since``."""
    info, number = ZoneInfo(zone), int((until - since) / timedelta(minutes=1)) + 1
    instants = (since + timedelta(minutes=minute) for minute in range(-1, number - 1))
    offsets = (instant.astimezone(info).utcoffset() or timedelta() for instant in instants)
    return np.fromiter((offset // timedelta(minutes=1) for offset in offsets), np.int64, number)


def _brute_force(
    spec: tuple[str, set[int], set[int], Days, bool, bool],
    since: datetime,
    offsets: Minutes,
    gap: GapPolicy,
    fold: FoldPolicy,
) -> list[int]:
    """Return the minutes after ``since`` at which a schedule must tick."""
    _, _, _, _, times_named, hours_named = spec
    utc = int(since.timestamp()) // 60 - 1 + np.arange(len(offsets), dtype=np.int64)
    walls = utc + offsets
    ticking = _match(spec, walls)
    if times_named and fold is not FoldPolicy.BOTH:
        seen_before = walls <= np.maximum.accumulate(np.concatenate(([walls[0] - 1], walls[:-1])))
        seen_again = walls >= np.minimum.accumulate(np.concatenate((walls[1:], [walls[-1] + 1]))[::-1])[::-1]
        ticking &= ~(seen_before if fold is FoldPolicy.FIRST else seen_again)
    if hours_named and gap is GapPolicy.SHIFT:
        for index in np.flatnonzero(np.diff(walls) > 1):
            ticking[index + 1] |= bool(
                _match(spec, np.arange(walls[index] + 1, walls[index + 1], dtype=np.int64)).any()
            )
    return [int(minute) - 1 for minute in np.flatnonzero(ticking) if minute > 0]


def _match(spec: tuple[str, set[int], set[int], Days, bool, bool], walls: Minutes) -> npt.NDArray[np.bool_]:
    _, minutes, hours, days, _, _ = spec
    by_time = np.isin(walls % 60, list(minutes)) & np.isin(walls // 60 % 24, list(hours))
    return np.asarray(by_time & days(walls // 1440), dtype=np.bool_)


def _weekdays(days: Minutes) -> Minutes:
    """Return the weekdays of days since 1970, Monday 0."""
    return (days + 3) % 7


def _months(days: Minutes) -> Minutes:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


if __name__ == "__main__":
    main()
