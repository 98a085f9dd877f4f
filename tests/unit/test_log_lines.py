"""Picked lines of a log, held against what a look at each of its lines says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain.log_lines import Line, pick

_TEXTS = st.lists(st.sampled_from([b"a", b"B", b"\n", b"needle", b"\n\n", b"Error: "]), max_size=60).map(b"".join)
_SIZES = st.integers(1, 9)


@given(_TEXTS, _SIZES, st.integers(1, 12), _SIZES, st.sampled_from([None, "b", "NEEDLE"]), st.booleans())
def test_lines_are_picked_however_the_log_is_cut(
    text: bytes, size: int, first: int, limit: int, contains: str | None, trouble: bool
) -> None:
    lines = text.decode().split("\n") if text else []
    lines = lines[:-1] if lines and not lines[-1] else lines
    wanted = [
        Line(number=number, text=line)
        for number, line in enumerate(lines, start=1)
        if number >= first and (contains or "").lower() in line.lower() and (not trouble or "error" in line.lower())
    ]
    blocks = [text[start : start + size] for start in range(0, len(text), size)]
    picked = pick(blocks, first=first, limit=limit, contains=contains, trouble=trouble)
    assert (list(picked.lines), picked.matches, picked.total) == (wanted[:limit], len(wanted), len(lines))
