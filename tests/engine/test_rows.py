"""Rows accounted for: totals, thresholds, warnings, and what becomes of a child's word that does not add up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gristmill.domain.asset import AssetType
from gristmill.domain.error_threshold import ErrorThreshold
from gristmill.domain.job import Job
from gristmill.domain.progress import Pace
from gristmill.domain.run import Run, RunState
from gristmill.service import claims, job_runs, jobs, runs
from gristmill.service.deployment_job_definitions import NewDefinition
from gristmill.service.deployment_job_definitions import create as create_definition
from gristmill.service.job_runs import Overrides
from gristmill.service.jobs import NewJob
from gristmill_runner import protocol
from tests.engine.conftest import LEASE, Works
from tests.engine.test_worker import finished
from tests.make import eventually
from tests.make_work import COMPLETED, Script

REJECTION = protocol.Rejection(source="", row=17, column="age", value="x", reason="it is no number")
MODEL_SCORING = {"input_data": [{"fields": ["a", "b"], "values": [[1, 2]]}]}


def scored(directory: Path, *, rows: dict[str, int], **more: Any) -> protocol.Result:
    """Leave what a model's child leaves that rejected rows."""
    if rows.get("rejected"):
        (directory / "results").mkdir(exist_ok=True)
        (directory / "results/rejected_rows.csv").write_text("age,rejected_row,rejected_reason\nx,17,it is no number\n")
        more["rejections"] = [REJECTION]
    result: Any = {**COMPLETED, "rows": rows, **more}
    return result  # type: ignore[no-any-return]


def rejecting(rejected: int, *, read: int = 1_000, **more: Any) -> Script:
    rows = {"read": read, "scored": read - rejected, "rejected": rejected, "not_attempted": 0, "resumed": 0}
    return lambda directory: scored(directory, rows=rows, **more)


def job_of_model(works: Works, *, name: str = "j", **members: Any) -> Job:
    """Make a job of a deployed model, with a definition of its work."""
    shop = works.shop
    deployment = shop.deploy()
    new = NewDefinition(
        space_id=shop.space_id, deployment_id=deployment.id, name="d", document={"scoring": MODEL_SCORING}
    )
    definition = create_definition(shop.context, shop.actor, new)
    configuration = {"deployment_job_definition_id": definition.id, **members.pop("configuration", {})}
    return jobs.create(
        shop.context, shop.actor, NewJob(space_id=shop.space_id, name=name, configuration=configuration, **members)
    )


def run_of(works: Works, job: Job, script: Script, **configuration: Any) -> Run:
    """Start a run of the job, let it play the script, and return it as it ended."""
    shop = works.shop
    works.launcher.script = script
    works.launcher.gate.set()
    run, _ = job_runs.start(shop.context, shop.actor, job.id, Overrides(configuration=configuration))
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    works.clock.advance(seconds=1)
    return runs.get(shop.context, shop.actor, job.id, run.id).run


def test_a1_the_rows_of_a_completed_run_are_its_totals(works: Works) -> None:
    found = finished(works, rejecting(3), error_threshold=ErrorThreshold(rows=3))
    run, result = found.run, found.result
    assert (run.rows_read, run.rows_scored, run.rows_rejected, run.rows_not_attempted) == (1_000, 997, 3, 0)
    assert (run.rows_done, run.rows_total) == (1_000, 1_000)
    assert run.warning == (
        "3 of 1,000 rows were rejected (0.3 %); the first: row 17, column 'age', value 'x': it is no number; they are "
        "in rejected_rows.csv."
    )
    assert result
    assert [file.name for file in result.files] == ["rejected_rows.csv"]
    assert result.rejections[0]["column"] == "age"


@pytest.mark.parametrize(
    "rows",
    [
        {},
        {"read": 10, "scored": 9},
        {"read": 10, "scored": 9, "rejected": 0, "not_attempted": 0},
        {"read": 10, "scored": 11, "rejected": -1, "not_attempted": 0},
        {"read": 10, "scored": 5, "rejected": 0, "not_attempted": 5},
    ],
)
def test_a1_a_run_whose_rows_do_not_add_up_never_completes(works: Works, rows: dict[str, int]) -> None:
    def script(directory: Path) -> protocol.Result:
        (directory / "outputs/out.csv").write_text("half\n")
        return scored(directory, rows=rows, outputs=["outputs/out.csv"])

    asset_id = works.shop.data_asset("in.csv", b"a,b\n1,2\n")
    found = finished(
        works,
        script,
        input_references=[{"type": "data_asset", "location": {"href": f"/v2/assets/{asset_id}"}}],
        output_reference={"type": "data_asset", "location": {"name": "out.csv"}},
    )
    assert found.run.state is RunState.FAILED
    assert found.run.cause
    assert found.run.cause.code == "ledger_mismatch"
    assert "Nothing was published." in found.run.cause.message
    assert found.result
    assert found.result.output_asset_id is None


def test_a2_a_child_that_rejects_more_than_it_may_has_not_completed(works: Works) -> None:
    found = finished(works, rejecting(3), error_threshold=ErrorThreshold(rows=2))
    assert found.run.cause
    assert found.run.cause.code == "ledger_mismatch"
    assert "more than the error_threshold of 2 rows allows" in found.run.cause.message
    assert finished(works, rejecting(1)).run.state is RunState.FAILED, "by default no row may be rejected"


def test_a_function_needs_no_ledger(works: Works) -> None:
    works.launcher.gate.set()
    submitted = works.shop.submit(works.shop.deploy(kind=AssetType.FUNCTION))
    worker = works.new_worker()
    worker.step()
    works.until_idle(worker)
    found = works.shop.look(submitted.run.deployment_job_id)
    assert (found.run.state, found.run.rows_read, found.run.rows_rejected) == (RunState.COMPLETED, 1, 0)


