"""Which exceptions tell that memory ran out."""

from __future__ import annotations

import pytest

from gristmill_runner.failure import is_out_of_memory


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
