"""Q1: many processes claim at once; no lane ever has more live claims than its limit, and no run is claimed twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.make_queue import make_lane, make_run, make_space, new_id

from gristmill.store.database import Database

_LANES = 5
_RUNS = 300
_LIMIT = 2
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
