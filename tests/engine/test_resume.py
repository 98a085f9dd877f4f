"""D1, A5: what one attempt had scored, the next one takes over; and a person may go on from where a run ended."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gristmill.domain.error_threshold import ErrorThreshold
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.run import MAX_ATTEMPTS, RunState
from gristmill.domain.run_spec import RunResult
from gristmill.engine.salvage import Salvage
from gristmill.launch.boxes import GIVEN
from gristmill.launch.launcher import Ending
from gristmill.service import run_repairs, runs
from gristmill.service.job_runs import Overrides
from gristmill.service.runs import RunDetails
from gristmill.store import run_contents
from gristmill_runner import protocol
from tests.engine.conftest import Works
from tests.engine.test_rows import rejecting
from tests.engine.test_worker import finished
from tests.make import eventually
from tests.make_work import COMPLETED

TOTAL = 10
WHOLE = {"read": TOTAL, "scored": TOTAL, "rejected": 0, "not_attempted": 0}


def attempt(directory: Path, *, until: int) -> int:
    """Do as a child does: go on behind the ledger's last line, a row a chunk, up to a row; return how many were done.

    A half-written line and loose bytes stay behind, as after a kill.
    """
    ledger, staged = directory / protocol.LEDGER, directory / protocol.STAGED
    staged.mkdir(exist_ok=True)
    lines = [json.loads(line) for line in ledger.read_bytes().splitlines()] if ledger.exists() else [{"ledger": 1}]
    done = len(lines) - 1
    written = (staged / "output").read_bytes()[: 2 * done] if done else b""
    assert written == b"".join(b"%d\n" % row for row in range(done)), "what is behind the ledger is what was scored"
    for row in range(done, until):
        lines.append({"chunk": row, "scored": 1, "rejected": 0})
        written += b"%d\n" % row
    (staged / "output").write_bytes(written + b"loose")
    ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (directory / protocol.PROGRESS).write_text(json.dumps({"rows_done": until, "rows_total": TOTAL}) + "\n")
    return done


def completing(directory: Path) -> protocol.Result:
    resumed = attempt(directory, until=TOTAL)
    (directory / "outputs").mkdir(exist_ok=True)
    (directory / "outputs/p.jsonl").write_bytes((directory / protocol.STAGED / "output").read_bytes()[: 2 * TOTAL])
    tables = [protocol.InlineTable(path="outputs/p.jsonl", fields=["row"], rows=TOTAL)]
    return {**COMPLETED, "rows": {**WHOLE, "resumed": resumed}, "predictions": tables}  # type: ignore[typeddict-item]


def killed_at(row: int) -> Callable[[Path], Ending]:
    def script(directory: Path) -> Ending:
        attempt(directory, until=row)
        return Ending(signal=9)

    return script


def text(found: RunDetails) -> str:
    assert found.result
    return str(found.result.predictions[0].text)


def rows_of(result: RunResult | None) -> tuple[int, int | None]:
    assert result
    assert result.kept_rows
    return result.kept_rows.rows_done, result.kept_rows.rows_total


def directories(works: Works) -> list[str]:
    return sorted(path.name for path in (works.shop.context.data_dir / "runs").iterdir())


EXPECTED = "".join(f"{row}\n" for row in range(TOTAL))


@pytest.mark.parametrize("ending", ["", GIVEN], ids=["in place", "on its way out of a box"])
def test_d1_an_attempt_whose_worker_died_is_gone_on_with(works: Works, ending: str) -> None:
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    dead = works.new_worker()
    dead.step()
    (child,) = eventually(lambda: works.launcher.children, within=5)
    attempt(child.order.directory, until=4)
    # Its server is killed: nobody renews, nobody cleans up.
    works.clock.advance(seconds=31)
    assert works.rescuer.step() == 1
    first = child.order.directory.rename(child.order.directory.with_name(child.order.directory.name + ending))
    Salvage(shop.context).step()
    assert directories(works) == [first.name], "what a run that waits can go on from stays"
    works.launcher.script = completing
    other = works.new_worker()
    assert other.step() == 1
    eventually(lambda: len(works.launcher.children) == 2, within=5)
    Salvage(shop.context).step()
    assert directories(works) == [first.name, f"{submitted.run.id}.2"]
    works.launcher.gate.set()
    works.until_idle(other)
    found = shop.look(submitted.run.deployment_job_id)
    assert (found.run.state, found.run.attempt, text(found)) == (RunState.COMPLETED, 2, EXPECTED)
    assert found.result
    assert found.result.rows_resumed == 4
    works.until_idle(dead)
    Salvage(shop.context).step()
    assert directories(works) == []


def test_d1_a_worker_that_hands_back_leaves_what_it_did(works: Works) -> None:
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    worker = works.new_worker()
    worker.step()
    (child,) = eventually(lambda: works.launcher.children, within=5)
    attempt(child.order.directory, until=7)
    worker.stop(0)
    left = shop.context.data_dir / "runs" / f"{submitted.run.id}.1"
    assert sorted(path.name for path in left.iterdir()) == ["ledger.jsonl", "staged"], "and no inputs"
    works.launcher.script = completing
    works.launcher.gate.set()
    other = works.new_worker()
    assert other.step() == 1
    works.until_idle(other)
    found = shop.look(submitted.run.deployment_job_id)
    assert found.result
    assert (text(found), found.result.rows_resumed) == (EXPECTED, 7)
    Salvage(shop.context).step()
    assert directories(works) == []


@pytest.mark.parametrize("ending", ["", GIVEN], ids=["in place", "on its way out of a box"])
def test_d1_a_run_whose_workers_all_died_is_repaired_from_its_rows(works: Works, ending: str) -> None:
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    dead = []
    for number, until in enumerate((3, 8, 0), start=1):
        dead.append(works.new_worker())
        assert dead[-1].step() == 1
        eventually(functools.partial(_has_children, works, number), within=5)
        directory = works.launcher.children[-1].order.directory
        if until:
            attempt(directory, until=until)
        else:
            # The last one dies before it has taken anything over.
            (directory / protocol.LEDGER).unlink()
        works.clock.advance(seconds=31)
        assert works.rescuer.step() == 1
    lost = shop.look(submitted.run.deployment_job_id)
    assert (lost.run.state, lost.run.cause and lost.run.cause.code) == (RunState.FAILED, "worker_lost")
    farthest = shop.context.data_dir / "runs" / f"{submitted.run.id}.2"
    farthest.rename(farthest.with_name(farthest.name + ending))
    assert Salvage(shop.context).step() == 3
    lost = shop.look(submitted.run.deployment_job_id)
    assert rows_of(lost.result) == (8, TOTAL)
    assert lost.result
    with shop.context.database.snapshot() as connection:
        assert set(lost.result.content_keys()) <= set(run_contents.held(connection, lost.run.id))
    run, _job, _spec = run_repairs.repair(shop.context, shop.actor, lost.run.job_id, lost.run.id, Overrides())
    works.launcher.script = completing
    works.launcher.gate.set()
    for worker in dead:
        works.until_idle(worker)
    other = works.new_worker()
    assert other.step() == 1
    works.until_idle(other)
    found = shop.look(run.deployment_job_id)
    assert found.result
    assert (found.run.state, text(found), found.result.rows_resumed) == (RunState.COMPLETED, EXPECTED, 8)


def _has_children(works: Works, number: int) -> bool:
    return len(works.launcher.children) == number


def test_workers_that_are_stopped_are_no_attempts(works: Works) -> None:
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    for stopped in range(1, MAX_ATTEMPTS + 2):
        worker = works.new_worker()
        worker.step()
        eventually(functools.partial(_has_children, works, stopped), within=5)
        worker.stop(0)
    found = shop.look(submitted.run.deployment_job_id)
    assert (found.run.state, found.run.attempt, found.run.fence) == (RunState.QUEUED, 0, MAX_ATTEMPTS + 1)


def test_nothing_is_taken_from_a_link_that_user_code_left(works: Works, tmp_path: Path) -> None:
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    worker = works.new_worker()
    worker.step()
    (child,) = eventually(lambda: works.launcher.children, within=5)
    attempt(child.order.directory, until=3)
    secret = tmp_path / "secret"
    secret.write_text("0\n1\n2\n")
    (child.order.directory / protocol.STAGED / "output").unlink()
    (child.order.directory / protocol.STAGED / "output").symlink_to(secret)
    worker.stop(0)
    works.launcher.gate.clear()
    other = works.new_worker()
    assert other.step() == 1
    eventually(lambda: len(works.launcher.children) == 2, within=5)
    staged = shop.context.data_dir / "runs" / f"{submitted.run.id}.2" / protocol.STAGED
    assert list(staged.iterdir()) == []


def test_a_first_attempt_takes_nothing_over(works: Works) -> None:
    found = finished(works, completing)
    assert found.result
    assert (text(found), found.result.rows_resumed) == (EXPECTED, 0)


def test_a5_a_failed_run_is_repaired_from_where_it_ended(works: Works) -> None:
    shop = works.shop
    failed = finished(works, killed_at(6))
    assert failed.run.state is RunState.FAILED
    assert failed.run.cause
    assert failed.run.cause.message.endswith("6 of 10 rows are kept: repair goes on from there.")
    assert (failed.run.rows_read, failed.run.rows_scored, failed.run.rows_not_attempted) == (10, 6, 4)
    assert rows_of(failed.result) == (6, 10)
    assert failed.result
    with shop.context.database.snapshot() as connection:
        held = run_contents.held(connection, failed.run.id)
    assert set(failed.result.content_keys()) <= set(held)
    wanted = Overrides(configuration={"error_threshold": "5 %"})
    run, _job, spec = run_repairs.repair(shop.context, shop.actor, failed.run.job_id, failed.run.id, wanted)
    assert (spec.repair_of, spec.error_threshold) == (failed.run.id, {"share": 0.05})
    # The repaired run may go: what it kept is held by the repair.
    runs.delete_of_job(shop.context, shop.actor, failed.run.job_id, failed.run.id)
    works.clock.advance(days=2)
    works.janitor.step()
    works.launcher.script = completing
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    found = shop.look(run.deployment_job_id)
    assert (found.run.state, text(found)) == (RunState.COMPLETED, EXPECTED)
    assert found.result
    assert (found.result.rows_resumed, found.result.kept_rows) == (6, None)


def test_a5_a_repair_can_be_repaired(works: Works) -> None:
    shop = works.shop
    failed = finished(works, killed_at(2))
    run, _, _ = run_repairs.repair(shop.context, shop.actor, failed.run.job_id, failed.run.id, Overrides())
    works.launcher.script = killed_at(5)
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    again = shop.look(run.deployment_job_id)
    assert rows_of(again.result) == (5, 10)
    run, _, _ = run_repairs.repair(shop.context, shop.actor, again.run.job_id, again.run.id, Overrides())
    works.launcher.script = completing
    assert worker.step() == 1
    works.until_idle(worker)
    found = shop.look(run.deployment_job_id)
    assert found.result
    assert (text(found), found.result.rows_resumed) == (EXPECTED, 5)


def test_a5_a_canceled_run_keeps_its_rows(works: Works) -> None:
    shop = works.shop
    submitted = shop.submit(shop.deploy())
    worker = works.new_worker()
    worker.step()
    (child,) = eventually(lambda: works.launcher.children, within=5)
    attempt(child.order.directory, until=3)
    runs.cancel(shop.context, shop.actor, shop.space_id, submitted.run.deployment_job_id, delete=False)
    worker.pulse()
    works.until_idle(worker)
    found = shop.look(submitted.run.deployment_job_id)
    assert (found.run.state, found.run.warning) == (
        RunState.CANCELED,
        "3 of 10 rows are kept: repair goes on from there.",
    )
    assert rows_of(found.result) == (3, 10)
    assert directories(works) == []


def test_what_has_nothing_to_go_on_from_is_not_repaired(works: Works) -> None:
    shop = works.shop

    def repair(found: RunDetails, configuration: dict[str, Any]) -> None:
        wanted = Overrides(configuration=configuration)
        run_repairs.repair(shop.context, shop.actor, found.run.job_id, found.run.id, wanted)

    completed = finished(works, rejecting(0))
    with pytest.raises(Conflict, match="has completed"):
        repair(completed, {})
    nothing = finished(works, lambda _directory: Ending(signal=9))
    with pytest.raises(Conflict, match="No rows of the run are kept") as refused:
        repair(nothing, {})
    assert refused.value.code == "nothing_kept"
    failed = finished(works, killed_at(1))
    with pytest.raises(Invalid, match=r"configuration\.env_variables: .* only error_threshold can be given anew"):
        repair(failed, {"env_variables": ["A=1"]})
    with pytest.raises(Invalid, match=r"configuration\.error_threshold"):
        repair(failed, {"error_threshold": -1})


def test_a_ledger_that_is_no_ledger_is_left_alone(works: Works) -> None:
    def script(directory: Path) -> Ending:
        (directory / protocol.LEDGER).write_bytes(b"\x00[]\n{}\n")
        return Ending(signal=9)

    found = finished(works, script, error_threshold=ErrorThreshold(rows=1))
    assert found.run.state is RunState.FAILED
    assert found.result
    assert found.result.kept_rows is None
