"""Keys of schedules: made, shown, revoked; whose rights runs have; and breakages that are told before the tick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from gristmill.domain.disposition import Disposition
from gristmill.domain.job import Job
from gristmill.domain.schedule_wire import of_wire
from gristmill.domain.user import Actor, ApiKey
from gristmill.engine.scheduler import Scheduler
from gristmill.service import api_keys, assets, deployments, jobs, members, runs, schedules, task_credentials, users
from gristmill.service.jobs import NewJob
from gristmill.service.members import NewMember
from gristmill.store.schema import api_keys as key_rows
from gristmill.store.schema import events
from tests.engine.conftest import Works
from tests.engine.test_schedule_faults import scheduled_deployment
from tests.engine.test_scheduler import every_hour
from tests.people import add_user

RAN, REFUSED = Disposition.RAN, Disposition.REFUSED


@dataclass
class Planned:
    """A job that a user other than the shop's owner has put on a schedule."""

    works: Works
    actor: Actor
    job: Job

    def tick(self) -> tuple[Disposition, str | None]:
        """Let an hour pass and return what became of its tick."""
        shop = self.works.shop
        self.works.clock.advance(hours=1)
        Scheduler(shop.context).step()
        (newest,) = schedules.decided(shop.context, shop.actor, self.job.id, limit=1)
        return newest.disposition, newest.reason

    def own_keys(self, actor: Actor | None = None) -> Sequence[ApiKey]:
        """Return the keys of schedules that the user sees among its own."""
        found = api_keys.page(self.works.shop.context, actor or self.actor, limit=100).items
        return [key for key in found if key.name.startswith("Schedule of")]

    def told(self) -> list[Any]:
        """Return the events that were recorded, the oldest first."""
        with self.works.shop.context.database.snapshot() as connection:
            return list(connection.execute(select(events).order_by(events.c.at, events.c.kind)))


@pytest.fixture
def planned(works: Works) -> Planned:
    shop = works.shop
    actor, secret = add_user(shop.context, "ann")
    members.add(shop.context, shop.actor, shop.space_id, [NewMember(id="ann", role="editor")])
    task_credentials.store(shop.context, actor, name="c", description="", api_key=secret)
    new = NewJob(space_id=shop.space_id, name="nightly", asset_ref=shop.script(), schedule=every_hour())
    return Planned(works, actor, jobs.create(shop.context, actor, new))


def test_a_schedule_has_a_key_of_its_own_that_its_user_sees(planned: Planned) -> None:
    (key,) = planned.own_keys()
    assert (key.id, key.name, key.hint) == (planned.job.key_id, "Schedule of nightly", "")
    assert planned.own_keys(planned.works.shop.actor) == []
    assert planned.tick() == (RAN, None)
    shop = planned.works.shop
    (run,) = runs.page(shop.context, shop.actor, shop.space_id, limit=9, job_id=planned.job.id).items
    assert run.requester_id == planned.actor.user_id


def test_a_job_without_a_schedule_has_no_key(works: Works) -> None:
    shop = works.shop
    job = jobs.create(shop.context, shop.actor, NewJob(space_id=shop.space_id, name="j", asset_ref=shop.script()))
    assert job.key_id is None


def test_setting_the_schedule_again_makes_a_new_key_and_ends_the_old_one(planned: Planned) -> None:
    shop = planned.works.shop
    (first,) = planned.own_keys()
    jobs.change(shop.context, planned.actor, planned.job.id, {"schedule": of_wire("30 * * * *", {})})
    (second,) = planned.own_keys()
    assert second.id != first.id
    changed = jobs.change(shop.context, shop.actor, planned.job.id, {"schedule": every_hour(), "name": "new"})
    assert planned.own_keys() == []
    (third,) = planned.own_keys(shop.actor)
    assert (third.id, third.name) == (changed.key_id, "Schedule of new")
    assert changed.scheduler_id == shop.actor.user_id
    assert planned.told() == []


def test_other_changes_of_the_job_leave_its_key(planned: Planned) -> None:
    changed = jobs.change(planned.works.shop.context, planned.actor, planned.job.id, {"description": "d"})
    assert changed.key_id == planned.job.key_id
    assert [key.id for key in planned.own_keys()] == [planned.job.key_id]


