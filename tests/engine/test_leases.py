"""Q4, Q6: neither what is slow to begin nor code that lets nobody else go on costs a worker its lease."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pytest

from gristmill.content.content import Content
from gristmill.content.folder import FolderContent
from gristmill.domain.asset import AssetType
from gristmill.domain.run import RunState
from gristmill.engine.execution import Execution
from gristmill.engine.worker import Worker
from gristmill.launch.environments import Environment, shipped
from gristmill.launch.launcher import Child, Launcher, Order
from gristmill.launch.process import ProcessLauncher
from gristmill.service import runs
from gristmill.service.context import Context
from gristmill.service.runs import RunDetails
from tests.engine.conftest import LEASE, Works
from tests.make import eventually
from tests.make_work import ScriptedLauncher

SECONDS = 30
HOG = """
def score(payload):
    import re
    print("no other thread gets its turn", flush=True)
    re.match("(a+)+$", "a" * 99 + "b")
"""


@dataclass
class SlowLauncher(ScriptedLauncher):
    """Takes until ``ready`` to start a child."""

    ready: threading.Event = field(default_factory=threading.Event)

    def launch(self, order: Order) -> Child:
        """Start one then."""
        assert self.ready.wait(SECONDS)
        return super().launch(order)


class SlowContent(FolderContent):
    """Takes until ``ready`` to hand anything out."""

    def __init__(self, folder: Path, ready: threading.Event) -> None:
        super().__init__(folder)
        self._ready = ready

    def open(self, key: str) -> BinaryIO:
        """Open it then."""
        assert self._ready.wait(SECONDS)
        return super().open(key)


def new_worker(context: Context, launcher: Launcher) -> Worker:
    return Worker(context, context.new_id(), lambda a: Execution(context, launcher, a), slots=4, lease=LEASE)


def outlive_leases(works: Works, worker: Worker) -> None:
    """Let several leases go by, with a pulse in each half, and a rescuer and another worker that look for work."""
    for _ in range(10):
        works.clock.advance(seconds=LEASE.total_seconds() / 2)
        assert works.rescuer.step() == 0
        assert works.new_worker().step() == 0
        worker.pulse()


@pytest.mark.parametrize(("slow", "state"), [("content", RunState.STARTING), ("launch", RunState.RUNNING)])
def test_q4_what_takes_longer_than_the_lease_to_begin_begins_once(works: Works, slow: str, state: RunState) -> None:
    context, launcher = works.shop.context, SlowLauncher()
    content: Content = SlowContent(context.data_dir / "content", launcher.ready)
    submitted = works.shop.submit(works.shop.deploy())
    worker = new_worker(replace(context, content=content) if slow == "content" else context, launcher)
    assert worker.step() == 1
    eventually(lambda: look(works, submitted).run.state is state, within=10)
    outlive_leases(works, worker)
    assert look(works, submitted).run.state is state
    launcher.gate.set()
    launcher.ready.set()
    works.until_idle(worker)
    worker.stop(5)
    found = look(works, submitted).run
    assert (found.state, found.attempt, len(launcher.children)) == (RunState.COMPLETED, 1, 1)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessLauncher]:
    """Start real children."""
    bare = Environment(name="bare", python=shipped().python, preload=())
    launcher = ProcessLauncher(directory=tmp_path_factory.mktemp("zygote"), environment=bare)
    yield launcher
    launcher.close()


def test_q6_code_that_lets_no_other_thread_go_on_keeps_its_lease(works: Works, processes: ProcessLauncher) -> None:
    shop = works.shop
    submitted = shop.submit(shop.deploy(kind=AssetType.FUNCTION, content=HOG.encode()))
    worker = new_worker(shop.context, processes)
    assert worker.step() == 1
    eventually(lambda: b"its turn" in log(works, submitted), within=SECONDS)
    outlive_leases(works, worker)
    assert look(works, submitted).run.state is RunState.RUNNING
    runs.cancel(shop.context, shop.actor, shop.space_id, submitted.run.deployment_job_id, delete=False)
    worker.pulse()
    works.until_idle(worker)
    worker.stop(5)
    found = look(works, submitted).run
    assert (found.state, found.attempt, found.fence) == (RunState.CANCELED, 1, 1)


def look(works: Works, submitted: RunDetails) -> RunDetails:
    return works.shop.look(submitted.run.deployment_job_id)


def log(works: Works, submitted: RunDetails) -> bytes:
    shop, run = works.shop, submitted.run
    return b"".join(runs.log(shop.context, shop.actor, run.job_id, run.id))
