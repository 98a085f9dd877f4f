"""What a run made, when the run goes: kept or deleted as the policy says, and told before."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gristmill.domain.run import RunEvent
from gristmill.service import assets as asset_service
from gristmill.service import claims, retention
from gristmill.store import assets, runs
from gristmill.store import jobs as job_store
from tests.engine.conftest import LEASE, Works
from tests.engine.ended_runs import (
    DAY,
    ago,
    clean,
    end_runs,
    files,
    left,
    make_job,
    pin,
)
from tests.make_queue import new_id


def finish(works: Works, *, into: str | None = None) -> tuple[str, str]:
    """Let a run make a data asset, or overwrite ``into``; return the run and the asset."""
    shop = works.shop
    location = {"href": f"/v2/assets/{into}"} if into else {"name": f"out-{new_id()}.csv"}
    reference = {"type": "data_asset", "location": location}
    inputs = [{"type": "data_asset", "location": {"id": shop.data_asset("in.csv", b"a,b\n1,2\n")}}]
    shop.submit(shop.deploy(), input_references=inputs, output_reference=reference)
    assignment = claims.take(shop.context, "w", lease=LEASE)
    assert assignment
    claims.started(shop.context, assignment)
    stored = shop.context.content.put([b"a\n1\n"])
    publication = claims.Publication(name="out.csv", description="", mime="text/csv", stored=stored)
    claims.finish(shop.context, assignment, claims.Outcome(event=RunEvent.SUCCEEDED, publication=publication))
    with shop.context.database.snapshot() as connection:
        result = runs.result(connection, assignment.run.id)
    assert result
    assert result.output_asset_id
    return assignment.run.id, result.output_asset_id


def pass_on(works: Works, run_ids: Sequence[str], *, results: str) -> None:
    """Give the jobs of these runs a policy of a day, and let two pass."""
    with works.shop.context.database.transaction() as connection:
        for run in runs.these(connection, run_ids):
            job_store.change(connection, run.job_id, works.clock.now, {"retention": {"days": 1, "results": results}})
    works.clock.advance(days=2)


def has_asset(works: Works, asset_id: str) -> bool:
    with works.shop.context.database.snapshot() as connection:
        return assets.get(connection, asset_id) is not None


@pytest.mark.parametrize("results", ["keep", "delete"])
def test_the_asset_that_a_run_made_goes_with_it_only_where_the_policy_says_so(works: Works, results: str) -> None:
    context = works.shop.context
    run_id, asset_id = finish(works)
    before = files(context)
    pass_on(works, [run_id], results=results)
    clean(works)
    assert left(context) == set()
    assert has_asset(works, asset_id) == (results == "keep")
    assert files(context) == before - (1 if results == "delete" else 0)


def test_a_result_that_is_no_longer_the_runs_alone_stays(works: Works) -> None:
    shop, context = works.shop, works.shop.context
    _, overwritten = finish(works)
    assert finish(works, into=overwritten)[1] == overwritten
    by_hand = shop.data_asset("mine.csv", b"x\n")
    assert finish(works, into=by_hand)[1] == by_hand
    _, frozen = finish(works)
    asset_service.freeze(context, shop.actor, shop.space_id, frozen)
    _, needed = finish(works)
    _, plain = finish(works)
    pass_on(works, sorted(left(context)), results="delete")
    live = shop.submit(
        shop.deploy(),
        input_references=[{"type": "data_asset", "location": {"id": needed}}],
        output_reference={"type": "data_asset", "location": {"name": "x.csv"}},
    ).run
    clean(works)
    assert left(context) == {live.id}
    kept = [has_asset(works, asset_id) for asset_id in (overwritten, by_hand, frozen, needed, plain)]
    assert kept == [True, True, True, True, False]


def test_a_preview_tells_what_then_goes(works: Works) -> None:
    shop, context = works.shop, works.shop.context
    job_id = make_job(works, {"amount": 3})
    made = end_runs(works, job_id, ago(works, 9, 8, 7, 2, 1))
    own = end_runs(works, job_id, ago(works, 20), retention_days=1)
    pin(works, made[0])
    found = retention.preview(context, shop.actor, job_id)
    assert (found.totals.runs, found.source, found.exact) == (2, "job", True)
    assert (found.totals.oldest, found.totals.newest) == (works.clock.now - 20 * DAY, works.clock.now - 8 * DAY)
    # Two logs of three bytes, and what only the run with its own days held.
    assert found.size == 3 + 3 + 5
    tried = retention.preview(context, shop.actor, job_id, policy={"days": 5})
    assert (tried.totals.runs, tried.source) == (3, "request")
    assert [(one.job_id, one.runs) for one in retention.would_go(context)] == [(job_id, 2)]
    assert len(left(context)) == 6, "a preview changes nothing"
    clean(works)
    assert left(context) == {made[0], *made[2:]}
    assert own[0] not in left(context)
    assert retention.preview(context, shop.actor, job_id).totals.runs == 0


def test_a_preview_counts_the_results_that_go_too(works: Works) -> None:
    run_id, _ = finish(works)
    pass_on(works, [run_id], results="delete")
    with works.shop.context.database.snapshot() as connection:
        run = runs.get(connection, run_id)
    assert run
    found = retention.preview(works.shop.context, works.shop.actor, run.job_id)
    assert (found.totals.runs, found.results) == (1, 1)
