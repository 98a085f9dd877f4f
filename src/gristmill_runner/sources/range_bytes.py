"""The bytes of a block."""

from __future__ import annotations

from gristmill_runner.failure import RunFailed
from gristmill_runner.sources.source import Block


def bytes_of(block: Block) -> bytes:
    """Read a block.

    Raises:
        RunFailed: ``input_unreadable``: the file became shorter meanwhile.

    """
    with block.path.open("rb") as file:
        file.seek(block.start)
        content = file.read(block.stop - block.start)
    if len(content) != block.stop - block.start:
        raise RunFailed("input_unreadable", f"{block.path.name} became shorter while it was read")
    return content
