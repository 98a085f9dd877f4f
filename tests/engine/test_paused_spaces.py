"""A paused space at work: its waiting runs are not claimed until it is resumed."""

from __future__ import annotations

from gristmill.domain.run import RunState
from gristmill.service import claims, spaces
from gristmill.store.schema import lanes
from tests.engine.conftest import Works


def test_waiting_runs_of_a_paused_space_are_claimed_when_it_is_resumed(works: Works) -> None:
    shop = works.shop
    waiting = shop.submit(shop.deploy())
    spaces.change(shop.context, shop.actor, shop.space_id, {"paused": True})
    later = shop.deploy()
    worker = works.new_worker()
    assert worker.step() == 0
    spaces.change(shop.context, shop.actor, shop.space_id, {"paused": False})
    works.launcher.gate.set()
    assert worker.step() == 1
    works.until_idle(worker)
    assert shop.look(waiting.run.deployment_job_id).run.state is RunState.COMPLETED
    assert shop.submit(later).run.state is RunState.QUEUED


def test_a_lane_that_missed_the_pause_is_set_right(works: Works) -> None:
    shop = works.shop
    shop.submit(shop.deploy())
    spaces.change(shop.context, shop.actor, shop.space_id, {"paused": True})
    with shop.context.database.transaction() as connection:
        connection.execute(lanes.update().values(paused=False))
    assert claims.repair_hints(shop.context, after="", limit=10) == ("", 1)
    assert works.new_worker().step() == 0
