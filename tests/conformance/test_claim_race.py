"""Q1, Q7: many claim at once; no lane ever has more live claims than its limit, and no run is claimed twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import text
from tests.conformance.test_capacity import GIB, OFFERED, queued
from tests.make_queue import NOW, claimed, make_lane, make_run, make_space, new_id

from gristmill.domain.capacity import Capacity
from gristmill.domain.run import RunEvent, RunState
from gristmill.store import lanes, run_pages, runs
from gristmill.store.claims import Room
from gristmill.store.database import Database

_LANES = 5
_RUNS = 300
_LIMIT = 2
_BY_LANE = text("SELECT count(*) FROM claims GROUP BY lane_id")
_MOST = 3
_PROCESSES = {"postgresql": 12, "sqlite": 4}


def test_q1_twelve_claiming_processes_never_exceed_a_limit(database: Database, database_url: str) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lanes = [make_lane(connection, space, max_running=_LIMIT) for _ in range(_LANES)]
        queued = {make_run(connection, space, lanes[number % _LANES]).id for number in range(_RUNS)}
    program = [sys.executable, "-m", "tests.conformance.claim_race", database_url]
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([*program, new_id(), str(_LIMIT)], cwd=root, stdout=subprocess.PIPE, text=True)
        for _ in range(_PROCESSES[database.dialect])
    ]
    outputs = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    assert all(int(output[-1].split()[1]) <= _LIMIT for output in outputs)
    claimed = Counter(line for output in outputs for line in output[:-1])
    assert claimed == Counter(queued)


def test_q7_limits_and_room_together_neither_deadlock_nor_let_more_through(database: Database) -> None:
    """Workers that have room for two each, lanes for one, two or three, as somebody changes his mind all the time."""
    with database.transaction() as connection:
        space = make_space(connection)
        of_space = [make_lane(connection, space) for _ in range(3)]
        wanted = {queued(connection, space, of_space[n % 3], cpus=2, gib=8).id for n in range(30)}
    with ThreadPoolExecutor(5) as pool:
        workers = [pool.submit(_work, database, space) for _ in range(4)]
        changes = pool.submit(_change_limits, database, of_space)
        claimed = Counter(run_id for worker in workers for run_id in worker.result(60))
        changes.result(60)
    assert claimed == Counter(wanted)


def _work(database: Database, space: str) -> list[str]:
    """Take what fits, ending the older run when there is no more; return what was taken."""
    name, done, reserved = new_id(), [], Capacity.of(cpus=2, memory_bytes=8 * GIB)
    held: list[tuple[str, int]] = []
    while held or _any_queued(database, space):
        room = Room(offered=OFFERED, left=OFFERED.without([reserved] * len(held)))
        with database.transaction() as connection:
            run = claimed(connection, name, room=room)
            live = connection.execute(_BY_LANE).scalars().all()
        assert max(live, default=0) <= _MOST
        if run:
            held.append((run.id, run.fence))
            assert len(held) <= OFFERED.millicores // reserved.millicores
        elif held:
            run_id, fence = held.pop(0)
            with database.transaction() as connection:
                for happened in (RunEvent.STARTED, RunEvent.SUCCEEDED):
                    runs.advance(connection, run_id, happened, now=NOW, actor=name, fence=fence)
            done.append(run_id)
    return done


def _any_queued(database: Database, space: str) -> bool:
    with database.snapshot() as connection:
        return bool(run_pages.page(connection, space, limit=1, states=[RunState.QUEUED]).items)


def _change_limits(database: Database, of_space: list[str]) -> None:
    for number in range(30):
        with database.transaction() as connection:
            # Backwards too: whoever locks several lanes would do so in the order of their ids.
            lanes.set_limit(connection, of_space[-number % 3], 1 + number % _MOST)
