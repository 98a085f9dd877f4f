"""Messages on their way: tried again, given up, and neither lost nor doubled by a crash."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gristmill.domain.event import EventKind
from gristmill.engine.notifier import Notifier
from gristmill.service import deliveries, events, inbox, jobs, runs
from gristmill.service.context import Context
from gristmill.service.deliveries import LEASE as SENDING
from tests.engine.conftest import Works
from tests.engine.told.faults import FAULTS, canceled_while_it_waits
from tests.engine.told.watched import (
    HOOK,
    MAIL,
    Watched,
    another,
    hook,
    in_inbox,
    notify,
    watch,
)
from tests.make import eventually
from tests.make_faults import Faults
from tests.make_outlets import RecordingOutlets, gone, unavailable


def test_a_message_can_be_told_when_run_and_job_are_gone(works: Works, outlets: RecordingOutlets) -> None:
    watched, shop = watch(works), works.shop
    FAULTS["exit code"][0](watched)
    jobs.delete(shop.context, shop.actor, [watched.job.id])
    while works.janitor.step():
        pass
    assert runs.page(shop.context, shop.actor, shop.space_id, limit=9).items == []
    notify(shop.context)
    failed = next(message for target, message in outlets.told if target == MAIL and message.kind == "failed")
    assert "nightly: failed" in failed.title


def test_a_sender_that_was_killed_leaves_its_message_to_another(works: Works, outlets: RecordingOutlets) -> None:
    context = works.shop.context
    FAULTS["canceled in the queue"][0](watch(works))
    events.route(context)
    killed = deliveries.take(context, free=10, at_work={})
    assert len(killed) == 2
    notify(context)
    assert outlets.told == []
    works.clock.advance(seconds=SENDING.total_seconds())
    notify(context)
    assert sorted(target for target, _ in outlets.told) == [MAIL, HOOK]
    # The first one was only slow, and has its say now: it changes nothing any more.
    deliveries.send(context, killed[0])
    assert _states(context) == ["delivered", "delivered"]


def _states(context: Context) -> list[str]:
    with context.database.snapshot() as connection:
        return sorted(connection.exec_driver_sql("SELECT state FROM deliveries").scalars())


def test_a_failure_for_good_ends_at_once_and_the_owner_learns_of_it_once(
    works: Works, outlets: RecordingOutlets
) -> None:
    context = works.shop.context
    watched = watch(works, types={"canceled": True}, recipients=[works.shop.actor.user_id])
    outlets.failures[HOOK] = [gone(), gone()]
    for _ in range(2):
        canceled_while_it_waits(watched)
    for _ in range(3):
        notify(context)
        works.clock.advance(hours=7)
    assert _states(context) == ["failed", "failed"]
    assert sorted(in_inbox(works)) == ["canceled", "canceled", "undelivered"]
    found, _ = inbox.page(context, works.shop.actor, limit=9)
    note = next(entry.event for entry in found.items if entry.event.kind is EventKind.UNDELIVERED)
    assert "410 Gone" in note.document["reason"]


def test_attempts_end_after_a_day_and_the_log_has_each(works: Works, outlets: RecordingOutlets) -> None:
    context = works.shop.context
    watched = watch(works, types={"canceled": True}, recipients=[works.shop.actor.user_id])
    outlets.failures[HOOK] = [unavailable() for _ in range(20)]
    canceled_while_it_waits(watched)
    begun = works.clock.now
    for _ in range(40):
        notify(context)
        works.clock.advance(hours=1)
    with context.database.snapshot() as connection:
        (attempts,) = connection.exec_driver_sql("SELECT attempts FROM deliveries").scalars()
        logged = connection.exec_driver_sql("SELECT count(*) FROM delivery_attempts").scalar()
    assert (_states(context), attempts, logged) == (["failed"], 10, 10)
    assert works.clock.now > begun


def test_what_the_receiver_asks_for_is_waited_for(works: Works, outlets: RecordingOutlets) -> None:
    context = works.shop.context
    outlets.failures[HOOK] = [unavailable(after=3600)]
    canceled_while_it_waits(watch(works, recipients=[works.shop.actor.user_id]))
    notify(context)
    works.clock.advance(minutes=59)
    notify(context)
    assert outlets.told == []
    works.clock.advance(minutes=1)
    notify(context)
    assert len(outlets.told) == 1


def test_a_slow_receiver_does_not_hold_up_the_others(works: Works, outlets: RecordingOutlets) -> None:
    """Sixty messages for one that hangs come first; the two for another arrive all the same."""
    context, slow = works.shop.context, "https://slow.example.com/"
    outlets.blocked[slow] = threading.Event()
    slow_job = Watched(works, another(works, {"types": {"canceled": True}, "channels": [hook(works, slow)]}))
    for _ in range(60):
        canceled_while_it_waits(slow_job)
    works.clock.advance(seconds=1)
    watched = watch(works, types={"canceled": True}, recipients=[works.shop.actor.user_id])
    for _ in range(2):
        canceled_while_it_waits(watched)
    notifier = Notifier(context)
    notifier.step()
    eventually(lambda: len(outlets.ids(HOOK)) == 2, within=5)
    assert outlets.ids(slow) == []
    assert not notifier.idle
    outlets.blocked[slow].set()
    eventually(lambda: (notifier.step(), len(set(outlets.ids(slow))) == 60)[1], within=20)
    notifier.stop(10)


def test_several_notifiers_at_once_tell_everything_once(works: Works, outlets: RecordingOutlets) -> None:
    context = works.shop.context
    watched = watch(works, types={"canceled": True})
    for _ in range(20):
        canceled_while_it_waits(watched)
    notifiers = [Notifier(context) for _ in range(3)]

    def all_told() -> bool:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda notifier: notifier.step(), notifiers))
        return len(outlets.told) >= 40 and all(notifier.idle for notifier in notifiers)

    eventually(all_told, within=30)
    for notifier in notifiers:
        notifier.stop(10)
    for target in (HOOK, MAIL):
        assert len(outlets.ids(target)) == len(set(outlets.ids(target))) == 20


@pytest.mark.parametrize("died", [True, False], ids=["process killed", "database away"])
def test_a_crash_at_any_statement_loses_and_doubles_nothing(
    works: Works, outlets: RecordingOutlets, died: bool
) -> None:
    """Alarm, routing, taking up and settling, broken at each statement in turn; afterwards everything is there once."""
    context, faults = works.shop.context, Faults(works.shop.context.database.engine)
    watched = watch(works, recipients=[MAIL, works.shop.actor.user_id], types={"canceled": True, "not_started": True})
    number, faults.struck = 0, True
    while faults.struck:
        watched.start()
        works.clock.advance(minutes=5)
        with faults.armed(number, died=died):
            events.sound_alarms(context)
            events.route(context)
            for delivery in deliveries.take(context, free=4, at_work={}):
                deliveries.send(context, delivery)
        for _ in range(3):
            works.clock.advance(minutes=6)
            notify(context)
        number += 1
        rows = {"events": number, "inbox": number, "deliveries": 2 * number, "delivered": 2 * number}
        assert _rows(context) == rows, faults.statements[-1]
    assert number > 15
    assert {len(set(outlets.ids(target))) for target in (HOOK, MAIL)} == {number}


def _rows(context: Context) -> dict[str, int]:
    counted = {
        "events": "events",
        "inbox": "inbox",
        "deliveries": "deliveries",
        "delivered": "deliveries WHERE state = 'delivered'",
    }
    with context.database.snapshot() as connection:
        count = connection.exec_driver_sql
        return {name: int(count(f"SELECT count(*) FROM {what}").scalar_one()) for name, what in counted.items()}


def test_an_unforeseen_error_is_tried_again_and_tells_no_secret(works: Works, outlets: RecordingOutlets) -> None:
    context = works.shop.context
    outlets.failures[HOOK] = [RuntimeError("the token is hush")]
    canceled_while_it_waits(watch(works, types={"canceled": True}, recipients=[works.shop.actor.user_id]))
    notify(context)
    with context.database.snapshot() as connection:
        (error,) = connection.exec_driver_sql("SELECT error FROM delivery_attempts").scalars()
    assert error == "The message could not be sent: RuntimeError."
    works.clock.advance(minutes=1)
    notify(context)
    assert _states(context) == ["delivered"]
