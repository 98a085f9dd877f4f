"""A process that works on one table, so that it can be killed or measured: see `test_tables_whole.py`."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from gristmill.data.connect import connect
from gristmill.data.places import Places
from gristmill.data.source import TableName, Tables
from gristmill.guard.address_guard import AddressGuard

BATCH_ROWS = 10_000
_HERE = AddressGuard(["127.0.0.0/8"], private=True)


def batches(rows: int) -> Iterator[Any]:
    """Yield rows that tell their number, in batches."""
    for start in range(0, rows, BATCH_ROWS):
        numbers = list(range(start, min(start + BATCH_ROWS, rows)))
        yield pa.record_batch(
            {"a": numbers, "label": [f"row {number}" for number in numbers], "x": [0.5] * len(numbers)}
        )


SCHEMA = pa.schema([("a", pa.int64()), ("label", pa.string()), ("x", pa.float64())])


def _hanging() -> Iterator[Any]:
    """Tell that rows are wanted, and never give any."""
    _tell("begun")
    sys.stdin.read()
    yield from ()


def main(order: dict[str, Any]) -> None:
    """Tell that it is open, what was done, and by how many bytes the process grew at most."""
    places = Places(folders=tuple(Path(folder) for folder in order["folders"]), guard=_HERE)
    table = TableName(table="t")
    with cast(Tables, connect(order["type"], order["properties"], places=places)) as source:
        source.test()
        before = _most_bytes()
        _tell("ready")
        if order["do"] == "hang":
            source.write(table, _hanging(), schema=SCHEMA, mode="append", publication=order["publication"])
        elif order["do"] == "write":
            written = source.write(
                table, batches(order["rows"]), schema=SCHEMA, mode=order["mode"], publication=order["publication"]
            )
            _tell(f"{written.rows} {written.before}")
        else:
            _tell(str(sum(batch.num_rows for batch in source.read(table))))
        _tell(str(_most_bytes() - before))


def _most_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
