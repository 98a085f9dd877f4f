"""Results as JSON: an object a line, the document of the wire, or the rows of an inline answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.outputs.arrow_values import plain_column
from gristmill_runner.outputs.form import Among
from gristmill_runner.outputs.names import arranged, input_names
from gristmill_runner.plain import column_values, json_lines

_PIECE_BYTES = 2**20


class _JsonForm:
    """Lines of JSON, which need no header and are the file."""

    def check_rows(self, rows: int) -> None:
        """Take any number."""

    def header(self, names: Sequence[str]) -> bytes:  # noqa: ARG002
        """Return nothing."""
        return b""

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:  # noqa: ARG002
        """Let what is staged be the file."""
        staged.replace(target)


class JsonLinesForm(_JsonForm):
    """A file with an object a line: the input's members, then the predictions."""

    def encode(
        self,
        chunk: Chunk,
        predictions: Mapping[str, Any],
        *,
        names: Sequence[str],
        kinds: Mapping[str, str | None],
        among: Among | None = None,  # noqa: ARG002 - a file leaves them out
    ) -> bytes:
        """Return an object a row."""
        own = input_names(chunk)
        columns = [plain_column(chunk, name, column, kinds) for name, column in zip(own, chunk.columns)]  # noqa: B905
        columns += [column_values(values) for values in predictions.values()]
        members = [*own, *names[len(names) - len(predictions) :]]
        rows = zip(*columns)  # noqa: B905 - Python 3.9
        return json_lines(dict(zip(members, row)) for row in rows).encode()  # noqa: B905


class JsonForm(_JsonForm):
    """A file with one document, as the wire has it: ``{"predictions": [{"fields": [..], "values": [[..], ..]}]}``.

    Its fields are the input's columns, then the predictions.
    """

    def encode(
        self,
        chunk: Chunk,
        predictions: Mapping[str, Any],
        *,
        names: Sequence[str],
        kinds: Mapping[str, str | None],
        among: Among | None = None,  # noqa: ARG002 - a file leaves them out
    ) -> bytes:
        """Return a list a row, on a line of its own."""
        if not chunk.rows:
            return b""
        own = list(names[: len(names) - len(predictions)])
        nulls: list[object] = [None] * chunk.rows
        inputs = zip(own, arranged(chunk, own))  # noqa: B905 - Python 3.9
        columns = [nulls if each is None else plain_column(chunk, name, each, kinds) for name, each in inputs]
        columns += [column_values(values) for values in predictions.values()]
        return json_lines(zip(*columns)).encode()  # noqa: B905 - Python 3.9

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:
        """Put commas between the rows, and the document around them."""
        size = staged.stat().st_size
        with staged.open("rb") as rows, target.open("wb") as file:
            fields = json.dumps(list(names), ensure_ascii=False).encode()
            file.write(b'{"predictions": [{"fields": ' + fields + b', "values": [\n')
            while size > 0:
                piece = rows.read(min(size, _PIECE_BYTES))
                size -= len(piece)
                # Within JSON text there is no line break, so that each one ends a row.
                file.write(piece.replace(b"\n", b",\n") if size else piece[:-1].replace(b"\n", b",\n"))
            file.write(b"\n]}]}\n")


class RowsForm(_JsonForm):
    """The ``values`` of an inline answer: the predictions alone, a list a line, nulls where a row was left out."""

    def encode(
        self,
        chunk: Chunk,  # noqa: ARG002 - an answer holds predictions alone
        predictions: Mapping[str, Any],
        *,
        names: Sequence[str],  # noqa: ARG002
        kinds: Mapping[str, str | None],  # noqa: ARG002
        among: Among | None = None,
    ) -> bytes:
        """Return a list a row."""
        rows: list[Any] = list(zip(*(column_values(values) for values in predictions.values())))  # noqa: B905
        if among is not None:
            scored = dict(zip(among.positions, rows))  # noqa: B905 - Python 3.9
            rows = [scored.get(row, [None] * len(predictions)) for row in range(among.rows)]
        return json_lines(rows).encode()
