"""The notifier: one change, one message for each receiver, whoever dies in between; and nobody is told by mistake."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

from gristmill.domain.event import Event, EventKind
from gristmill.domain.job import Job
from gristmill.domain.notification import Notification, NotificationType
from gristmill.domain.run import Run, RunEvent, RunState
from gristmill.domain.schedule import MissedPolicy, OverlapPolicy
from gristmill.domain.schedule_wire import of_wire
from gristmill.engine.notifier import Notifier
from gristmill.engine.scheduler import Scheduler
from gristmill.launch.launcher import Ending
from gristmill.service import channels, claims, deliveries, events, inbox, job_runs, jobs, members, runs, users
from gristmill.service.channels import NewChannel
from gristmill.service.context import Context
from gristmill.service.deliveries import LEASE as SENDING
from gristmill.service.job_runs import Overrides
from gristmill.service.jobs import NewJob
from gristmill.service.members import NewMember
from gristmill.store import events as event_store
from gristmill_runner import protocol
from tests.engine.conftest import LEASE, Works
from tests.engine.test_rows import job_of_model, rejecting
from tests.make import eventually
from tests.make_faults import Faults
from tests.make_outlets import RecordingOutlets, gone, unavailable
from tests.make_work import COMPLETED
from tests.people import add_user

HOOK, MAIL = "https://hooks.example.com/1", "ann@example.com"
SLACK = "slack://TokenA/TokenB/TokenC/#jobs"
EVERYTHING = {str(wanted): True for wanted in NotificationType}
_K = EventKind


@pytest.fixture
def outlets() -> RecordingOutlets:
    return RecordingOutlets()


@pytest.fixture
def context(context: Context, outlets: RecordingOutlets) -> Context:
    """The context of every test, with ways out that write down."""
    return replace(context, outlets=outlets)


@dataclass
class Watched:
    """A job whose every event is wanted, by a webhook and by e-mail."""

    works: Works
    job: Job

    def start(self, **configuration: Any) -> Run:
        """Queue a run."""
        shop, overrides = self.works.shop, Overrides(configuration=configuration)
        return job_runs.start(shop.context, shop.actor, self.job.id, overrides)[0]

    def run(self) -> Run:
        """Return the newest run as it is now."""
        shop = self.works.shop
        return runs.page(shop.context, shop.actor, shop.space_id, limit=1, job_id=self.job.id).items[0]

    def work(self) -> None:
        """Let a worker take what waits, and wait until it has ended."""
        self.works.launcher.gate.set()
        worker = self.works.new_worker()
        worker.step()
        self.works.until_idle(worker)


def watch(works: Works, *, types: dict[str, bool] | None = None, slack: bool = False, **wishes: Any) -> Watched:
    shop = works.shop
    schedule = wishes.pop("schedule", None)
    made = [hook(works), *([hook(works, SLACK, kind="apprise")] if slack else [])]
    wanted = {
        "types": EVERYTHING if types is None else types,
        "channels": made,
        "recipients": [MAIL],
        "long_running_minutes": 30,
        "not_started_minutes": 5,
        **wishes,
    }
    new = NewJob(
        space_id=shop.space_id, name="nightly", asset_ref=shop.script(), notification=wanted, schedule=schedule
    )
    return Watched(works, jobs.create(shop.context, shop.actor, new))


def hook(works: Works, url: str = HOOK, *, kind: str = "webhook") -> str:
    """Make a channel with a URL."""
    shop = works.shop
    new = NewChannel(space_id=shop.space_id, name=url, type=kind, settings={"url": url})
    return channels.create(shop.context, shop.actor, new).channel.id


def notify(context: Context) -> None:
    """Take one step of a notifier that is born for it, and stops after it."""
    notifier = Notifier(context)
    notifier.step()
    notifier.stop(10)


def recorded(context: Context) -> list[tuple[str, EventKind]]:
    """Return id and kind of every event, the oldest first."""
    with context.database.snapshot() as connection:
        rows = connection.exec_driver_sql("SELECT id, kind FROM events ORDER BY at, subject").all()
    return [(row[0], EventKind(row[1])) for row in rows]


def in_inbox(works: Works) -> list[EventKind]:
    found, _ = inbox.page(works.shop.context, works.shop.actor, limit=100)
    return [entry.event.kind for entry in found.items]


def ends(ending: Any) -> Callable[[Watched], None]:
    """Return a fault: the child ends like this."""

    def fault(watched: Watched) -> None:
        watched.works.launcher.script = lambda _directory: ending
        watched.start()
        watched.work()

    return fault


def rows_rejected(watched: Watched) -> None:
    """A model's run completes without some of its rows; only models reject any."""
    wanted = Notification.of(watched.job.notification)
    watched.job = job_of_model(
        watched.works,
        name=watched.job.name,
        notification=asdict(wanted),
        configuration={"error_threshold": "1 %"},
    )
    watched.works.launcher.script = rejecting(3)
    watched.start()
    watched.work()