def test_the_child_is_told_of_threshold_scorers_and_limit(works: Works) -> None:
    told: list[protocol.Spec] = []

    def script(directory: Path) -> protocol.Result:
        told.append(protocol.read_spec(directory))
        return COMPLETED

    finished(works, script, hardware={"name": "XS"})
    finished(works, script, hardware={"name": "M"}, error_threshold=ErrorThreshold(rows=None, share=0.5), row_limit=7)
    first, second = told
    assert (first["error_threshold"], first["scorers"], first["row_limit"]) == ({"rows": 0}, 1, None)
    assert (second["error_threshold"], second["scorers"], second["row_limit"]) == ({"share": 0.5}, 4, 7)


def test_rejected_rows_are_told_to_who_asked_for_that(works: Works) -> None:
    wishes = {"types": {"rows_rejected": True}}
    job = job_of_model(works, notification=wishes, configuration={"error_threshold": "1 %"})
    shop = works.shop
    quiet = run_of(works, job, rejecting(0, warning="something else"))
    assert quiet.warning == "something else"
    loud = run_of(works, job, rejecting(3))
    with shop.context.database.snapshot() as connection:
        rows = connection.exec_driver_sql("SELECT run_id, kind, document FROM events").all()
    assert [(row[0], row[1]) for row in rows] == [(loud.id, "warned")]
    document = json.loads(rows[0][2]) if isinstance(rows[0][2], str) else rows[0][2]
    assert document["rows"] == {"read": 1_000, "scored": 997, "rejected": 3}


def test_a_run_says_its_threshold_over_its_job_and_the_job_over_its_definition(works: Works) -> None:
    job = job_of_model(works, configuration={"error_threshold": 2})
    assert run_of(works, job, rejecting(2)).state is RunState.COMPLETED
    assert run_of(works, job, rejecting(3)).state is RunState.FAILED
    assert run_of(works, job, rejecting(3), error_threshold="0.3 %").state is RunState.COMPLETED
    assert run_of(works, job, rejecting(1), error_threshold=0).state is RunState.FAILED


def test_progress_gets_a_rate_and_an_end(works: Works) -> None:
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    assignment = claims.take(shop.context, shop.context.new_id(), lease=LEASE)
    assert assignment
    claims.started(shop.context, assignment)
    pace = Pace()
    for at, done in ((0.0, 0), (10.0, 100)):
        told = {"rows_done": done, "rows_total": 1_000, "rows_rejected": 1, "bytes_done": at, "bytes_total": 9}
        claims.progress(shop.context, assignment, pace.take(told, at_seconds=at, now=works.clock.now))
    run = shop.look(submitted.run.deployment_job_id).run
    assert (run.rows_done, run.rows_total) == (100, 1_000)
    assert run.pace
    assert (run.pace["rows_per_second"], run.pace["rows_rejected"]) == (10, 1)
    assert run.pace["estimated_end"] == "2026-11-22T09:01:30+00:00"
    claims.hand_back(shop.context, assignment)
    run = shop.look(submitted.run.deployment_job_id).run
    assert (run.rows_done, run.pace) == (None, None)


def profile(mean: float) -> list[dict[str, Any]]:
    steps = [[share / 100, mean + share / 100] for share in (1, 5, 25, 50, 75, 95, 99)]
    column = {"name": "prediction", "type": "number", "rows": 1_000, "nulls": 0}
    return [{**column, "minimum": mean, "maximum": mean + 1, "mean": mean, "deviation": 0.3, "quantiles": steps}]


def test_a_profile_is_compared_with_the_completed_run_of_the_job_before(works: Works) -> None:
    job = job_of_model(works)
    first = run_of(works, job, rejecting(0, profile=profile(0.0)))
    run_of(works, job, rejecting(1, profile=profile(9.0)))  # it fails: nobody is compared with it
    same = run_of(works, job, rejecting(0, profile=profile(0.01)))
    moved = run_of(works, job, rejecting(0, read=300, profile=profile(2.0)))
    assert (first.warning, same.warning) == (None, None)
    assert moved.warning
    assert "The result differs from that of the run before (2026-11-22 09:00 UTC): " in moved.warning
    assert "300 rows were read, 1,000 before; prediction: the mean is 2, 0.01 before" in moved.warning
    shop = works.shop
    left = runs.get(shop.context, shop.actor, job.id, moved.id).result
    assert left
    assert left.compared
    assert (left.compared["run_id"], len(left.compared["findings"])) == (same.id, 3)
    assert left.profile[0]["mean"] == 2.0


def test_what_is_submitted_by_itself_is_compared_with_nothing(works: Works) -> None:
    deployment = works.shop.deploy()
    works.launcher.gate.set()
    worker = works.new_worker()
    for mean in (0.0, 9.0):
        works.launcher.script = rejecting(0, profile=profile(mean))
        submitted = works.shop.submit(deployment)
        eventually(lambda: worker.step() == 1, within=5)
        works.until_idle(worker)
    assert works.shop.look(submitted.run.deployment_job_id).run.warning is None


def test_secrets_do_not_stand_in_reasons(works: Works) -> None:
    job = job_of_model(works, configuration={"secret_env_variables": ["KEY=opensesame"], "error_threshold": 9})
    rejection = protocol.Rejection(source="", row=1, reason="predict raised: opensesame is no key")
    rows = {"read": 2, "scored": 1, "rejected": 1, "not_attempted": 0}
    found = run_of(works, job, lambda directory: {**scored(directory, rows=rows), "rejections": [rejection]})
    assert found.warning
    assert "opensesame" not in found.warning
    shop = works.shop
    left = runs.get(shop.context, shop.actor, job.id, found.id).result
    assert left
    assert "opensesame" not in str(left.rejections)