@pytest.mark.parametrize("how", ["remove", "delete", "deployment"])
def test_a_schedule_that_goes_takes_its_key_along(planned: Planned, how: str) -> None:
    works, shop = planned.works, planned.works.shop
    job = scheduled_deployment(works) if how == "deployment" else planned.job
    match how:
        case "remove":
            assert jobs.change(shop.context, planned.actor, job.id, {"schedule": None}).key_id is None
        case "delete":
            jobs.delete(shop.context, planned.actor, [job.id])
        case "deployment":
            deployments.delete(shop.context, shop.actor, shop.space_id, job.asset_ref)
    with shop.context.database.snapshot() as connection:
        assert connection.execute(select(key_rows.c.revoked_at).where(key_rows.c.id == job.key_id)).scalar()
    assert [event.kind for event in planned.told()] == []


def revoke(planned: Planned) -> None:
    assert planned.job.key_id
    api_keys.revoke(planned.works.shop.context, planned.actor, planned.job.key_id)


def drop_credential(planned: Planned) -> None:
    (credential,) = task_credentials.list_all(planned.works.shop.context, planned.actor)
    task_credentials.delete(planned.works.shop.context, planned.actor, credential.id)


def revoke_key_behind_credential(planned: Planned) -> None:
    shop = planned.works.shop
    found = api_keys.page(shop.context, planned.actor, limit=100).items
    (key,) = [key for key in found if key.name == "test"]
    api_keys.revoke(shop.context, planned.actor, key.id)


def disable(planned: Planned) -> None:
    users.change(planned.works.shop.context, planned.works.shop.actor, "ann", {"disabled": True})


def delete(planned: Planned) -> None:
    users.delete(planned.works.shop.context, planned.works.shop.actor, "ann")


def remove_member(planned: Planned) -> None:
    members.remove(planned.works.shop.context, planned.works.shop.actor, planned.works.shop.space_id, "ann")


def lower_role(planned: Planned) -> None:
    shop = planned.works.shop
    members.change(shop.context, shop.actor, shop.space_id, "ann", {"role": "viewer"})


def suspend_member(planned: Planned) -> None:
    shop = planned.works.shop
    members.change(shop.context, shop.actor, shop.space_id, "ann", {"state": "pending"})


BREAKAGES = [
    (revoke, "key_revoked", "was revoked"),
    (drop_credential, "task_credential_missing", "POST /v1/task_credentials"),
    (revoke_key_behind_credential, "task_credential_missing", "POST /v1/task_credentials"),
    (disable, "user_disabled", "An administrator enables ann"),
    (delete, "user_gone", "is gone"),
    (remove_member, "no_member", "An admin of the space adds ann"),
    (lower_role, "role_too_low", "makes ann job_operator"),
    (suspend_member, "no_member", "adds ann"),
]


@pytest.mark.parametrize(("break_it", "code", "way_out"), BREAKAGES, ids=lambda value: getattr(value, "__name__", None))
def test_what_breaks_a_schedule_is_told_once_at_once_and_its_ticks_are_refused(
    planned: Planned, break_it: Callable[[Planned], None], code: str, way_out: str
) -> None:
    works = planned.works
    assert planned.tick() == (RAN, None)
    break_it(planned)
    (told,) = planned.told()
    assert (told.kind, told.job_id, told.space_id) == ("schedule_broken", planned.job.id, works.shop.space_id)
    assert code in told.subject
    assert told.document == {
        "job_name": "nightly",
        "reason": told.document["reason"],
        "next_tick_at": "2026-11-22T11:00:00+00:00",
        "user_name": "ann",
        "schedule": True,
    }
    disposition, reason = planned.tick()
    assert (disposition, reason) == (REFUSED, told.document["reason"])
    assert way_out in str(reason)
    assert "sets the schedule again" in str(reason)
    Scheduler(works.shop.context).step()
    _, refused = planned.told()
    assert (refused.kind, refused.document["reason"], refused.document["count"]) == ("tick_refused", reason, 1)
    # And the way out is one: whoever may edit sets the schedule again.
    jobs.change(works.shop.context, works.shop.actor, planned.job.id, {"schedule": every_hour()})
    assert planned.tick() == (RAN, None)


