"""The machine of a child is lost: the run goes by the rules for a worker that is gone, and its log says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gristmill.domain.asset import AssetType
from gristmill.domain.run import MAX_ATTEMPTS, RunState
from gristmill.launch.launcher import ChildLost
from gristmill.service import runs
from gristmill_runner import protocol
from tests.engine.conftest import Works
from tests.make_work import COMPLETED

Played = Callable[[Path], protocol.Result]


def losing(times: int) -> Played:
    """Return a script that loses its child so often, and completes then."""
    left = [times]

    def script(_directory: Path) -> protocol.Result:
        if left[0]:
            left[0] -= 1
            raise ChildLost("The Ray node 10.0.0.7 is gone.")
        return COMPLETED

    return script


def finished(works: Works, script: Played, *, kind: AssetType = AssetType.MODEL) -> runs.RunDetails:
    works.launcher.script = script
    works.launcher.gate.set()
    shop = works.shop
    options = {} if kind is AssetType.MODEL else {"input_references": ()}
    submitted = shop.submit(shop.deploy(kind=kind), **options)
    worker = works.new_worker()
    while worker.step():
        works.until_idle(worker)
    return shop.look(submitted.run.deployment_job_id)


def test_a_model_is_done_again_and_nobody_is_to_blame(works: Works) -> None:
    found = finished(works, losing(1))
    assert (found.run.state, found.run.attempt, found.run.cause) == (RunState.COMPLETED, 2, None)
    assert [child.released for child in works.launcher.children] == [True, True]


def test_a_run_that_loses_every_machine_ends(works: Works) -> None:
    found = finished(works, losing(MAX_ATTEMPTS + 1))
    assert (found.run.state, len(works.launcher.children)) == (RunState.FAILED, MAX_ATTEMPTS)
    assert found.run.cause is not None
    assert found.run.cause.code == "worker_lost"
    assert "lost the machine that did the run" in found.run.cause.message


def test_user_code_is_not_repeated_unasked_and_its_log_is_kept(works: Works) -> None:
    found = finished(works, losing(1), kind=AssetType.SCRIPT)
    assert (found.run.state, len(works.launcher.children)) == (RunState.FAILED, 1)
    assert found.run.cause is not None
    assert found.run.cause.code == "worker_lost"
    log = b"".join(runs.log(works.shop.context, works.shop.actor, found.run.job_id, found.run.id))
    assert log == b"Attempt 1 was lost: The Ray node 10.0.0.7 is gone.\n"
