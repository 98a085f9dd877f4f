"""Results with types: an Arrow stream a chunk, one behind the other, made one file in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.outputs.arrow_streams import common_batches, common_schema, is_uniform
from gristmill_runner.outputs.arrow_values import arrow_array, typed_column
from gristmill_runner.outputs.form import Among
from gristmill_runner.outputs.names import arranged, input_names


class ArrowForm:
    """What all forms with types have in common."""

    def header(self, names: Sequence[str]) -> bytes:  # noqa: ARG002 - each stream names its columns
        """Return nothing."""
        return b""

    def check_rows(self, rows: int) -> None:
        """Take any number."""

    def encode(
        self,
        chunk: Chunk,
        predictions: Mapping[str, Any],
        *,
        names: Sequence[str],
        kinds: Mapping[str, str | None],
        among: Among | None = None,  # noqa: ARG002 - a file leaves them out
    ) -> bytes:
        """Return a stream with one batch."""
        import pyarrow as pa

        if not chunk.rows and len(input_names(chunk)) + len(predictions) != len(names):
            return b""
        own = list(names[: len(names) - len(predictions)])
        inputs = zip(own, arranged(chunk, own))  # noqa: B905 - Python 3.9
        nulls = pa.nulls(chunk.rows)
        arrays = [nulls if each is None else typed_column(chunk, name, each, kinds) for name, each in inputs]
        arrays += [arrow_array(values) for values in predictions.values()]
        batch = pa.RecordBatch.from_arrays(arrays, names=list(names))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return bytes(sink.getvalue())


class TableForm(ArrowForm):
    """Arrow streams, one behind the other and all of the same types: what a table is loaded from."""

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:
        """Let what is staged be the file, if all chunks have the same types; else write it again."""
        import pyarrow as pa

        if is_uniform(staged):
            staged.replace(target)
            return
        schema = common_schema(staged, names)
        with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            for batch in common_batches(staged, schema):
                writer.write_batch(batch)


class ArrowFileForm(ArrowForm):
    """An Arrow file."""

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:
        """Write the file, with types that hold for all chunks."""
        import pyarrow as pa

        schema = common_schema(staged, names)
        with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for batch in common_batches(staged, schema):
                writer.write_batch(batch)


class ParquetForm(ArrowForm):
    """A Parquet file, with a row group a chunk."""

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:
        """Write the file, with types that hold for all chunks."""
        from pyarrow import parquet

        schema = common_schema(staged, names)
        with parquet.ParquetWriter(target, schema) as writer:
            for batch in common_batches(staged, schema):
                writer.write_batch(batch)
