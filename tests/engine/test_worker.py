"""The worker and the execution: every ending becomes one outcome; cancel, loss and handing back are felt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from gristmill.domain.asset import AssetType
from gristmill.domain.run import IllegalTransition, RunEvent, RunState
from gristmill.engine.execution import Execution
from gristmill.launch.launcher import Ending
from gristmill.service import claims, deployments, runs
from gristmill.store import assets, attachments
from gristmill.store import runs as run_store
from gristmill_runner import protocol
from tests.engine.conftest import LEASE, Works
from tests.make import eventually
from tests.make_faults import Faults, ForgetfulDatabase
from tests.make_work import COMPLETED, Script


def finished(works: Works, script: Script, **options: object) -> runs.RunDetails:
    """Submit one job, let it play the script, and return it as it ended."""
    works.launcher.script = script
    works.launcher.gate.set()
    submitted = works.shop.submit(works.shop.deploy(), **options)
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    return works.shop.look(submitted.run.deployment_job_id)


def test_a_run_completes_with_its_predictions_and_its_log(works: Works) -> None:
    def script(directory: Path) -> protocol.Result:
        spec = protocol.read_spec(directory)
        assert (directory / spec["inline"][0]["path"]).read_text() == "[1, 2]\n"
        assert Path(spec["asset_path"]).is_dir()
        assert list(Path(spec["asset_path"]).iterdir())
        (directory / "outputs" / "p.jsonl").write_text("[0]\n")
        with (directory / protocol.LOG).open("a") as log:
            log.write("hello\n")
        return {**COMPLETED, "predictions": [{"path": "outputs/p.jsonl", "fields": ["prediction"], "rows": 1}]}

    found = finished(works, script)
    assert found.run.state is RunState.COMPLETED
    assert found.result
    assert (found.result.predictions[0].fields, found.result.predictions[0].text) == (["prediction"], "[0]\n")
    log = b"".join(runs.log(works.shop.context, works.shop.actor, found.run.job_id, found.run.id))
    assert log.endswith(b"hello\n")
    assert list((works.shop.context.data_dir / "runs").iterdir()) == []
    assert works.launcher.children[0].released


def test_several_runs_are_claimed_in_one_transaction_or_none_of_them(works: Works) -> None:
    context = works.shop.context
    for deployment in [works.shop.deploy() for _ in range(3)]:
        works.shop.submit(deployment)
    commits: list[bool] = []

    def commit(_connection: object) -> None:
        commits.append(True)
        if len(commits) == 1:
            raise OperationalError("COMMIT", None, OSError("the database is away"))

    event.listen(context.database.engine, "commit", commit)
    with pytest.raises(OperationalError, match="away"):
        claims.take_some(context, "w", lease=LEASE, most=2)
    taken = claims.take_some(context, "w", lease=LEASE, most=2)
    assert len(commits) == 2
    assert len({assignment.run.id for assignment in taken}) == 2
    assert {assignment.run.attempt for assignment in taken} == {1}
    assert len(claims.take_some(context, "w", lease=LEASE, most=2)) == 1


def test_a_reference_job_publishes_one_data_asset(works: Works) -> None:
    def script(directory: Path) -> protocol.Result:
        spec = protocol.read_spec(directory)
        assert (directory / spec["files"][0]["path"]).read_bytes() == b"a,b\n1,2\n"
        assert spec["output"] == {"kind": "file", "path": "outputs/out.parquet", "format": "parquet"}
        (directory / "outputs" / "out.parquet").write_bytes(b"result")
        return {**COMPLETED, "outputs": ["outputs/out.parquet"]}

    asset_id = works.shop.data_asset("in.csv", b"a,b\n1,2\n")
    found = finished(
        works,
        script,
        input_references=[{"type": "data_asset", "location": {"href": f"/v2/assets/{asset_id}?space_id=x"}}],
        output_reference={"type": "data_asset", "location": {"name": "../out.parquet", "description": "o"}},
    )
    assert found.result
    assert found.result.output_asset_id
    with works.shop.context.database.snapshot() as connection:
        asset = assets.get(connection, found.result.output_asset_id)
        content = attachments.content_of(connection, found.result.output_asset_id)
    assert asset
    assert content
    assert (asset.name, asset.type, asset.description, asset.size) == ("../out.parquet", "data_asset", "o", 6)
    with works.shop.context.content.open(str(content.content_key)) as stream:
        assert stream.read() == b"result"


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Ending(signal=11), "segmentation_fault"),
        (Ending(signal=9), "killed"),
        (Ending(signal=9, out_of_memory=True), "out_of_memory"),
        (Ending(exit_code=7), "process_exited"),
        (Ending(exit_code=0), "process_exited"),
    ],
)
def test_n2_a_child_that_leaves_no_result_has_failed_with_that_cause(works: Works, ending: Ending, code: str) -> None:
    found = finished(works, lambda _directory: ending)
    assert found.run.state is RunState.FAILED
    assert found.run.cause
    assert found.run.cause.code == code


def test_a_failure_of_user_code_keeps_its_cause_and_traceback(works: Works) -> None:
    cause = protocol.Cause(code="row_failed", message="row 3", traceback="Traceback ...")
    found = finished(works, lambda _directory: {**COMPLETED, "outcome": "failed", "cause": cause})
    assert found.run.state is RunState.FAILED
    assert found.run.cause
    assert (found.run.cause.code, found.run.cause.traceback) == ("row_failed", "Traceback ...")


def test_an_error_of_ours_ends_the_run_with_a_cause(works: Works) -> None:
    def script(_directory: Path) -> protocol.Result:
        raise RuntimeError("wheel broke")

    found = finished(works, script)
    assert found.run.cause
    assert found.run.cause.code == "internal_error"
    assert "wheel broke" in found.run.cause.message


def test_cancel_while_running_ends_the_child_and_the_run(works: Works) -> None:
    submitted = works.shop.submit(works.shop.deploy())
    worker = works.new_worker()
    worker.step()
    eventually(lambda: works.launcher.children, within=5)
    shop, run = works.shop, submitted.run
    runs.cancel(shop.context, shop.actor, shop.space_id, run.deployment_job_id, delete=False)
    assert shop.look(run.deployment_job_id).run.state is RunState.CANCELING
    worker.pulse()
    works.until_idle(worker)
    assert works.launcher.children[0].signals == ["TERM"]
    assert shop.look(run.deployment_job_id).run.state is RunState.CANCELED


def test_d12_a_run_deleted_while_it_works_goes_when_it_has_ended(works: Works) -> None:
    submitted = works.shop.submit(works.shop.deploy())
    worker = works.new_worker()
    worker.step()
    eventually(lambda: works.launcher.children, within=5)
    shop, run = works.shop, submitted.run
    runs.cancel(shop.context, shop.actor, shop.space_id, run.deployment_job_id, delete=True)
    assert list(runs.page(shop.context, shop.actor, shop.space_id, limit=9).items) == []
    worker.pulse()
    works.until_idle(worker)
    with shop.context.database.snapshot() as connection:
        assert run_store.get(connection, run.id) is None


def test_q5_a_worker_that_comes_back_late_finishes_nothing(works: Works) -> None:
    submitted = works.shop.submit(works.shop.deploy())
    late = works.new_worker()
    late.step()
    eventually(lambda: works.launcher.children, within=5)
    works.clock.advance(seconds=31)
    assert works.rescuer.step() == 1
    other = works.new_worker()
    assert other.step() == 1
    eventually(lambda: len(works.launcher.children) == 2, within=5)
    works.launcher.gate.set()
    works.until_idle(late)
    works.until_idle(other)
    found = works.shop.look(submitted.run.deployment_job_id)
    assert (found.run.state, found.run.fence) == (RunState.COMPLETED, 2)
    history = runs.history(works.shop.context, works.shop.actor, found.run.job_id, found.run.id)
    assert [row.event for row in history].count(RunEvent.SUCCEEDED) == 1


def test_d3_a_worker_that_renews_is_left_alone(works: Works) -> None:
    submitted = works.shop.submit(works.shop.deploy())
    worker = works.new_worker()
    worker.step()
    eventually(lambda: works.launcher.children, within=5)
    for _ in range(10):
        works.clock.advance(seconds=LEASE.total_seconds() / 2)
        # Before the pulse: the lease has to last from one renewal to the next.
        assert works.rescuer.step() == 0
        worker.pulse()
    works.launcher.gate.set()
    works.until_idle(worker)
    assert works.shop.look(submitted.run.deployment_job_id).run.attempt == 1


def test_q3_a_claim_of_which_its_worker_never_heard_ends_though_the_worker_is_busy(works: Works) -> None:
    known, worker = works.shop.submit(works.shop.deploy()), works.new_worker()
    worker.step()
    eventually(lambda: works.launcher.children, within=5)
    unheard = works.shop.submit(works.shop.deploy())
    # As after a commit whose answer was lost: the worker has the claim, and knows nothing of it.
    assert claims.take(works.shop.context, worker._worker_id, lease=LEASE)
    for _ in range(3):
        works.clock.advance(seconds=LEASE.total_seconds() / 2)
        worker.pulse()
    assert works.rescuer.step() == 1
    states = [works.shop.look(one.run.deployment_job_id).run.state for one in (known, unheard)]
    assert states == [RunState.RUNNING, RunState.QUEUED]


def test_t13_a_clock_that_was_set_back_does_not_cost_a_worker_its_leases(works: Works) -> None:
    deployment = works.shop.deploy()
    first, worker = works.shop.submit(deployment), works.new_worker()
    worker.step()
    worker.pulse()
    works.clock.advance(hours=-2)
    second = works.shop.submit(deployment)
    # PostgreSQL: the first run may hold the lane at this moment, while it says that it starts.
    eventually(worker.step, within=5)
    for _ in range(10):
        works.clock.advance(seconds=LEASE.total_seconds() / 2)
        worker.pulse()
        assert works.rescuer.step() == 0
    works.launcher.gate.set()
    works.until_idle(worker)
    assert [works.shop.look(one.run.deployment_job_id).run.attempt for one in (first, second)] == [1, 1]


def test_d5_a_renewal_that_failed_is_made_up_for_by_the_next_pulse(works: Works) -> None:
    works.shop.submit(works.shop.deploy())
    worker = works.new_worker()
    worker.step()
    eventually(lambda: works.launcher.children, within=5)
    faults = Faults(works.shop.context.database.engine)
    for _ in range(10):
        works.clock.advance(seconds=LEASE.total_seconds() / 2)
        with faults.armed(0):
            worker.pulse()
        assert faults.struck
        worker.pulse()
        assert works.rescuer.step() == 0


def test_a_worker_that_stops_hands_a_model_run_back_and_fails_a_function_run(works: Works) -> None:
    shop = works.shop
    model, function = shop.submit(shop.deploy()), shop.submit(shop.deploy(kind=AssetType.FUNCTION))
    worker = works.new_worker()
    assert worker.step() == 2
    eventually(lambda: len(works.launcher.children) == 2, within=5)
    worker.stop(0)
    assert worker.step() == 0
    returned, lost = (shop.look(found.run.deployment_job_id).run for found in (model, function))
    assert (returned.state, returned.cause) == (RunState.QUEUED, None)
    assert lost.state is RunState.FAILED
    assert lost.cause
    assert lost.cause.code == "worker_lost"


def test_finishing_twice_counts_once(works: Works) -> None:
    """The database's answer was lost after it had committed: the second attempt finds what the first one did."""
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    assignment = claims.take(shop.context, shop.context.new_id(), lease=LEASE)
    assert assignment
    claims.started(shop.context, assignment)
    outcome = claims.Outcome(event=RunEvent.SUCCEEDED)
    assert claims.finish(shop.context, assignment, outcome) is claims.Settlement.COUNTED
    assert claims.finish(shop.context, assignment, outcome) is claims.Settlement.COUNTED_BEFORE
    assert shop.look(submitted.run.deployment_job_id).run.state is RunState.COMPLETED


