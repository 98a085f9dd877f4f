"""Retention of runs: so many of the newest, or so many days, of those that have ended and nobody pinned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from gristmill.domain.errors import Invalid

FOR_EVER = -1
MOST_DAYS = 36_500
MOST_RUNS = 1_000_000
"""What finding the oldest run to keep costs grows with their number."""
_FIELD = "retention_policy"
_MOST = {"amount": MOST_RUNS, "days": MOST_DAYS}


class Results(StrEnum):
    """What becomes of the data asset that a run made when the run goes."""

    KEEP = "keep"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The newest ``amount`` runs stay, or those that ended within ``days``; with neither, all do."""

    amount: int | None = None
    days: int | None = None
    results: Results = Results.KEEP

    @property
    def keeps_all(self) -> bool:
        """Whether no run ever goes."""
        return self.amount is None and self.days is None

    def ended_before(self, now: datetime) -> datetime | None:
        """Return the moment before which runs must have ended to go; None where the policy is not one of days."""
        return None if self.days is None else now - timedelta(days=self.days)

    def document(self) -> dict[str, Any]:
        """Return the policy as the wire has it; ``{"days": -1}`` keeps everything."""
        if self.keeps_all:
            return {"days": FOR_EVER}
        kept = {"days": self.days} if self.amount is None else {"amount": self.amount}
        return {**kept, "results": str(self.results)}


def read_retention(policy: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return ``{"amount": n}`` or ``{"days": n}``, with ``results`` where it was given; None where nothing was.

    Raises:
        Invalid: it names both or neither, a number that is not one from 1 up, or unknown results.

    """
    if policy is None:
        return None
    given = {name: policy.get(name) for name in _MOST if policy.get(name) is not None}
    if len(given) != 1:
        raise Invalid(
            f"{_FIELD}: give either amount (runs to keep) or days (how long to keep them), not both or neither.",
            field=_FIELD,
        )
    ((name, value),) = given.items()
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST[name]:
        raise Invalid(
            f"{_FIELD}.{name}: {value!r} is not a whole number from 1 up to {_MOST[name]}.", field=f"{_FIELD}.{name}"
        )
    return {name: value, **_read_results(policy.get("results"))}


def retention_of(policy: Mapping[str, Any] | None, *, default_days: int) -> Retention:
    """Return what holds for the runs of a job: its own policy, else the installation's days (-1: for ever)."""
    if not policy:
        return Retention() if default_days == FOR_EVER else Retention(days=default_days)
    return Retention(
        amount=policy.get("amount"), days=policy.get("days"), results=Results(policy.get("results") or Results.KEEP)
    )


def expires_at(retention_days: int | None, finished_at: datetime) -> datetime | None:
    """Return when a run goes that asked for days itself; None where it did not, or where it stays for ever."""
    if retention_days is None or retention_days == FOR_EVER:
        return None
    return finished_at + timedelta(days=retention_days)


def _read_results(value: Any) -> dict[str, str]:  # noqa: ANN401 - any JSON
    if value is None:
        return {}
    if value not in list(Results):
        field = f"{_FIELD}.results"
        raise Invalid(f"{field}: {value!r} is neither keep nor delete.", field=field)
    return {"results": str(value)}
