"""Reading and writing rows: what one process takes apart and puts together a second, beside Arrow by hand.

    python -m bench.formats [--rows 300000]

A row has ten columns: a number, eight fractions and a category; two predictions are written behind it. By hand means
pyarrow.csv in and out with types, in blocks of the same size. Figures are rows a second of processor time, which says
more than the clock on a machine that has other work; the fast path of CSV is to take at most 0.8 of Arrow's time.
"""

from __future__ import annotations

import argparse
import gzip
import io
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from gristmill_runner.outputs.names import output_names
from gristmill_runner.outputs.of_run import file_form
from gristmill_runner.protocol import Spec
from gristmill_runner.sources.of_run import BLOCK_BYTES, sources

LIMIT = 0.8
_NUMBERS: dict[str, str | None] = {f"x{number}": "number" for number in range(8)}
_Predictions = dict[str, Any]


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=300_000)
    rows = arguments.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _make(place, rows)
        hand = _told("CSV by hand", rows, lambda: _by_hand(place / "plain.csv"))
        fast = _told("CSV, lines passed through", rows, lambda: _ours(place, "plain.csv", kinds=_NUMBERS))
        _told("CSV, taken apart as text", rows, lambda: _ours(place, "plain.csv"))
        for name in ("quoted.csv", "semicolon.csv", "returns.csv", "plain.csv.gz", "rows.parquet"):
            _told(name, rows, lambda name=name: _ours(place, name, kinds=_NUMBERS))  # type: ignore[misc]
        _told("rows.jsonl", rows // 10, lambda: _ours(place, "rows.jsonl", form="jsonl"))
        for form in ("jsonl", "parquet", "csv.gz"):
            _told(f"CSV to {form}", rows, lambda form=form: _ours(place, "plain.csv", kinds=_NUMBERS, form=form))  # type: ignore[misc]
    print(f"fast path: {fast / hand:.2f} of the time by hand, limit {LIMIT}")


def _make(place: Path, rows: int) -> None:
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {"id": np.arange(rows)}
    columns.update({name: np.round(random.normal(size=rows), 4) for name in _NUMBERS})
    columns["sort"] = np.array(["red", "green", "blue"])[random.integers(0, 3, rows)]
    table = pa.table(columns)
    pq.write_table(table, place / "rows.parquet")
    sink = io.BytesIO()
    csv.write_csv(table, sink, csv.WriteOptions(quoting_style="none"))
    plain = sink.getvalue().replace(b'"', b"")
    (place / "plain.csv").write_bytes(plain)
    (place / "plain.csv.gz").write_bytes(gzip.compress(plain, 1))
    (place / "semicolon.csv").write_bytes(plain.replace(b",", b";"))
    (place / "returns.csv").write_bytes(plain.replace(b"\n", b"\r\n"))
    csv.write_csv(table, place / "quoted.csv", csv.WriteOptions(quoting_style="all_valid"))
    table.slice(0, rows // 10).to_pandas().to_json(place / "rows.jsonl", orient="records", lines=True)


def _told(what: str, rows: int, work: Callable[[], None]) -> float:
    seconds = []
    for _ in range(3):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    best = min(seconds)
    print(f"{what:28} {rows / best / 1e6:6.2f} M rows/s of one processor")
    return best


def _ours(place: Path, name: str, *, kinds: Mapping[str, str | None] | None = None, form: str = "csv") -> None:
    spec: Spec = {"files": [{"path": name, "name": name}]}
    written = file_form({"path": f"out.{form}", "format": form.split(".")[0]})
    names: list[str] = []
    [source] = sources(place, spec)
    with (place / "staged").open("wb") as staged:
        for block in source.blocks(place):
            chunk = source.parse(block, kinds=kinds).chunk
            predictions = _predictions(chunk.rows)
            names = names or output_names(chunk, predictions)
            staged.write(written.encode(chunk, predictions, names=names, kinds=kinds or {}))
            if block.scratch:
                block.path.unlink()
    written.finish(place / "staged", place / "out", names=names)


def _by_hand(path: Path) -> None:
    reading = csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False)
    with csv.open_csv(path, reading) as reader, path.with_name("out").open("wb") as sink:
        writer = None
        for batch in reader:
            predictions = _predictions(batch.num_rows)
            proba = predictions["probability"]
            named = {"prediction": predictions["prediction"], "p0": proba[:, 0], "p1": proba[:, 1]}
            columns = [*batch.columns, *(pa.array(values) for values in named.values())]
            scored = pa.RecordBatch.from_arrays(columns, names=[*batch.schema.names, *named])
            writer = writer or csv.CSVWriter(sink, scored.schema)
            writer.write_batch(scored)
        if writer is not None:
            writer.close()


def _predictions(rows: int) -> _Predictions:
    proba = np.random.default_rng(1).random(rows)
    return {"prediction": (proba > 0.5).astype(int), "probability": np.stack([1 - proba, proba], axis=1)}


if __name__ == "__main__":
    main()
