"""Inputs that are decoded piece by piece: the pieces become scratch files, which scorers map into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.failure import RunFailed
from gristmill_runner.sources.held_file import HeldFile
from gristmill_runner.sources.source import Block, Parsed
from gristmill_runner.sources.text_blocks import Sizes

Decode = Callable[[Path, int], Iterator[Any]]
"""Yields the record batches of a file from a row on (from 0); of a file without rows one, for its columns."""


@dataclass(frozen=True)
class BatchSource:
    """A file that ``decode`` reads; marks count rows."""

    number: int
    held: HeldFile
    decode: Decode
    sizes: Sizes
    format: str
    rows: int | None = None
    size_bytes: int | None = None
    file_bytes: int | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.held.name

    def blocks(self, scratch: Path, *, after: Any = None) -> Iterator[Block]:  # noqa: ANN401 - a number of rows
        """Decode, and write each piece as an Arrow file."""
        row = after or 0
        with self.held.on_disk(scratch) as file:
            for piece in _pieces(self._batches(file, row), self.sizes, first=row == 0):
                path = scratch / f"{self.number}-{row}.arrow"
                _write(piece, path)
                row += piece.num_rows
                yield Block(self.number, path, 0, path.stat().st_size, row, scratch=True)

    def parse(self, block: Block, *, kinds: Mapping[str, str | None] | None = None) -> Parsed:  # noqa: ARG002
        """Map a piece into memory."""
        import pyarrow as pa

        with pa.memory_map(str(block.path)) as file:
            batch = pa.ipc.open_file(file).get_batch(0)
        return Parsed(Chunk(self.name, 1, list(batch.schema.names), list(batch.columns)), batch.num_rows)

    def _batches(self, file: Path, row: int) -> Iterator[Any]:
        import pyarrow as pa

        try:
            yield from self.decode(file, row)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise RunFailed("input_unreadable", f"{self.name} cannot be read as {self.format}: {error}") from error


def _pieces(batches: Iterable[Any], sizes: Sizes, *, first: bool) -> Iterator[Any]:
    """Cut batches that are too large, and bring small ones of the same columns together."""
    limit = sizes.first if first else sizes.usual
    held: list[Any] = []
    size = 0
    for batch in batches:
        for piece in _cut(batch, limit - size if limit > size else limit, sizes.usual):
            if held and (size + piece.nbytes > limit or piece.schema != held[0].schema):
                yield _joined(held)
                held, size, limit = [], 0, sizes.usual
            held.append(piece)
            size += piece.nbytes
    if held:
        yield _joined(held)


def _cut(batch: Any, first_bytes: int, usual_bytes: int) -> Iterator[Any]:  # noqa: ANN401
    if not batch.num_rows:
        yield batch
    row_bytes = batch.nbytes / max(1, batch.num_rows)
    start, size = 0, first_bytes
    while start < batch.num_rows:
        rows = max(1, int(size / max(row_bytes, 1e-9)))
        yield batch.slice(start, rows)
        start, size = start + rows, usual_bytes


def _joined(batches: list[Any]) -> Any:  # noqa: ANN401
    import pyarrow as pa

    if len(batches) == 1:
        return batches[0]
    joined = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return joined[0] if joined else batches[0]


def _write(batch: Any, path: Path) -> None:  # noqa: ANN401
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
