"""Summaries of prediction columns: made of each chunk, brought together for the run, cheap and small.

A summary of numbers holds evenly spaced quantiles of its chunk, which stand for its rows when quantiles of the whole
are asked for. One of other values, or of few integers, counts them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gristmill_runner.protocol import ColumnProfile

_POINTS = 41
_MOST_POINTS = 4_096
_SORTED = 8_192  # of more rows, so many evenly chosen ones tell the quantiles
_MOST_CATEGORIES = 200
_TOLD_CATEGORIES = 20
_FEW_INTEGERS = 50
_MOST_POSITIONS = 10
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_TEXT_CHARACTERS = 200
Summary = dict[str, Any]


def summaries(predictions: Mapping[str, Any]) -> list[Summary]:
    """Summarise the columns of a chunk; a column of lists is summarised by its positions, ten at most."""
    found = []
    for name, values in predictions.items():
        for position, column in _columns(values):
            found.append(_summary(name if position is None else f"{name}[{position}]", column))
    return found


class RunProfile:
    """The summaries of a run's chunks, brought together."""

    def __init__(self) -> None:
        self._columns: dict[str, Summary] = {}

    def add(self, chunk: Iterable[Summary]) -> None:
        """Take in the summaries of a chunk."""
        for summary in chunk:
            name = summary["name"]
            before = self._columns.get(name)
            self._columns[name] = {**summary} if before is None else _together(before, summary)

    def told(self) -> list[ColumnProfile]:
        """Return what is told of each column."""
        return [_told(summary) for summary in self._columns.values()]


def _columns(values: Any) -> list[tuple[int | None, Any]]:  # noqa: ANN401 - arrays and lists of any library
    import numpy as np

    if isinstance(values, list) and values and isinstance(values[0], (list, tuple)):
        width = min(len(values[0]), _MOST_POSITIONS)
        return [(at, np.array([row[at] if len(row) > at else None for row in values], object)) for at in range(width)]
    array = values if hasattr(values, "dtype") and hasattr(values, "ndim") else np.array([*values], dtype=object)
    if array.ndim < 2:
        return [(None, np.asarray(array) if array.ndim else array)]
    flat = np.asarray(array).reshape(len(array), -1)
    return [(at, flat[:, at]) for at in range(min(flat.shape[1], _MOST_POSITIONS))]


def _summary(name: str, values: Any) -> Summary:  # noqa: ANN401
    if values.dtype.kind == "O":
        values = _as_numbers(values)
    if values.dtype.kind in "iuf":
        return _summary_of_numbers(name, values)
    return _summary_of_categories(name, values)


def _as_numbers(values: Any) -> Any:  # noqa: ANN401
    """Return an array of objects as one of numbers, if they are nothing else."""
    import numpy as np

    if all(value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values):
        return np.array([math.nan if value is None else value for value in values], dtype="float64")
    return values


def _summary_of_numbers(name: str, values: Any) -> Summary:  # noqa: ANN401
    import numpy as np

    summary: Summary = {"name": name, "type": "number", "rows": len(values), "nulls": 0}
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            summary["nulls"] = int(len(values) - finite.sum())
            values = values[finite]
    else:
        summary["type"] = "integer"
        summary.update(_few(values))
    if len(values):
        summary.update(_shape(values.astype("float64", copy=False)))
    return summary


def _few(values: Any) -> Summary:  # noqa: ANN401
    """Count integers, as long as they are few; classes are told so."""
    import numpy as np

    if len(values) and int(values.max()) - int(values.min()) < _FEW_INTEGERS:
        low = int(values.min())
        counts = np.bincount((values - low).astype("int64"))
        return {"counts": [[low + at, int(count)] for at, count in enumerate(counts) if count]}
    return {} if len(values) else {"counts": []}


