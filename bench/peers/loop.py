"""Scoring by hand: Arrow's reader overlapped with predict and Arrow's writer, each process a half of the file.

    python -m bench.peers.loop MODEL.joblib IN.csv OUT.csv [--processes 2]

Prints the seconds from the first byte read to the last one written; libraries and model are loaded before that. No
ledger, no bad rows, no columns but the file's own and the predictions: what the machine can do at most.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
from pyarrow import csv

BLOCK_BYTES = 2**20
_AHEAD = 3


def main() -> None:
    """Score, and print how long it took."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("source", type=Path)
    arguments.add_argument("target", type=Path)
    arguments.add_argument("--processes", type=int, default=2)
    options = arguments.parse_args()
    begin = multiprocessing.Barrier(options.processes + 1)
    parts = [options.target.with_suffix(f".{number}") for number in range(options.processes)]
    cuts = list(_cuts(options.source, options.processes))
    work = [
        multiprocessing.Process(target=_score, args=(options.model, options.source, cut, part, begin))
        for cut, part in zip(cuts, parts, strict=True)
    ]
    for process in work:
        process.start()
    begin.wait()
    started = time.perf_counter()
    for process in work:
        process.join()
        assert process.exitcode == 0
    _joined(parts, options.target)
    print(time.perf_counter() - started)


def _cuts(path: Path, number: int) -> Iterator[tuple[int, int]]:
    """Cut the file behind its header into ranges that end with a row."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.readline()
        first = start = file.tell()
        for part in range(1, number + 1):
            file.seek(first + (size - first) * part // number)
            file.readline()
            stop = file.tell()
            yield start, stop
            start = stop


def _score(model_path: Path, source: Path, cut: tuple[int, int], part: Path, begin: Barrier) -> None:
    model = joblib.load(model_path)
    names = list(model.feature_names_in_)
    with source.open("rb") as file:
        header = file.readline().decode().strip().split(",")
    read: queue.Queue[Any] = queue.Queue(_AHEAD)
    scored: queue.Queue[Any] = queue.Queue(_AHEAD)
    begin.wait()
    threads = [
        threading.Thread(target=_read, args=(source, cut, header, read), daemon=True),
        threading.Thread(target=_write, args=(part, scored), daemon=True),
    ]
    for thread in threads:
        thread.start()
    while (batch := read.get()) is not None:
        scored.put(_predicted(model, names, batch))
    scored.put(None)
    for thread in threads:
        thread.join()


def _predicted(model: Any, names: list[str], batch: Any) -> Any:  # noqa: ANN401 - pyarrow and scikit-learn are untyped
    import pandas as pd

    frame = pd.DataFrame({name: batch.column(name).to_numpy() for name in names}, copy=False)
    probability = model.predict_proba(frame)
    columns = [*batch.columns, pa.array(model.classes_[probability.argmax(axis=1)])]
    columns += [pa.array(np.ascontiguousarray(probability[:, position])) for position in range(probability.shape[1])]
    places = [f"probability_{position}" for position in range(probability.shape[1])]
    return pa.record_batch(columns, names=[*batch.schema.names, "prediction", *places])


def _read(source: Path, cut: tuple[int, int], header: list[str], read: queue.Queue[Any]) -> None:
    with source.open("rb") as file:
        section = pa.PythonFile(_Section(file, *cut), mode="r")
        options = csv.ReadOptions(column_names=header, block_size=BLOCK_BYTES)
        with csv.open_csv(section, read_options=options) as reader:
            for batch in reader:
                read.put(batch)
    read.put(None)


class _Section:
    """A file's bytes from ``start`` up to ``stop``, as Arrow reads them."""

    closed = False

    def __init__(self, file: Any, start: int, stop: int) -> None:  # noqa: ANN401 - a binary file
        self._file, self._left = file, stop - start
        file.seek(start)

    def read(self, size: int) -> bytes:
        found: bytes = self._file.read(min(size, self._left))
        self._left -= len(found)
        return found

    def close(self) -> None:
        self.closed = True


def _write(part: Path, scored: queue.Queue[Any]) -> None:
    writer = None
    with part.open("wb") as file:
        while (batch := scored.get()) is not None:
            if writer is None:
                options = csv.WriteOptions(include_header=part.suffix == ".0")
                writer = csv.CSVWriter(file, batch.schema, write_options=options)
            writer.write(batch)
        if writer is not None:
            writer.close()


def _joined(parts: list[Path], target: Path) -> None:
    with target.open("wb") as file:
        for part in parts:
            with part.open("rb") as piece:
                while os.copy_file_range(piece.fileno(), file.fileno(), 2**30):
                    pass
            part.unlink()


if __name__ == "__main__":
    main()
