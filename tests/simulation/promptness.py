"""What must happen soon: a step that nothing disturbed leaves nothing undone, and takes nothing from the living."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gristmill.domain.run import RunEvent
from tests.simulation.server import LEASE, SLOTS, Server
from tests.simulation.snapshot import Snapshot, moment

if TYPE_CHECKING:
    from tests.simulation.world import World

_SILENCE = LEASE * 2 / 3 - timedelta(seconds=1)
"""A worker whose last pulse is no older than this has renewed its leases in time."""
Key = tuple[str, int]


class Promptness:
    """Watches over the loops of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._claimed_at: dict[Key, datetime] = {}
        self._orphaned_at: dict[Key, datetime] = {}

    def claim(self, server: Server) -> str:
        """Take a worker's step: with free slots, no lane is left that has waiting runs and is not full."""
        assert server.process
        process, faults, depth = server.process, self._world.faults, self._mark()
        begun = process.worker.step()
        if self._undisturbed(faults, depth) and len(process.holds()) < SLOTS:
            for lane_id, limit in self._world.seen.limits.items():
                waiting = [r for r in self._world.seen.runs.values() if r.lane_id == lane_id and r.state == "queued"]
                working = [c for c in self._world.seen.claims.values() if c.lane_id == lane_id]
                if waiting and len(working) < limit:
                    self._complain(f"lane {lane_id} has {len(waiting)} runs that wait though a worker is free")
        return f"{begun} begun"

    def schedule(self, server: Server) -> str:
        """Take a scheduler's step: nothing is left that was due."""
        assert server.process
        faults, depth, now = self._world.faults, self._mark(), server.clock()
        decided = server.process.scheduler.step()
        if self._undisturbed(faults, depth):
            for job in self._world.seen.jobs.values():
                if job.next_tick_at and not job.deleted_at and moment(job.next_tick_at) <= now:
                    self._complain(f"the tick {job.next_tick_at} of {job.id} was due, and is not decided")
        return f"{decided} decided"

    def rescue(self, server: Server) -> str:
        """Take a rescuer's step: no claim is left that nobody has worked at for longer than two leases."""
        assert server.process
        faults, depth = self._world.faults, self._mark()
        rescued = server.process.rescuer.step()
        if self._undisturbed(faults, depth) and not self._world.climate.clocks:
            since = self._world.time.now - LEASE * 2
            self._note_orphans()
            for key, at in self._orphaned_at.items():
                if at < since:
                    self._complain(f"nobody has worked at {key} since {at}, and it is still claimed")
        return f"{rescued} rescued"

    def look(self, before: Snapshot, after: Snapshot) -> None:
        """Note who claims and who lets go, after a commit."""
        now = self._world.time.now
        keys = {(claim.run_id, claim.fence) for claim in after.claims.values()}
        claimed_at, self._claimed_at = self._claimed_at, {key: self._claimed_at.get(key, now) for key in keys}
        self._note_orphans()
        for run_id, changes in after.history.items():
            for change in changes[len(before.history.get(run_id, [])) :]:
                if change.actor == "rescuer" and change.event in {RunEvent.RETURNED, RunEvent.LOST}:
                    self._taken_away(before, run_id, claimed_at)

    def _note_orphans(self) -> None:
        """Note since when claims have nobody who works at them."""
        held = {key for server in self._world.servers if server.process for key in server.process.holds()}
        now = self._world.time.now
        self._orphaned_at = {key: self._orphaned_at.get(key, now) for key in self._claimed_at.keys() - held}

    def _taken_away(self, before: Snapshot, run_id: str, claimed: dict[Key, datetime]) -> None:
        """Complain where a run was taken from a worker that was well, by clocks that all went right."""
        world, claim = self._world, before.claims[run_id]
        holders = [s for s in world.servers if s.process and (run_id, claim.fence) in s.process.holds()]
        claimed_at = claimed.get((run_id, claim.fence), world.time.now)
        for holder in holders:
            heard = max(holder.pulsed_at, claimed_at)
            clocks_agree = len({server.clock.error for server in world.servers}) == 1
            clocks_set = any(server.clock.set_at >= claimed_at for server in world.servers)
            if world.time.now - heard < _SILENCE and clocks_agree and not clocks_set:
                self._complain(f"{run_id} was taken from {holder.name}, which was heard of at {heard}")

    def _mark(self) -> int:
        return self._world.history.length

    def _undisturbed(self, faults: int, mark: int) -> bool:
        return self._world.faults == faults and self._world.history.length == mark

    def _complain(self, what: str) -> None:
        self._world.broken.append(what)
