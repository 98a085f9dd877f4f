"""A table of PostgreSQL, and what it takes to score it into another one by hand with COPY."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import joblib
import psycopg
import pyarrow as pa
from pyarrow import csv

_COPY_BYTES = 2**20


def fill(url: str, file: Path, *, rows: int) -> None:
    """Make the table ``patients`` of a CSV file's first rows."""
    with file.open("rb") as lines, psycopg.connect(url) as connection:
        names = lines.readline().decode().strip().split(",")
        columns = [f"{name} {'bigint' if name == 'id' else 'text' if name == 'region' else 'float8'}" for name in names]
        connection.execute(f"CREATE TABLE patients ({', '.join(columns)})")
        with connection.cursor().copy("COPY patients FROM STDIN (FORMAT csv)") as copy:
            for _ in range(rows):
                copy.write(lines.readline())
        connection.commit()
        connection.execute("ANALYZE patients")


def by_hand(url: str, model_path: Path) -> float:
    """Copy out, predict and copy in; return the seconds."""
    model = joblib.load(model_path)
    begun = time.perf_counter()
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS scored_by_hand")
        connection.execute("CREATE TABLE scored_by_hand (LIKE patients)")
        connection.execute("ALTER TABLE scored_by_hand ADD prediction bigint, ADD p0 float8, ADD p1 float8")
        scored = _predicted(model, _copied_out(connection))
        with connection.cursor().copy("COPY scored_by_hand FROM STDIN (FORMAT csv)") as copy:
            text = _text(scored)
            for start in range(0, len(text), _COPY_BYTES):
                copy.write(text[start : start + _COPY_BYTES])
    return time.perf_counter() - begun


def _copied_out(connection: psycopg.Connection[Any]) -> Any:  # noqa: ANN401 - a pyarrow.Table
    text = pa.BufferOutputStream()
    with connection.cursor().copy("COPY patients TO STDOUT (FORMAT csv, HEADER)") as copy:
        for block in copy:
            text.write(block)
    return csv.read_csv(pa.BufferReader(text.getvalue()))


def _predicted(model: Any, table: Any) -> Any:  # noqa: ANN401 - pyarrow and scikit-learn are untyped
    probability = model.predict_proba(table.select(list(model.feature_names_in_)).to_pandas())
    table = table.append_column("prediction", pa.array(model.classes_[probability.argmax(axis=1)]))
    for position in range(probability.shape[1]):
        table = table.append_column(f"p{position}", pa.array(probability[:, position].copy()))
    return table


def _text(table: Any) -> memoryview:  # noqa: ANN401 - a pyarrow.Table
    text = pa.BufferOutputStream()
    csv.write_csv(table, text, csv.WriteOptions(include_header=False))
    return memoryview(text.getvalue())
