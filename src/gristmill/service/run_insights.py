"""What a run was made of, and the beginning of what it made: for people who look at it afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from gristmill.domain.asset import Asset
from gristmill.domain.errors import Conflict, NotFound
from gristmill.domain.run_spec import InlineTable, RunResult, RunSpec
from gristmill.domain.user import Actor
from gristmill.service import asset_previews, inline_tables, runs
from gristmill.service.context import Context
from gristmill.store import assets

_POSITION = re.compile(r"\[\d+]$")
"""How the profile of a column of lists names one of its positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A run's frozen specification, its asset if that is still there, and the names of its secret variables."""

    spec: RunSpec
    asset: Asset | None
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRows:
    """The first rows of a result, inputs beside predictions. ``fed`` are the names of the columns that were input."""

    columns: Sequence[dict[str, Any]]
    rows: Sequence[Sequence[Any]]
    row_count: int | None
    asset_id: str | None = None
    asset_name: str | None = None
    fed: Sequence[str] = ()


def made_of(context: Context, actor: Actor, job_id: str, run_id: str) -> Made:
    """Return what a run was frozen with; of secret variables only their names."""
    found = runs.get(context, actor, job_id, run_id)
    sealed = found.spec.sealed_variables
    secrets = sorted(json.loads(context.secrets.decrypt(sealed))) if sealed else []
    with context.database.snapshot() as connection:
        asset = assets.get(connection, found.spec.asset_id)
    return Made(spec=found.spec, asset=asset, secrets=secrets)


def first_rows(context: Context, actor: Actor, job_id: str, run_id: str, *, limit: int) -> FirstRows:
    """Return the first rows of a run's result.

    Raises:
        NotFound: it has none, or it is gone.
        Conflict: it cannot be read now, or is not of this server's.

    """
    found = runs.get(context, actor, job_id, run_id)
    result = found.result
    if result and result.predictions and found.spec.inline:
        return _beside(context, found.spec.inline[0], result.predictions[0], limit)
    if result is None or result.output_asset_id is None:
        raise NotFound(f"Run {run_id} has no result that can be shown as a table.", code="no_result")
    with context.database.snapshot() as connection:
        asset = assets.get(connection, result.output_asset_id)
    if asset is None or asset.deleted_at is not None:
        raise NotFound("The data asset that the run made is gone.", code="result_gone")
    if asset.size is not None and asset.name.endswith(".zip"):
        raise Conflict("The result is an archive: download it.", code="no_table")
    shown = asset_previews.show(context, actor, found.run.space_id, asset.id, rows=limit)
    return FirstRows(
        columns=shown.found["columns"],
        rows=shown.found["rows"],
        row_count=shown.found["row_count"],
        asset_id=asset.id,
        asset_name=asset.name,
        fed=_fed([str(column.get("name")) for column in shown.found["columns"]], result),
    )


def _fed(names: Sequence[str], result: RunResult) -> Sequence[str]:
    """Return the columns that are no predictions, those that the model did not take included."""
    predicted = {_POSITION.sub("", str(column.get("name"))) for column in result.profile}
    if predicted:
        return [name for name in names if name not in predicted]
    taken = {str(column.get("name")) for column in result.columns}
    # Predictions stand behind the whole row of the input.
    return names[: max((at + 1 for at, name in enumerate(names) if name in taken), default=0)]


def _beside(context: Context, given: InlineTable, predicted: InlineTable, limit: int) -> FirstRows:
    """Lay the first rows of an inline table beside what was predicted of them: there is a prediction a row."""
    left, right = _beginning(context, given, limit), _beginning(context, predicted, limit)
    fed = list(given.fields or [f"column {number + 1}" for number in range(len(left[0]) if left else 0)])
    names = [*fed, *(predicted.fields or [f"prediction {n + 1}" for n in range(len(right[0]) if right else 0)])]
    rows = [[*row, *answer] for row, answer in zip(left, right, strict=False)]
    return FirstRows(columns=[{"name": name} for name in names], rows=rows, row_count=given.rows, fed=fed)


def _beginning(context: Context, table: InlineTable, limit: int) -> list[list[Any]]:
    rows = (row for batch in inline_tables.batches(context, table) for row in batch)
    return [row if isinstance(row, list) else [row] for row in islice(rows, limit)]
