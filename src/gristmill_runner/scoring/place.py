"""Where a scorer is, in memory that its coordinator shares: readable also when the scorer has died there."""

from __future__ import annotations

import mmap
import struct

RESTING, LOADING, SCORING, IN_SLICE = range(4)
_FORM = struct.Struct("<iiii")


class Place:
    """What a scorer does, with which block, and in which rows of it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def tell(self, doing: int, number: int) -> None:
        """Say that a block is at work."""
        _FORM.pack_into(self._memory, 0, doing, number, 0, 0)

    def tell_slice(self, number: int, start: int, stop: int) -> None:
        """Say that these rows of a block are tried."""
        _FORM.pack_into(self._memory, 0, IN_SLICE, number, start, stop)

    def rest(self) -> None:
        """Say that nothing is at work."""
        _FORM.pack_into(self._memory, 0, RESTING, -1, 0, 0)

    def read(self) -> tuple[int, int, int, int]:
        """Return what is done, the block's number, and the rows of the slice."""
        doing, number, start, stop = _FORM.unpack_from(self._memory)
        return doing, number, start, stop