def timed_out(watched: Watched) -> None:
    watched.start(timeout_seconds=1)
    worker = watched.works.new_worker()
    worker.step()
    watched.works.until_idle(worker)


def canceled_while_it_works(watched: Watched) -> None:
    run, works = watched.start(), watched.works
    worker = works.new_worker()
    worker.step()
    eventually(lambda: works.launcher.children, within=5)
    runs.cancel_of_job(works.shop.context, works.shop.actor, watched.job.id, run.id)
    worker.pulse()
    works.until_idle(worker)


def canceled_while_it_waits(watched: Watched) -> None:
    shop = watched.works.shop
    runs.cancel_of_job(shop.context, shop.actor, watched.job.id, watched.start().id)


def lease_lost(watched: Watched) -> None:
    """The worker was silent for too long, and then comes back with a result."""
    watched.start()
    works = watched.works
    late = works.new_worker()
    late.step()
    eventually(lambda: watched.run().state is RunState.RUNNING, within=5)
    works.clock.advance(seconds=31)
    assert works.rescuer.step() == 1
    works.launcher.gate.set()
    works.until_idle(late)


def worker_stopped(watched: Watched) -> None:
    watched.start()
    worker = watched.works.new_worker()
    worker.step()
    eventually(lambda: watched.run().state is RunState.RUNNING, within=5)
    worker.stop(0)


def server_killed(watched: Watched) -> None:
    """Nothing is left of the process: it never says a word again."""
    context = watched.works.shop.context
    watched.start()
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    claims.started(context, assignment)
    watched.works.clock.advance(seconds=31)
    assert watched.works.rescuer.step() == 1


def never_started(watched: Watched) -> None:
    watched.start()
    watched.works.clock.advance(minutes=5)


def takes_long(watched: Watched) -> None:
    context = watched.works.shop.context
    watched.start()
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    claims.started(context, assignment)
    watched.works.clock.advance(minutes=30)


def skipped_by_overlap(watched: Watched) -> None:
    scheduler = Scheduler(watched.works.shop.context)
    _set_schedule(watched, overlap=OverlapPolicy.SKIP)
    for _ in range(2):
        watched.works.clock.advance(minutes=1)
        scheduler.step()


def missed(watched: Watched) -> None:
    _set_schedule(watched, "0 * * * *", missed=MissedPolicy.NONE)
    watched.works.clock.advance(hours=1, minutes=30)
    Scheduler(watched.works.shop.context).step()


def refused(watched: Watched) -> None:
    shop = watched.works.shop
    _set_schedule(watched)
    with shop.context.database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM task_credentials")
    watched.works.clock.advance(minutes=1)
    Scheduler(shop.context).step()


def _set_schedule(watched: Watched, cron: str = "* * * * *", **policies: Any) -> None:
    shop = watched.works.shop
    schedule = of_wire(cron, {})
    assert schedule
    jobs.change(shop.context, shop.actor, watched.job.id, {"schedule": replace(schedule, **policies)})


