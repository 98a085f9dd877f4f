"""The form in which a run's results are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gristmill_runner.failure import RunFailed
from gristmill_runner.outputs.arrow_form import ArrowFileForm, ParquetForm, TableForm
from gristmill_runner.outputs.compressed_form import GZIP, ZSTD, CompressedForm
from gristmill_runner.outputs.csv_form import CsvForm
from gristmill_runner.outputs.form import Form
from gristmill_runner.outputs.json_forms import JsonForm, JsonLinesForm, RowsForm
from gristmill_runner.outputs.workbook_form import WorkbookForm
from gristmill_runner.protocol import Output, Spec

_FILES: dict[str, Callable[[], Form]] = {
    "csv": CsvForm,
    "jsonl": JsonLinesForm,
    "json": JsonForm,
    "parquet": ParquetForm,
    "arrow": ArrowFileForm,
    "xlsx": WorkbookForm,
}
_COMPRESSIONS = {".gz": GZIP, ".zst": ZSTD}
_COMPRESSIBLE = ("csv", "jsonl")


def form(spec: Spec) -> Form:
    """Return the form of the run's output.

    Raises:
        RunFailed: ``unsupported_format``.

    """
    output = spec.get("output") or {}
    kind = output.get("kind") or "inline"
    if kind == "inline":
        return RowsForm()
    return TableForm() if kind == "table" else file_form(output)


def file_form(output: Output) -> Form:
    """Return the form of a file; the ending of its path tells whether it is compressed.

    Raises:
        RunFailed: ``unsupported_format``.

    """
    name = output.get("format") or "csv"
    if name not in _FILES:
        raise RunFailed("unsupported_format", f"the output format {name!r} is not one of {', '.join(_FILES)}")
    compression = _COMPRESSIONS.get(Path(output.get("path") or "").suffix.lower())
    if compression is None:
        return _FILES[name]()
    if name not in _COMPRESSIBLE:
        raise RunFailed("unsupported_format", f"{output['path']}: only csv and jsonl can be compressed, not {name}")
    return CompressedForm(_FILES[name](), compression)
