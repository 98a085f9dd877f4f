"""The end of a log, held against what splitting the whole of it says."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain.log_tail import LONGEST_LINE_BYTES, holding, tail

TEXTS = st.lists(st.sampled_from([b"a", b"B", b"\n", b"needle", b"\n\n"]), max_size=60).map(b"".join)


def lines_of(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def cut(text: bytes, size: int) -> list[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


@given(TEXTS, st.integers(1, 7), st.integers(1, 9))
def test_a_tail_is_the_last_lines_however_the_log_is_cut(text: bytes, size: int, limit: int) -> None:
    lines = lines_of(text)
    assert tail(cut(text, size), limit) == (lines[-limit:], len(lines))


@given(TEXTS, st.integers(1, 7), st.integers(1, 9))
def test_lines_that_hold_a_text_are_found_whatever_their_case(text: bytes, size: int, limit: int) -> None:
    lines = [line for line in lines_of(text) if b"b" in line.lower()]
    assert holding(cut(text, size), "b", limit) == (lines[-limit:], len(lines))


def test_l2_two_hundred_megabytes_need_a_few_and_a_line_without_end_is_cut() -> None:
    def log() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 199 + b"\n" + (b"y" * 199 + b"\n") * 5_000

    tracemalloc.start()
    try:
        assert tail(log(), 100)[1] == 200 * 5_001
        assert holding(log(), "X", 10)[1] == 200
        (line,) = tail((b"z" * 1024**2 for _ in range(64)), 1)[0]
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(line) == LONGEST_LINE_BYTES
    assert peak_bytes < 80 * 1024**2
