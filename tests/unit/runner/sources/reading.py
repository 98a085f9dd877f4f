"""Reads inputs block by block, as coordinator and scorers do between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk, cell
from gristmill_runner.protocol import InlineTable, InputFile, Spec
from gristmill_runner.sources.of_run import sources
from gristmill_runner.sources.source import BadRow, Block, Source

Kinds = Mapping[str, "str | None"]


@dataclass
class Read:
    """What was read of one source; bad rows are counted from its beginning."""

    names: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    total: int = 0
    totals: dict[Any, int] = field(default_factory=dict)

    def add(self, source: Source, block: Block, kinds: Kinds | None = None) -> None:
        parsed = source.parse(block, kinds=kinds)
        chunk = parsed.chunk
        positions = range(parsed.rows) if parsed.positions is None else parsed.positions
        assert len(positions) == chunk.rows or not chunk.columns
        assert sorted([*positions, *(row.position for row in parsed.bad)]) == list(range(parsed.rows))
        assert chunk.lines is None or len(chunk.lines) == chunk.rows
        self.names = chunk.names
        self.rows += [[cell(column, row) for column in chunk.columns] for row in range(chunk.rows)]
        places = [self.total + row.position for row in parsed.bad]
        self.bad += [BadRow(at, row.reason, text=row.text) for at, row in zip(places, parsed.bad, strict=True)]
        self.total += parsed.rows
        self.totals[block.mark] = self.total
        self.blocks.append(block)
        self.chunks.append(chunk)

    def dicts(self) -> list[dict[str, Any]]:
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


class Place:
    """A run directory with inputs alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scratch = path / "scratch"
        for directory in (path / "inputs", self.scratch):
            directory.mkdir(parents=True, exist_ok=True)
        self.spec: Spec = {"inline": [], "files": []}

    def file(self, name: str, content: bytes | str, **more: Any) -> Place:
        (self.path / "inputs" / name).write_bytes(content.encode() if isinstance(content, str) else content)
        file: InputFile = {"path": f"inputs/{name}", "name": name, **more}  # type: ignore[typeddict-item]
        self.spec["files"].append(file)
        return self

    def inline(self, lines: str, fields: list[str] | None = None) -> Place:
        path = f"inputs/{len(self.spec['inline'])}.jsonl"
        (self.path / path).write_text(lines, encoding="utf-8")
        table: InlineTable = {"path": path, "fields": fields, "members": {}}
        self.spec["inline"].append(table)
        return self

    def sources(self, block_bytes: int | None = None) -> list[Source]:
        spec: Spec = {**self.spec, "block_bytes": block_bytes} if block_bytes else self.spec
        return sources(self.path, spec)

    def read(self, block_bytes: int | None = None, *, kinds: Kinds | None = None, after: Any = None) -> Read:
        """Read the only source, and let scratch files go as they are done."""
        return self.read_all(block_bytes, kinds=kinds, after=after)[0]

    def read_all(self, block_bytes: int | None = None, *, kinds: Kinds | None = None, after: Any = None) -> list[Read]:
        found = []
        for source in self.sources(block_bytes):
            read = Read()
            for block in source.blocks(self.scratch, after=after):
                read.add(source, block, kinds)
                if block.scratch:
                    block.path.unlink()
            found.append(read)
        assert not list(self.scratch.iterdir())
        return found
