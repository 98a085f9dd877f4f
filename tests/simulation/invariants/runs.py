"""A run has one life: along the table, under one fence at a time, with one outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gristmill.domain.run import ACTIVE, FINAL, TRANSITIONS, RunEvent, RunState
from tests.simulation.execution import FENCE_STRIDE
from tests.simulation.invariants.commit import Commit
from tests.simulation.snapshot import Change, RunRow, Snapshot

_OF_WORKERS = frozenset({RunEvent.STARTED, RunEvent.SUCCEEDED, RunEvent.ERRED, RunEvent.STOPPED})


def check(before: Snapshot, after: Snapshot, _commit: Commit) -> Iterator[str]:
    for run in after.runs.values():
        old, new = before.history.get(run.id, []), after.history.get(run.id, [])
        if len(old) == len(new) and before.runs.get(run.id) == run and old == new:
            continue
        yield from _history(run, old, new)
        yield from _words(run, new[len(old) :], new)
        yield from _ended(before.runs.get(run.id), run)
        yield from _progress(run)
    yield from _claims(after)
    yield from _counts(after)
    yield from _outputs(after)


def _history(run: RunRow, old: Sequence[Change], new: Sequence[Change]) -> Iterator[str]:
    if list(new[: len(old)]) != list(old):
        yield f"the history of {run.id} was rewritten"
    if [change.number for change in new] != list(range(1, len(new) + 1)):
        yield f"the history of {run.id} has gaps"
    if not new or new[0].event != "created":
        yield f"{run.id} was never created"
        return
    state = RunState.QUEUED
    for change in new[1:]:
        wanted = TRANSITIONS.get((state, RunEvent(change.event)))
        if wanted != change.state:
            yield f"{run.id} went from {state} to {change.state} by {change.event}, which is not in the table"
        state = RunState(change.state)
    if run.state != state:
        yield f"{run.id} is {run.state}, its history says {state}"


def _words(run: RunRow, fresh: Sequence[Change], whole: Sequence[Change]) -> Iterator[str]:
    """A worker's word counts only under the claim that is the newest."""
    for change in fresh:
        claims = [one for one in whole if one.event == RunEvent.CLAIMED and one.number <= change.number]
        if change.event == RunEvent.CLAIMED and [one.fence for one in claims] != list(range(1, len(claims) + 1)):
            yield f"the fences of {run.id} do not rise one by one"
        if change.event in _OF_WORKERS and claims:
            holder = claims[-1]
            if (change.actor, change.fence) != (holder.actor, holder.fence):
                yield f"{run.id} was {change.event} by {change.actor}, but {holder.actor} held it"


def _ended(old: RunRow | None, new: RunRow) -> Iterator[str]:
    if old and old.state in FINAL:
        same = (old.state, old.fence, old.finished_at) == (new.state, new.fence, new.finished_at)
        if not same:
            yield f"{new.id} had ended as {old.state}, and changed to {new.state}"


def _progress(run: RunRow) -> Iterator[str]:
    if run.state in ACTIVE and run.rows_done is not None and run.rows_done // FENCE_STRIDE != run.fence:
        yield f"the progress of {run.id} was written under another fence than {run.fence}"


def _claims(after: Snapshot) -> Iterator[str]:
    active = {run.id: run for run in after.runs.values() if run.state in ACTIVE}
    if active.keys() != after.claims.keys():
        yield f"claims and runs at work differ: {sorted(active.keys() ^ after.claims.keys())}"
    for claim in after.claims.values():
        run = active.get(claim.run_id)
        if run and (run.fence, run.worker_id, run.lane_id) != (claim.fence, claim.worker_id, claim.lane_id):
            yield f"the claim on {run.id} is not that of its fence {run.fence}"


def _counts(after: Snapshot) -> Iterator[str]:
    counted: dict[tuple[str, str], int] = {}
    for run in after.runs.values():
        if run.deleted_at is None:
            counted[run.job_id, run.state] = counted.get((run.job_id, run.state), 0) + 1
    if counted != after.counts:
        yield "the counts of runs are not those of the runs"


def _outputs(after: Snapshot) -> Iterator[str]:
    makers = [run_id for _, run_id in after.made]
    for run_id in makers:
        run = after.runs.get(run_id)
        if makers.count(run_id) > 1:
            yield f"{run_id} has published {makers.count(run_id)} results"
        if run and run.state != RunState.COMPLETED:
            yield f"{run_id} is {run.state}, and has published a result"