FAULTS: dict[str, tuple[Callable[[Watched], None], EventKind]] = {
    "exception": (
        ends({**COMPLETED, "outcome": "failed", "cause": protocol.Cause(code="x", message="m", traceback="t")}),
        _K.FAILED,
    ),
    "exit code": (ends(Ending(exit_code=7)), _K.FAILED),
    "out of memory": (ends(Ending(signal=9, out_of_memory=True)), _K.FAILED),
    "SIGKILL": (ends(Ending(signal=9)), _K.FAILED),
    "time limit": (timed_out, _K.FAILED),
    "canceled at work": (canceled_while_it_works, _K.CANCELED),
    "canceled in the queue": (canceled_while_it_waits, _K.CANCELED),
    "lease lost": (lease_lost, _K.FAILED),
    "worker stopped": (worker_stopped, _K.FAILED),
    "server killed": (server_killed, _K.FAILED),
    "never started": (never_started, _K.NOT_STARTED),
    "takes long": (takes_long, _K.LONG_RUNNING),
    "skipped by overlap": (skipped_by_overlap, _K.TICK_OVERLAPPED),
    "missed": (missed, _K.TICK_MISSED),
    "refused": (refused, _K.TICK_REFUSED),
    "succeeded": (ends(COMPLETED), _K.SUCCEEDED),
    "rows rejected": (rows_rejected, _K.WARNED),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_n1_each_fault_is_told_once_by_mail_webhook_and_slack(
    works: Works, outlets: RecordingOutlets, fault: str
) -> None:
    """The receivers are down at first, and every step is taken by another notifier than the one before."""
    happen, kind = FAULTS[fault]
    outlets.failures = {HOOK: [unavailable(), unavailable()], MAIL: [unavailable("421 busy")], SLACK: [unavailable()]}
    watched, context = watch(works, slack=True), works.shop.context
    happen(watched)
    for _ in range(3):
        events.sound_alarms(context)
        notify(context)
        notify(context)
        works.clock.advance(minutes=4)
    of_kind = [event_id for event_id, recorded_kind in recorded(context) if recorded_kind is kind]
    assert len(of_kind) == 1
    for target in (HOOK, MAIL, SLACK):
        assert outlets.ids(target).count(of_kind[0]) == 1
        assert len(outlets.ids(target)) == len(set(outlets.ids(target)))
    message = next(message for _, message in outlets.told if message.event_id == of_kind[0])
    assert (message.kind, message.title.split(":")[0]) == (str(kind), "nightly")


def test_n2_out_of_memory_is_told_as_a_failure_with_its_cause(works: Works, outlets: RecordingOutlets) -> None:
    watched = watch(works, types={"success": True, "failure": True})
    FAULTS["out of memory"][0](watched)
    notify(works.shop.context)
    (message,) = [message for target, message in outlets.told if target == HOOK]
    assert (message.kind, message.document["state"], message.title) == ("failed", "failed", "nightly: failed")
    assert message.document["cause"]["code"] == "out_of_memory"
    assert "Cause: out_of_memory" in message.text


def test_nothing_is_recorded_for_a_job_that_asks_for_nothing_of_the_kind(works: Works) -> None:
    quiet, other = watch(works, types={}, channels=[]), None
    ends(Ending(exit_code=7))(quiet)
    other = Watched(works, _another(works, {"types": {"success": True}}))
    ends(Ending(exit_code=7))(other)
    assert recorded(works.shop.context) == []


def _another(works: Works, wishes: dict[str, Any]) -> Job:
    shop = works.shop
    new = NewJob(space_id=shop.space_id, name="other", asset_ref=shop.script(), notification=wishes)
    return jobs.create(shop.context, shop.actor, new)


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
    slow_job = Watched(works, _another(works, {"types": {"canceled": True}, "channels": [hook(works, slow)]}))
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


def test_alarms_go_off_once_an_attempt_and_not_for_runs_that_went_on(works: Works) -> None:
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


def test_an_alarm_that_was_turned_off_meanwhile_is_silent(works: Works) -> None:
    shop, watched = works.shop, watch(works)
    watched.start()
    jobs.change(shop.context, shop.actor, watched.job.id, {"notification/types": {"failure": True}})
    works.clock.advance(minutes=9)
    assert events.sound_alarms(shop.context) == 1
    assert recorded(shop.context) == []


def broken(works: Works, job: Job) -> None:
    """Record that a job's schedule is broken, as who finds it out does."""
    found = Event(
        subject=f"schedule/{job.id}",
        kind=EventKind.SCHEDULE_BROKEN,
        space_id=job.space_id,
        job_id=job.id,
        at=works.clock.now,
        document={"job_name": job.name, "reason": "The key was revoked.", "schedule": True},
    )
    with works.shop.context.database.transaction() as connection:
        event_store.record(connection, [found])


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
    watched = Watched(works, _another(works, {"types": {"canceled": True}, "recipients": [actor.user_id]}))
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
    canceled_while_it_waits(Watched(works, _another(works, wishes)))
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