def test_starting_twice_counts_once(works: Works) -> None:
    """The database's answer was lost after it had committed; a run that is being canceled does not start."""
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    assignment = claims.take(shop.context, shop.context.new_id(), lease=LEASE)
    assert assignment
    claims.started(shop.context, assignment)
    claims.started(shop.context, assignment)
    assert shop.look(submitted.run.deployment_job_id).run.state is RunState.RUNNING
    runs.cancel(shop.context, shop.actor, shop.space_id, submitted.run.deployment_job_id, delete=False)
    with pytest.raises(IllegalTransition):
        claims.started(shop.context, assignment)


@pytest.mark.parametrize("losses", [1, 2])
def test_d5_a_database_that_goes_away_under_a_run_costs_it_nothing(works: Works, losses: int) -> None:
    """It commits that the run starts, or how it ended, and the answers are lost."""
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    works.launcher.script = lambda _directory: COMPLETED
    works.launcher.gate.set()
    assignment = claims.take(shop.context, shop.context.new_id(), lease=LEASE)
    assert assignment
    database = ForgetfulDatabase(shop.context.database.engine.url.render_as_string(hide_password=False))
    database.loses_answers = losses
    Execution(replace(shop.context, database=database), works.launcher, assignment).run()
    database.close()
    assert database.loses_answers == 0
    found = shop.look(submitted.run.deployment_job_id)
    assert (found.run.state, found.run.cause) == (RunState.COMPLETED, None)


def test_a_deleted_deployment_goes_with_its_runs_once_they_have_stopped(works: Works) -> None:
    shop = works.shop
    deployment = shop.deploy()
    works.shop.submit(deployment)
    shop.submit(deployment)
    shop.submit(deployment)
    worker = works.new_worker()
    assert worker.step() == 2
    eventually(lambda: len(works.launcher.children) == 2, within=5)
    deployments.delete(shop.context, shop.actor, shop.space_id, deployment.id)
    works.janitor.step()
    worker.pulse()
    works.until_idle(worker)
    eventually(lambda: works.janitor.step() == 0, within=5)
    assert list(deployments.page(shop.context, shop.actor, shop.space_id, limit=9).items) == []
    assert list(runs.page(shop.context, shop.actor, shop.space_id, limit=9).items) == []
    with shop.context.database.snapshot() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM lanes").scalar() == 0