def _shape(values: Any) -> Summary:  # noqa: ANN401
    import numpy as np

    mean, minimum, maximum = float(values.mean()), float(values.min()), float(values.max())
    ordered = np.sort(values[:: max(1, len(values) // _SORTED)])
    at = np.linspace(0, len(ordered) - 1, min(_POINTS, len(ordered)))
    points = ordered if len(ordered) <= _POINTS else np.interp(at, np.arange(len(ordered)), ordered)
    return {
        "minimum": minimum,
        "maximum": maximum,
        "mean": mean,
        "squares": float(np.square(values - mean).sum()),
        "points": [float(f"{point:.6g}") for point in points],
    }


def _summary_of_categories(name: str, values: Any) -> Summary:  # noqa: ANN401
    import pandas as pd

    series = pd.Series(values)
    kind = "boolean" if values.dtype.kind == "b" else "string"
    known = series.dropna()
    if kind == "string":
        known = known.map(lambda value: str(value)[:_TEXT_CHARACTERS]) if not _all_text(known) else known
    counts = known.value_counts(sort=True)
    most = [[_plain(value), int(count)] for value, count in counts.head(_MOST_CATEGORIES).items()]
    nulls = len(series) - len(known)
    return {"name": name, "type": kind, "rows": len(series), "nulls": nulls, "counts": most, "distinct": len(counts)}


def _all_text(values: Any) -> bool:  # noqa: ANN401
    import pandas as pd

    return bool(pd.api.types.infer_dtype(values, skipna=True) == "string") and int(values.str.len().max()) <= (
        _TEXT_CHARACTERS
    )


def _plain(value: Any) -> Any:  # noqa: ANN401
    return value.item() if hasattr(value, "item") else value


def _together(one: Summary, other: Summary) -> Summary:
    if one["type"] != other["type"] and {one["type"], other["type"]} != {"integer", "number"}:
        one, other = _as_text(one), _as_text(other)
    same = one["type"] if one["type"] == other["type"] else "number"
    both: Summary = {"name": one["name"], "type": same}
    both.update({count: one[count] + other[count] for count in ("rows", "nulls")})
    if "counts" in one and "counts" in other:
        both.update(_counts_together(one, other))
    halves = [half for half in (one, other) if "minimum" in half]
    if len(halves) == 2:
        both.update(_shapes_together(*halves))
    elif halves:
        both.update({key: halves[0][key] for key in ("minimum", "maximum", "mean", "squares", "points")})
        both["weights"] = halves[0].get("weights") or _weights(halves[0])
    return both


def _as_text(summary: Summary) -> Summary:
    """Let numbers be forgotten where a column holds numbers in one chunk and text in another."""
    kept = {key: summary[key] for key in ("name", "rows", "nulls")}
    counts = [[str(value), count] for value, count in summary.get("counts", [])]
    return {**kept, "type": "string", "counts": counts, "distinct": summary.get("distinct", len(counts))}


def _counts_together(one: Summary, other: Summary) -> Summary:
    counts: dict[Any, int] = {}
    for value, count in [*one["counts"], *other["counts"]]:
        counts[value] = counts.get(value, 0) + count
    most = sorted(counts.items(), key=lambda item: -item[1])
    if one["type"] == "integer" and len(most) > _FEW_INTEGERS:
        return {}
    distinct = max(len(most), one.get("distinct", 0), other.get("distinct", 0))
    return {"counts": [list(item) for item in most[:_MOST_CATEGORIES]], "distinct": distinct}


def _shapes_together(one: Summary, other: Summary) -> Summary:
    first, second = one["rows"] - one["nulls"], other["rows"] - other["nulls"]
    apart, rows = other["mean"] - one["mean"], first + second
    points = one["points"] + other["points"]
    weights = (one.get("weights") or _weights(one)) + (other.get("weights") or _weights(other))
    if len(points) > _MOST_POINTS:
        points, weights = _thinned(points, weights)
    return {
        "minimum": min(one["minimum"], other["minimum"]),
        "maximum": max(one["maximum"], other["maximum"]),
        "mean": one["mean"] + apart * second / rows,
        "squares": one["squares"] + other["squares"] + apart * apart * first * second / rows,
        "points": points,
        "weights": weights,
    }


def _weights(summary: Summary) -> list[float]:
    """Return how many rows each point stands for; the outermost ones stand for half as many."""
    rows, points = summary["rows"] - summary["nulls"], len(summary["points"])
    if rows <= points:
        return [1.0] * points
    step = rows / (points - 1)
    return [step / 2, *[step] * (points - 2), step / 2]


def _thinned(points: list[float], weights: list[float]) -> tuple[list[float], list[float]]:
    """Let a quarter of the points stand for all."""
    import numpy as np

    order = np.argsort(points, kind="stable")
    values, sums = np.asarray(points)[order], np.cumsum(np.asarray(weights)[order])
    fewer = _MOST_POINTS // 4
    middles = (np.arange(fewer) + 0.5) * sums[-1] / fewer
    chosen = values[np.minimum(np.searchsorted(sums, middles), len(values) - 1)]
    return chosen.tolist(), [float(sums[-1] / fewer)] * fewer


def _told(summary: Summary) -> ColumnProfile:
    told: ColumnProfile = {key: summary[key] for key in ("name", "type", "rows", "nulls")}  # type: ignore[assignment]
    if "minimum" in summary:
        rows = summary["rows"] - summary["nulls"]
        told["minimum"], told["maximum"], told["mean"] = summary["minimum"], summary["maximum"], summary["mean"]
        told["deviation"] = math.sqrt(summary["squares"] / rows)
        told["quantiles"] = _quantiles(summary)
    if summary.get("counts"):
        counts = sorted(summary["counts"], key=lambda item: -item[1])
        told["categories"] = [list(item) for item in counts[:_TOLD_CATEGORIES]]
        told["distinct"] = summary.get("distinct", len(counts))
    return told


def _quantiles(summary: Summary) -> list[list[float]]:
    import numpy as np

    weights = np.asarray(summary.get("weights") or _weights(summary))
    order = np.argsort(summary["points"], kind="stable")
    values, weights = np.asarray(summary["points"], dtype="float64")[order], weights[order]
    places = (np.cumsum(weights) - weights / 2) / weights.sum()
    return [[share, float(np.interp(share, places, values))] for share in _QUANTILES]
