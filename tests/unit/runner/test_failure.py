"""Which exceptions tell that memory ran out, or room on the disk."""

from __future__ import annotations

import errno

import pytest

from gristmill_runner.failure import cause_of, exit_code_of, is_out_of_memory
from gristmill_runner.protocol import EXIT_FAILED, EXIT_NO_ROOM
from gristmill_runner.scoring.place import SCORING
from gristmill_runner.scoring.poison import cause_of_death, is_rows_fault
from gristmill_runner.scoring.scorers import Death


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (RuntimeError("std::bad_alloc"), True),
        (ImportError("sparse.so: cannot map zero-fill pages"), True),
        (ImportError("sparse.so: failed to map segment from shared object"), True),
        (ImportError("sparse.so: failed to map segment from shared object: Operation not permitted"), False),
        (ImportError("No module named sparse"), False),
        (KeyError("bad_alloc"), False),
    ],
)
def test_memory_that_ran_out_is_told_in_many_words(error: Exception, *, is_one: bool) -> None:
    assert is_out_of_memory(error) is is_one


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "no_room"), (errno.EDQUOT, "no_room"), (errno.EFBIG, "disk_full"), (errno.EIO, "user_code_failed")],
)
def test_a_disk_that_is_full_is_told_from_a_run_that_is_too_large(number: int, code: str) -> None:
    error = OSError(number, "what the system says", "out.csv")
    cause = cause_of(error)
    assert cause["code"] == code
    assert "out.csv" in cause["message"]
    assert exit_code_of(error) == (EXIT_NO_ROOM if code == "no_room" else EXIT_FAILED)


def test_a_scorer_that_found_no_room_to_speak_died_of_no_row() -> None:
    death = Death(exit_code=EXIT_NO_ROOM, signal=None, orders=[0], doing=SCORING, number=0, start=0, stop=1)
    assert not is_rows_fault(death)
    assert cause_of_death(death)["code"] == "no_room"
