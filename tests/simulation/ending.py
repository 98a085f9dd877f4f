"""The end of a history: faults stop, time passes, and everything that was begun comes to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from gristmill.domain.delivery import DeliveryState
from gristmill.domain.run import FINAL
from tests.simulation.server import Server
from tests.simulation.snapshot import moment
from tests.simulation.world import Action, World

_ROUNDS = (*[10.0] * 30, *[300.0] * 12, *[7200.0] * 60)
"""Seconds between the rounds. Deliveries try for a day, and a clock that was far ahead has left leases of a day."""
_CONTENT_HOURS = (26, 1, 26, 1, 1)
"""Content that nothing refers to is noted when it is a day old, and goes a day after that."""


def settle(world: World) -> None:
    """Set everything right, let time pass until nothing is left to do, and complain of what is."""
    world.history.say("== faults stop")
    world.calm = True
    for server in world.servers:
        server.clock.set(timedelta(0))
        server.halted = False
        if server.process is None:
            server.start()
    world.user.pause_all(world.servers[0].context, world.seen)
    for seconds in _ROUNDS:
        _round(world, seconds)
        if not list(_unfinished(world)):
            break
    for hours in _CONTENT_HOURS:
        _round(world, hours * 3600.0)
    world.broken += [f"at the end: {what}" for what in (*_unfinished(world), *_left(world))]


def _round(world: World, seconds: float) -> None:
    world.pass_time(seconds)
    for server in world.servers:
        for role, do in _chores(world, server):
            world.perform(Action(1, server, role, do))


def _chores(world: World, server: Server) -> Iterator[tuple[str, Callable[[], object]]]:
    process = server.process
    assert process
    yield "pulse", server.pulse
    yield "rescuer", lambda: world.promptness.rescue(server)
    yield "scheduler", lambda: world.promptness.schedule(server)
    yield "worker", lambda: world.promptness.claim(server)
    while process.pool.tasks:
        yield "execution", lambda: process.pool.go_on(process.pool.tasks[0])
    yield "route", process.deliverer.route
    yield "take", process.deliverer.take
    while process.deliverer.taken:
        yield "send", lambda: process.deliverer.send(process.deliverer.taken[0])
    yield "janitor", process.janitor.step


def _unfinished(world: World) -> Iterator[str]:
    """Yield what is still on its way."""
    seen = world.seen
    yield from (f"{run.id} is {run.state}" for run in seen.runs.values() if run.state not in FINAL)
    yield from (f"{run.id} was deleted, and is there" for run in seen.runs.values() if run.deleted_at)
    yield from (f"the claim on {run_id} is there" for run_id in seen.claims)
    yield from (f"the event {event.subject} is not routed" for event in seen.events.values() if not event.routed_at)
    for delivery in seen.deliveries.values():
        if delivery.state == DeliveryState.WAITING:
            yield f"the delivery {delivery.id} waits after {delivery.attempts} attempts"
    yield from (f"the job {job.id} was deleted, and is there" for job in seen.jobs.values() if job.deleted_at)


def _left(world: World) -> Iterator[str]:
    """Yield what is forgotten, or was said and is not true."""
    seen, now = world.seen, world.time.now
    for job in seen.jobs.values():
        if job.key_id and (not job.next_tick_at or moment(job.next_tick_at) <= now):
            yield f"the schedule of {job.id} has no next tick: {job.next_tick_at}"
    for delivery in seen.deliveries.values():
        told = world.receivers.told.get((delivery.event_id, world.target(delivery.target)), 0)
        if delivery.state == DeliveryState.DELIVERED and not told:
            yield f"the delivery {delivery.id} counts as delivered, and nobody was told"
        if told > delivery.attempts:
            yield f"the delivery {delivery.id} was told {told} times in {delivery.attempts} attempts"
    loose = world.content.kept.keys() - {key for _, key in seen.held} - world.attached()
    yield from (f"the content {key} is of no use, and stays" for key in sorted(loose))