def test_a_change_that_breaks_nothing_tells_nothing(planned: Planned) -> None:
    shop = planned.works.shop
    members.change(shop.context, shop.actor, shop.space_id, "ann", {"role": "job_operator"})
    users.change(shop.context, shop.actor, "ann", {"display_name": "Ann"})
    key, _ = api_keys.create(shop.context, planned.actor, name="another")
    api_keys.revoke(shop.context, planned.actor, key.id)
    assert planned.tick() == (RAN, None)
    assert planned.told() == []


def test_what_was_broken_already_is_not_told_again_but_a_second_breakage_is(planned: Planned) -> None:
    shop = planned.works.shop
    lower_role(planned)
    drop_credential(planned)
    assert len(planned.told()) == 1
    members.change(shop.context, shop.actor, shop.space_id, "ann", {"role": "editor"})
    _, secret = api_keys.create(shop.context, planned.actor, name="again")
    task_credentials.store(shop.context, planned.actor, name="c", description="", api_key=secret)
    planned.works.clock.advance(minutes=1)
    lower_role(planned)
    assert len(planned.told()) == 2


def test_a_refused_change_tells_nothing(planned: Planned) -> None:
    """The event goes with the transaction: it would be there if it were written in one of its own."""
    shop = planned.works.shop
    with pytest.raises(Exception, match="only admin"):
        users.delete(shop.context, make_administrator(planned), shop.actor.user_name)
    assert planned.told() == []


def make_administrator(planned: Planned) -> Actor:
    actor, _ = add_user(planned.works.shop.context, "root", administrator=True)
    return actor


@pytest.mark.parametrize("target", ["asset", "deployment"])
def test_a_target_that_is_gone_is_told_within_the_hour_before_the_tick(works: Works, target: str) -> None:
    shop, schedule = works.shop, of_wire("0 12 * * *", {})
    script = shop.script()
    job = scheduled_deployment(works) if target == "deployment" else None
    if job:
        jobs.change(shop.context, shop.actor, job.id, {"schedule": schedule})
        deployments.change(shop.context, shop.actor, shop.space_id, job.asset_ref, {"asset": broken_asset(works)})
    else:
        new = NewJob(space_id=shop.space_id, name="j", asset_ref=script, schedule=schedule)
        job = jobs.create(shop.context, shop.actor, new)
        assets.delete(shop.context, shop.actor, shop.space_id, script)
    planned, scheduler = Planned(works, shop.actor, job), Scheduler(shop.context)
    for _ in range(3):
        works.clock.advance(minutes=30)
        scheduler.step()
    assert planned.told() == []
    works.clock.advance(minutes=31)
    for _ in range(3):
        works.clock.advance(minutes=2)
        scheduler.step()
        Scheduler(shop.context).step()
    (told,) = planned.told()
    assert (told.kind, told.document["next_tick_at"]) == ("schedule_broken", "2026-11-22T12:00:00+00:00")
    assert "gone or not ready" in told.document["reason"]
    assert planned.tick()[0] is REFUSED
    assert [event.kind for event in planned.told()] == ["schedule_broken", "tick_refused"]


def broken_asset(works: Works) -> dict[str, str]:
    """Return the reference of a model without content: a deployment of it is not ready."""
    from gristmill.store import attachments

    asset_id = works.shop.deploy().asset_id
    with works.shop.context.database.transaction() as connection:
        for attachment in attachments.of_asset(connection, asset_id):
            attachments.delete_these(connection, [attachment.id], works.clock.now)
    return {"id": asset_id}


def test_a_paused_job_is_not_told_of(planned: Planned) -> None:
    shop = planned.works.shop
    jobs.change(shop.context, planned.actor, planned.job.id, {"paused": True})
    revoke(planned)
    Scheduler(shop.context).step()
    assert planned.tick()[0] is Disposition.PAUSED
