"""Rescue: runs are taken away from workers that have not been heard of. Any number of rescuers may be at it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from gristmill.domain.run import Run
from gristmill.service.claims import give_up
from gristmill.service.context import Context
from gristmill.store import claims, lanes, runs
from gristmill.store.claims import ExpiredClaim
from gristmill.store.database import Connection
from gristmill.store.runs import Held, StaleFence

RESCUED_AT_ONCE = 500
_IN_A_TRANSACTION = 50
_SIDE_BY_SIDE = 2
_SILENT = "was not heard of any more"
_log = logging.getLogger("gristmill.engine")


def rescue(context: Context, *, why: str = _SILENT) -> int:
    """Take runs away from workers whose leases are over; returns how many.

    Several rescuers share the lanes: one passes by those at which another is, and comes back to what that left.
    ``why`` goes on after "The worker"; the workers' end counts as an attempt unless it is another than their silence.
    """
    rescued, last = 0, None
    while found := _expired(context, after=last):
        last, passed_by = found[-1], list[ExpiredClaim]()
        now_rescued = _side_by_side(
            context, partial(_rescue_batch, context, why=why, passed_by=passed_by), _batches(found)
        )
        now_rescued += sum(_rescue_batch(context, batch, why=why) for batch in _batches(passed_by))
        if now_rescued:
            context.wake()
        rescued += now_rescued
    return rescued


def _expired(context: Context, *, after: ExpiredClaim | None) -> list[ExpiredClaim]:
    with context.database.snapshot() as connection:
        return claims.expired(connection, now=context.now(), after=after, limit=RESCUED_AT_ONCE)


def _batches(found: Sequence[ExpiredClaim]) -> list[Sequence[ExpiredClaim]]:
    return [found[first : first + _IN_A_TRANSACTION] for first in range(0, len(found), _IN_A_TRANSACTION)]


def _side_by_side(
    context: Context, rescue_batch: Callable[[Sequence[ExpiredClaim]], int], batches: Sequence[Sequence[ExpiredClaim]]
) -> int:
    """Let PostgreSQL be at work at one batch while another is prepared; SQLite has one writer."""
    if len(batches) == 1 or context.database.dialect != "postgresql":
        return sum(map(rescue_batch, batches))
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="gristmill-rescuer") as pool:
        return sum(pool.map(rescue_batch, batches))


def _rescue_batch(
    context: Context, batch: Sequence[ExpiredClaim], *, why: str = _SILENT, passed_by: list[ExpiredClaim] | None = None
) -> int:
    """Rescue together; if that fails, one by one: a run at which we fail must not keep the others from it.

    Claims in lanes that somebody else has locked are added to ``passed_by``; without it, these locks are waited for.
    """
    try:
        with context.database.transaction() as connection:
            mine = lanes.lock(connection, {claim.lane_id for claim in batch}, wait=passed_by is None)
            rescued = _rescue_these(context, connection, [one for one in batch if one.lane_id in mine], why=why)
    except Exception as error:  # noqa: BLE001 - see above
        if len(batch) > 1:
            _log.warning("rescue.batch_failed", extra={"runs": len(batch), "error": repr(error)})
            return sum(_rescue_batch(context, [claim], why=why) for claim in batch)
        _log.exception("rescue.failed", extra={"run": batch[0].run_id})
        return 0
    if passed_by is not None:
        passed_by.extend(claim for claim in batch if claim.lane_id not in mine)
    return rescued


def _rescue_these(context: Context, connection: Connection, expired: Sequence[ExpiredClaim], *, why: str) -> int:
    """Rescue runs whose lanes are locked."""
    # Asked again here: workers may have come back since the list was made.
    lost = claims.still_expired(connection, [(one.run_id, one.fence) for one in expired], now=context.now())
    found = runs.held(connection, [run_id for run_id, _ in lost])
    taken = [(found[run_id], fence) for run_id, fence in lost if run_id in found]
    return sum(_rescue_one(context, connection, *each, fence=fence, why=why) for each, fence in taken)


def _rescue_one(context: Context, connection: Connection, run: Run, held: Held, *, fence: int, why: str) -> bool:
    try:
        died = why == _SILENT
        give_up(context, connection, run, fence, actor="rescuer", why=why, unasked=died, held=held)
    except StaleFence:
        return False
    return True
