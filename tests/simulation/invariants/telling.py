"""What changes is told: no change without its event, no event twice, nothing told that never happened."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

from gristmill.domain.delivery import MOST_ATTEMPTS, DeliveryState
from gristmill.domain.run import RunState
from tests.simulation.invariants.commit import Commit
from tests.simulation.snapshot import Change, EventRow, Snapshot

_NAMESPACE = uuid.UUID("6b0c8d3a-6a34-5f0e-9a53-0f6f5a1f5c1e")
_ASKED_BY = {
    RunState.RUNNING: ("started",),
    RunState.COMPLETED: ("success", "warning"),
    RunState.FAILED: ("failure",),
    RunState.CANCELED: ("canceled",),
}
_LOUD = frozenset({"started", "succeeded", "warned", "failed", "canceled", "tick_missed", "tick_overlapped"})


def check(before: Snapshot, after: Snapshot, commit: Commit) -> Iterator[str]:
    for run_id, changes in after.history.items():
        for change in changes[len(before.history.get(run_id, [])) :]:
            yield from _told(change, after)
    if len(after.subjects) != len(after.events):
        yield "two events have the same subject"
    yield from _events(before, after)
    for event_id in before.events.keys() - after.events.keys():
        if commit.role != "janitor":
            yield f"the event {before.events[event_id].subject} is gone"
    yield from _deliveries(before, after)


def _events(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for event in after.events.values():
        old = before.events.get(event.id)
        if old is None:
            yield from _true(event, after)
        elif event.routed_at and not old.routed_at:
            yield from _addressed(event, after)


def _told(change: Change, after: Snapshot) -> Iterator[str]:
    wanted = _ASKED_BY.get(RunState(change.state), ())
    wishes = json.loads(after.jobs[after.runs[change.run_id].job_id].notification)
    subject = f"run/{change.run_id}/{change.number}"
    if wanted and all(wishes.get(one) for one in wanted) and subject not in after.subjects:
        yield f"{change.run_id} is {change.state}, and there is no event of it"


def _true(event: EventRow, after: Snapshot) -> Iterator[str]:
    if event.id != str(uuid.uuid5(_NAMESPACE, event.subject)):
        yield f"the event {event.subject} has an id of its own"
    kind, _, rest = event.subject.partition("/")
    if kind == "run" and event.run_id in after.runs:
        number = int(rest.partition("/")[2])
        if not any(change.number == number for change in after.history[event.run_id]):
            yield f"the event {event.subject} tells of a change that was not made"


def _addressed(event: EventRow, after: Snapshot) -> Iterator[str]:
    """Whoever asks for anything in the simulation asks for a hook and a mailbox. Ticks go by what is asked for now."""
    job = after.jobs.get(event.job_id or "")
    if event.kind.startswith("tick") and not (job and json.loads(job.notification).get("missed")):
        return
    number = sum(delivery.event_id == event.id for delivery in after.deliveries.values())
    if event.kind in _LOUD and number != 2:
        yield f"the event {event.subject} goes to {number} places, not to 2"


def _deliveries(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for old in before.deliveries.values():
        new = after.deliveries.get(old.id)
        if new is None:
            continue
        if old.state != DeliveryState.WAITING and new != old:
            yield f"the delivery {old.id} was {old.state}, and is {new.state}"
        if new.attempts < old.attempts or new.attempts > MOST_ATTEMPTS:
            yield f"the delivery {old.id} is at attempt {new.attempts} after {old.attempts}"
