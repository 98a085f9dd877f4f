"""No lane has more runs at work than its limit, and its runs start in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gristmill.domain.run import RunState
from tests.simulation.invariants.commit import Commit
from tests.simulation.snapshot import Snapshot


def check(before: Snapshot, after: Snapshot, _commit: Commit) -> Iterator[str]:
    working = Counter(claim.lane_id for claim in after.claims.values())
    fresh = [c for c in after.claims.values() if before.claims.get(c.run_id, c).fence != c.fence]
    fresh += [claim for claim in after.claims.values() if claim.run_id not in before.claims]
    for claim in fresh:
        lane_id, limit = claim.lane_id, after.limits[claim.lane_id]
        if working[lane_id] > limit:
            yield f"lane {lane_id} has {working[lane_id]} runs at work, its limit is {limit}"
        place = after.runs[claim.run_id].place
        waiting = [r.place for r in before.runs.values() if r.lane_id == lane_id and r.state == RunState.QUEUED]
        if any(other < place for other in waiting if other in _still(after)):
            yield f"{claim.run_id} overtook another run of lane {lane_id}"
    if max(Counter((c.lane_id, c.slot) for c in after.claims.values()).values(), default=0) > 1:
        yield "a slot of a lane is taken twice"


def _still(after: Snapshot) -> set[int]:
    return {run.place for run in after.runs.values() if run.state == RunState.QUEUED}
