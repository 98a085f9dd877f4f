"""Whether the predictions of a run look like those of the run before: rows, nulls, mean and distribution."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ROWS_CHANGE = 0.5
"""So much more or fewer rows than before is told: half. Own choice; a day that is missing or double is beyond it."""
NULL_SHARE_RISE = 0.05
"""So much larger a share of nulls is told: five points. Own choice."""
MEAN_SHIFT = 0.5
"""A mean that moved by so many of the earlier standard deviations is told: a "medium" effect.

Source: J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd edition, 1988, section 2.2.
"""
STABILITY_INDEX = 0.25
"""A population stability index above it is told: "a major shift".

Source: N. Siddiqi, Credit Risk Scorecards, 2006, chapter 9: below 0.1 no change, up to 0.25 some, above it a major one.
"""
FEWEST_ROWS = 500
"""Of fewer rows nothing is told of nulls, mean and distribution: the index of two equal samples is noise there.

Over k bins it is about (k - 1) (1/n + 1/m) by chance: 0.04 for ten bins of two samples of 500.
"""
_BINS = 10
_LEAST_SHARE = 0.0001
_SAME = 1e-12

Profile = Sequence[Mapping[str, Any]]
"""A summary a prediction column, as ``protocol.ColumnProfile`` describes them."""


def compare(now: Profile, before: Profile, *, rows: int, rows_before: int) -> list[str]:
    """Return a sentence for all that has jumped since the run before; an empty list where nothing has."""
    found = []
    if _jumped(rows, rows_before):
        found.append(f"{rows:,} rows were read, {rows_before:,} before")
    earlier = {column.get("name"): column for column in before}
    for column in now:
        was = earlier.get(column.get("name"))
        if was is not None and min(column.get("rows", 0), was.get("rows", 0)) >= FEWEST_ROWS:
            found += [f"{column['name']}: {said}" for said in _of_column(column, was)]
    return found


def warning(found: Sequence[str], *, since: str) -> str | None:
    """Return what a run tells of these findings; ``since`` names the run that it was compared with."""
    return f"The result differs from that of {since}: {'; '.join(found)}." if found else None


def stability_index(now: Mapping[str, Any], before: Mapping[str, Any]) -> float | None:
    """Return the population stability index of a column against what it was, None where it cannot be told."""
    if now.get("categories") and before.get("categories"):
        return _index(_by_category(now, before))
    if now.get("quantiles") and before.get("quantiles"):
        return _index(_binned(now["quantiles"], before["quantiles"]))
    return None


def _jumped(rows: int, rows_before: int) -> bool:
    return max(rows, rows_before) >= FEWEST_ROWS and abs(rows - rows_before) > ROWS_CHANGE * rows_before


def _of_column(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    nulls, nulls_before = _null_share(now), _null_share(before)
    if nulls - nulls_before > NULL_SHARE_RISE:
        yield f"{nulls:.1%} are null, {nulls_before:.1%} before"
    if min(_values(now), _values(before)) < FEWEST_ROWS:
        return
    shift = _mean_shift(now, before)
    if shift is not None and abs(shift) > MEAN_SHIFT:
        yield f"the mean is {now['mean']:.4g}, {before['mean']:.4g} before ({shift:+.1f} standard deviations)"
    index = stability_index(now, before)
    if index is not None and index > STABILITY_INDEX:
        yield f"the distribution moved (population stability index {index:.2f})"


def _mean_shift(now: Mapping[str, Any], before: Mapping[str, Any]) -> float | None:
    mean, mean_before, deviation = now.get("mean"), before.get("mean"), before.get("deviation")
    if mean is None or mean_before is None or deviation is None:
        return None
    if deviation > _SAME * max(1.0, abs(mean_before)):
        return float((mean - mean_before) / deviation)
    same = math.isclose(mean, mean_before, rel_tol=1e-9, abs_tol=_SAME)
    return None if same else math.copysign(math.inf, mean - mean_before)


def _binned(now: Sequence[Sequence[float]], before: Sequence[Sequence[float]]) -> Iterator[tuple[float, float]]:
    """Yield the shares of both in bins that held about a tenth each before; equal values stay in one bin."""
    curve, curve_before = _curve(now), _curve(before)
    last = last_before = 0.0
    for value, (share, most) in list(curve_before.items())[:-1]:
        if share - last_before < (1 - _SAME) / _BINS:
            continue
        here = _below(curve, value, like=(share, most))
        yield here - last, share - last_before
        last, last_before = here, share
    yield 1.0 - last, 1.0 - last_before


def _curve(quantiles: Sequence[Sequence[float]]) -> dict[float, tuple[float, float]]:
    """Return the share of rows up to each value, values rising, and the share below which that certainly lies.

    The two differ where several quantiles are one value: many rows have it, and they end before the next quantile.
    """
    points = sorted((one[0], one[1]) for one in quantiles)
    curve: dict[float, tuple[float, float]] = {}
    for (share, value), (following, _) in zip(points, [*points[1:], (1.0, 0.0)], strict=True):
        curve[value] = (share, following if value in curve else share)
    return dict(sorted(curve.items()))


def _below(curve: Mapping[float, tuple[float, float]], value: float, *, like: tuple[float, float]) -> float:
    """Return the share up to a value, on a straight line between those that are known.

    Where all that is known agrees with ``like``, it is taken to be that.
    """
    before: tuple[float, float] | None = None
    for here, (share, most) in curve.items():
        if here == value:
            return like[0] if share <= like[1] and like[0] <= most else share
        if here > value:
            if before is None:
                return 0.0
            return before[1] + (share - before[1]) * (value - before[0]) / (here - before[0])
        before = (here, share)
    return 1.0


def _by_category(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """Yield the shares of both by category; where lists are cut off, what is not in both is one category."""
    counts, counts_before = ({str(name): number for name, number in one["categories"]} for one in (now, before))
    whole = all(one.get("distinct", len(one["categories"])) <= len(one["categories"]) for one in (now, before))
    named = counts.keys() | counts_before.keys() if whole else counts.keys() & counts_before.keys()
    values, values_before = max(_values(now), 1), max(_values(before), 1)
    shares = [(counts.get(name, 0) / values, counts_before.get(name, 0) / values_before) for name in sorted(named)]
    yield from shares
    yield max(0.0, 1.0 - sum(one for one, _ in shares)), max(0.0, 1.0 - sum(one for _, one in shares))


def _index(shares: Iterator[tuple[float, float]]) -> float:
    total = 0.0
    for pair in shares:
        share, before = (max(one, _LEAST_SHARE) for one in pair)
        total += (share - before) * math.log(share / before)
    return total


def _values(column: Mapping[str, Any]) -> int:
    return int(column.get("rows", 0)) - _nulls(column)


def _nulls(column: Mapping[str, Any]) -> int:
    return int(column.get("nulls", 0))


def _null_share(column: Mapping[str, Any]) -> float:
    return _nulls(column) / column["rows"] if column.get("rows") else 0.0
