"""Who is told, of alarms and of broken schedules, and who no longer."""

from __future__ import annotations

import pytest

from gristmill.domain.event import EventKind
from gristmill.domain.run import RunEvent
from gristmill.launch.launcher import Ending
from gristmill.service import channels, claims, events, inbox, jobs, members, users
from gristmill.service.channels import NewChannel
from gristmill.service.jobs import NewJob
from gristmill.service.members import NewMember
from gristmill.store import events as event_store
from tests.engine.conftest import LEASE, Works
from tests.engine.told.faults import canceled_while_it_waits
from tests.engine.told.watched import (
    HOOK,
    MAIL,
    Watched,
    another,
    broken,
    ends,
    in_inbox,
    notify,
    recorded,
    watch,
)
from tests.make_outlets import RecordingOutlets
from tests.people import add_user


def test_nothing_is_recorded_for_a_job_that_asks_for_nothing_of_the_kind(works: Works) -> None:
    quiet, other = watch(works, types={}, channels=[]), None
    ends(Ending(exit_code=7))(quiet)
    other = Watched(works, another(works, {"types": {"success": True}}))
    ends(Ending(exit_code=7))(other)
    assert recorded(works.shop.context) == []


def test_q8_alarms_go_off_once_a_claim_and_not_for_runs_that_went_on(works: Works) -> None:
    context, watched = works.shop.context, watch(works)
    watched.start()
    works.clock.advance(minutes=4, seconds=59)
    assert events.sound_alarms(context) == 0
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    claims.started(context, assignment)
    works.clock.advance(minutes=29)
    assert events.sound_alarms(context) == 0
    works.clock.advance(minutes=1)
    assert [events.sound_alarms(context), events.sound_alarms(context)] == [1, 0]
    claims.finish(context, assignment, claims.Outcome(event=RunEvent.SUCCEEDED))
    works.clock.advance(hours=9)
    assert events.sound_alarms(context) == 0
    assert sorted(kind for _, kind in recorded(context)) == ["long_running", "started", "succeeded"]


def wait_and_sound(works: Works) -> int:
    """Wait until a moment before a run's patience is over, and then until it is."""
    works.clock.advance(minutes=4, seconds=59)
    assert events.sound_alarms(works.shop.context) == 0
    works.clock.advance(seconds=1)
    return events.sound_alarms(works.shop.context)


@pytest.mark.parametrize("told_before", [False, True])
@pytest.mark.parametrize("handed_back", [False, True])
def test_q8_a_run_that_waits_again_has_a_new_alarm(works: Works, told_before: bool, handed_back: bool) -> None:
    context, watched = works.shop.context, watch(works)
    watched.start()
    if told_before:
        assert wait_and_sound(works) == 1
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    if handed_back:
        claims.hand_back(context, assignment)
    else:
        works.clock.advance(seconds=LEASE.total_seconds() + 1)
        assert works.rescuer.step() == 1
    assert wait_and_sound(works) == 1
    assert [kind for _, kind in recorded(context)] == [EventKind.NOT_STARTED] * (1 + told_before)


def test_an_alarm_that_was_turned_off_meanwhile_is_silent(works: Works) -> None:
    shop, watched = works.shop, watch(works)
    watched.start()
    jobs.change(shop.context, shop.actor, watched.job.id, {"notification/types": {"failure": True}})
    works.clock.advance(minutes=9)
    assert events.sound_alarms(shop.context) == 1
    assert recorded(shop.context) == []


def test_a_broken_schedule_is_never_silent(works: Works, outlets: RecordingOutlets) -> None:
    """Nobody asked for anything: the owner's inbox has it all the same, and nothing leaves the house."""
    watched = watch(works, types={})
    broken(works, watched.job)
    notify(works.shop.context)
    assert (in_inbox(works), outlets.told) == ([EventKind.SCHEDULE_BROKEN], [])


def test_a_broken_schedule_goes_by_the_channels_where_failures_are_wanted(
    works: Works, outlets: RecordingOutlets
) -> None:
    watched = watch(works, types={"failure": True})
    broken(works, watched.job)
    notify(works.shop.context)
    assert sorted(target for target, _ in outlets.told) == [MAIL, HOOK]
    assert in_inbox(works) == [EventKind.SCHEDULE_BROKEN]


def test_when_nobody_is_left_of_those_who_must_know_the_admins_are_told(works: Works) -> None:
    shop = works.shop
    actor, _ = add_user(shop.context, "ann", administrator=True)
    members.add(shop.context, shop.actor, shop.space_id, [NewMember(id="ann", role="editor")])
    new = NewJob(space_id=shop.space_id, name="j", asset_ref=shop.script())
    job = jobs.create(shop.context, actor, new)
    users.delete(shop.context, shop.actor, "ann")
    broken(works, job)
    notify(shop.context)
    assert EventKind.SCHEDULE_BROKEN in in_inbox(works)


def test_who_left_the_space_is_told_nothing_more(works: Works, outlets: RecordingOutlets) -> None:
    shop = works.shop
    actor, _ = add_user(shop.context, "ann")
    users.change(shop.context, shop.actor, "ann", {"email": "Ann@Home.example.com"})
    members.add(shop.context, shop.actor, shop.space_id, [NewMember(id="ann", role="viewer")])
    watched = Watched(works, another(works, {"types": {"canceled": True}, "recipients": [actor.user_id]}))
    canceled_while_it_waits(watched)
    notify(shop.context)
    assert [target for target, _ in outlets.told] == ["ann@home.example.com"]
    members.remove(shop.context, shop.actor, shop.space_id, "ann")
    canceled_while_it_waits(watched)
    notify(shop.context)
    assert len(outlets.told) == 1
    assert inbox.page(shop.context, actor, limit=9)[0].total == 1


def test_one_address_by_two_ways_gets_one_message(works: Works, outlets: RecordingOutlets) -> None:
    shop = works.shop
    new = NewChannel(
        space_id=shop.space_id, name="mails", type="email", settings={"addresses": [MAIL.upper(), "b@c.de"]}
    )
    channel = channels.create(shop.context, shop.actor, new).channel.id
    users.change(shop.context, shop.actor, "admin", {"email": MAIL})
    wishes = {"types": {"canceled": True}, "channels": [channel], "recipients": [MAIL, shop.actor.user_id]}
    canceled_while_it_waits(Watched(works, another(works, wishes)))
    notify(shop.context)
    assert sorted(target for target, _ in outlets.told) == [MAIL, "b@c.de"]


def test_a_deleted_channel_gets_nothing_more(works: Works, outlets: RecordingOutlets) -> None:
    shop, watched = works.shop, watch(works, types={"canceled": True}, recipients=[works.shop.actor.user_id])
    canceled_while_it_waits(watched)
    events.route(shop.context)
    channels.delete(shop.context, shop.actor, watched.job.notification["channels"][0])
    canceled_while_it_waits(watched)
    notify(shop.context)
    assert outlets.told == []


def test_an_event_that_cannot_be_routed_does_not_hold_up_the_others(works: Works, outlets: RecordingOutlets) -> None:
    context = works.shop.context
    watched = watch(works, types={"canceled": True}, recipients=[works.shop.actor.user_id])
    canceled_while_it_waits(watched)
    with context.database.transaction() as connection:
        connection.exec_driver_sql("""UPDATE events SET audience = '{"notification": {"canceled": true, "x": 1}}'""")
    works.clock.advance(seconds=1)
    canceled_while_it_waits(watched)
    notify(context)
    assert len(outlets.told) == 1
    with context.database.snapshot() as connection:
        assert len(event_store.unrouted(connection, limit=9)) == 1
