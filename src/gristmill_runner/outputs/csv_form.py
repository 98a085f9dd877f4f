"""Results as CSV: the input's cells as they came, then the predictions. Comma, double quote, UTF-8, line feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.csv_text import as_text, continued_lines, csv_lines, first_cells, matrix_cells, quoted
from gristmill_runner.outputs.arrow_values import arrow_array, is_matrix
from gristmill_runner.outputs.form import Among
from gristmill_runner.outputs.names import arranged, input_names
from gristmill_runner.sources.csv_lines import as_it_came


class CsvForm:
    """A CSV file."""

    def header(self, names: Sequence[str]) -> bytes:
        """Return the line of names."""
        import pyarrow as pa

        return csv_lines([pa.array([name], pa.string()) for name in names])

    def encode(
        self,
        chunk: Chunk,
        predictions: Mapping[str, Any],
        *,
        names: Sequence[str],
        kinds: Mapping[str, str | None],  # noqa: ARG002 - text needs no kinds
        among: Among | None = None,  # noqa: ARG002 - a file leaves them out
    ) -> bytes:
        """Return a line a row."""
        if not chunk.rows:
            return b""
        own = list(names[: len(names) - len(predictions)])
        added = [_prediction_cells(values) for values in predictions.values()]
        if chunk.lines is not None and own == input_names(chunk):
            return continued_lines(chunk.lines, added)
        columns = [quoted(_text(column, chunk.rows)) for column in arranged(as_it_came(chunk), own)]
        first, *more = columns + added
        return continued_lines(first_cells(first, alone=not more), more)

    def check_rows(self, rows: int) -> None:
        """Take any number."""

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:  # noqa: ARG002
        """Let what is staged be the file."""
        staged.replace(target)


def _text(column: Any, rows: int) -> Any:  # noqa: ANN401 - pyarrow comes untyped
    import pyarrow as pa

    return pa.nulls(rows, pa.string()) if column is None else as_text(column)


def _prediction_cells(values: Any) -> Any:  # noqa: ANN401 - an array or a list
    return matrix_cells(values) if is_matrix(values) else quoted(as_text(arrow_array(values)))
