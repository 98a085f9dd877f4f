"""Histories: a model and data with bad rows, attempts that are killed somewhere, and what must be true in the end."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
from hypothesis import strategies as st
from tests.unit.runner.directories import Directory
from tests.unit.runner.scoring import marked
from tests.unit.runner.scoring.marked import ABORTS, CRASHES, EXITS, FINE, RAISES, Marked

from gristmill_runner.protocol import LEDGER, STAGED, Result, read_result

FIELDS = [{"name": "n", "type": "double"}, {"name": "act", "type": "integer"}]
_HERE = Path(__file__).parents[4]
_WRONG = "no number"

Cell = str
Row = tuple[Cell, Cell]


@dataclass(frozen=True)
class Kill:
    """Whom to kill after so many lines."""

    victim: str
    line: int


@dataclass(frozen=True)
class History:
    """Rows as they stand in the file, how they are cut and scored, and the attempts that are killed."""

    rows: list[Row]
    block_bytes: int
    scorers: int
    inline: bool
    kills: list[Kill]

    def is_good(self, row: Row) -> bool:
        """Tell whether the model scores a row."""
        return row[0] not in (_WRONG, "") and row[1] == str(FINE)


_FINE_ROW = st.integers(0, 999).map(lambda n: (str(n), str(FINE)))
_BAD_ROW = st.one_of(
    st.sampled_from([(_WRONG, "0"), ("", "0"), ("1", _WRONG)]),
    st.sampled_from([RAISES, RAISES, CRASHES, EXITS, ABORTS]).map(lambda act: ("7", str(act))),
)
# Most of them late enough that something is committed by then; a scorer has fewer lines of its own for each block.
_KILL = st.one_of(
    st.builds(Kill, st.just("coordinator"), st.sampled_from(range(400, 3000, 7))),
    st.builds(Kill, st.just("coordinator"), st.integers(1, 400)),
    st.builds(Kill, st.just("scorer"), st.sampled_from(range(1, 1500, 7))),
)


@st.composite
def histories(draw: st.DrawFn, *, most_rows: int = 120) -> History:
    """Generate a history; the first row is good, so that it is not the model that fails."""
    rows = draw(st.lists(_FINE_ROW, min_size=most_rows // 2, max_size=most_rows))
    for bad in draw(st.lists(_BAD_ROW, max_size=4)):
        rows.insert(draw(st.integers(1, len(rows))), bad)
    return History(
        rows=rows,
        block_bytes=draw(st.sampled_from([40, 200, 1000])),
        scorers=draw(st.integers(1, 2)),
        inline=draw(st.booleans()),
        kills=draw(st.lists(_KILL, max_size=3)),
    )


class Attempts:
    """The process that attempts are forked from."""

    def __init__(self) -> None:
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{_HERE / 'src'}:{_HERE}",
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.runner.scoring.attempts_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=variables,
        )

    def run(self, directory: Path, kill: Kill | None = None) -> Result | None:
        """Run a directory; None where it left no result."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"directory": str(directory), "victim": kill and kill.victim, "line": kill and kill.line}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline()
        return read_result(directory)

    def close(self) -> None:
        """End it."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()


def stored_marked(directory: Path) -> Path:
    """Store the model with its source beside it."""
    directory.mkdir(parents=True)
    shutil.copyfile(marked.__file__, directory / "marked.py")
    module, Marked.__module__ = Marked.__module__, "marked"
    sys.modules["marked"] = marked
    try:
        joblib.dump(Marked(), directory / "model.pkl")
    finally:
        Marked.__module__ = module
        del sys.modules["marked"]
    return directory


def follow(history: History, place: Path, *, model: Path, attempts: Attempts) -> tuple[int, int]:
    """Let a history happen and see to it that all is as if nothing had; return the attempts and the rows resumed."""
    done, result, number = 0, None, 0
    for kill in [*history.kills, None]:
        directory = _laid_out(history, place / str(number), model)
        if number:
            _hand_on(place / str(number - 1), directory.path)
        result = attempts.run(directory.path, kill)
        if result is not None and result["outcome"] == "completed":
            break
        assert kill is not None, result
        assert result is None or result["cause"]["code"] in ("killed", "process_exited"), result
        after = _rows_in_ledger(directory.path)
        assert after >= done
        done, number = after, number + 1
    assert result is not None
    _check(history, directory, result, resumed=done)
    return number + 1, done


def _laid_out(history: History, path: Path, model: Path) -> Directory:
    directory = Directory(
        path,
        asset_path=str(model),
        fields=FIELDS,
        block_bytes=history.block_bytes,
        scorers=history.scorers,
        error_threshold={"rows": len(history.rows)},
    )
    if history.inline:
        directory.with_rows([[_value(cell) for cell in row] for row in history.rows], ["n", "act"])
    else:
        text = "".join(",".join(row) + "\n" for row in [("n", "act"), *history.rows])
        directory.with_file("in.csv", text).to_file("out.csv")
    directory.saved()
    return directory


def _value(cell: Cell) -> Any:
    return None if cell == "" else int(cell) if cell.isdigit() else cell


def _hand_on(before: Path, after: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(before / LEDGER, after / LEDGER)
        shutil.copytree(before / STAGED, after / STAGED)


def _ledger(directory: Path) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(FileNotFoundError):
        for line in (directory / LEDGER).read_text().splitlines():
            with contextlib.suppress(ValueError):
                yield json.loads(line)


def _rows_in_ledger(directory: Path) -> int:
    return sum(entry.get("rows", 0) for entry in _ledger(directory))


def _check(history: History, directory: Directory, result: Result, *, resumed: int) -> None:
    good = [row for row in history.rows if history.is_good(row)]
    bad = [number for number, row in enumerate(history.rows, start=1) if not history.is_good(row)]
    counts = result["rows"]
    assert counts == {
        "read": len(history.rows),
        "scored": len(good),
        "rejected": len(bad),
        "not_attempted": 0,
        "resumed": resumed,
    }
    entries = [entry for entry in _ledger(directory.path) if "ledger" not in entry]
    assert [sum(entry[name] for entry in entries) for name in ("rows", "scored", "rejected")] == [
        len(history.rows),
        len(good),
        len(bad),
    ]
    if history.inline:
        expected = [[2.0 * int(row[0])] if history.is_good(row) else [None] for row in history.rows]
        assert directory.predictions() == expected
    else:
        lines = list(csv.reader(io.StringIO(directory.output("out.csv"))))
        assert lines == [["n", "act", "prediction"], *([*row, str(2.0 * int(row[0]))] for row in good)]
    assert [row["rejected_row"] for row in quarantined(directory)] == bad
    assert [_cells(row) for row in quarantined(directory)] == [history.rows[number - 1] for number in bad]


def _cells(row: dict[str, Any]) -> Row:
    n, act = ("" if row[name] is None else str(row[name]) for name in ("n", "act"))
    return n, act


def quarantined(directory: Directory) -> list[dict[str, Any]]:
    """Return the rows of the quarantine file."""
    results = directory.path / "results"
    if (results / "rejected_rows.jsonl").exists():
        return [json.loads(line) for line in (results / "rejected_rows.jsonl").read_text().splitlines()]
    if not (results / "rejected_rows.csv").exists():
        return []
    with (results / "rejected_rows.csv").open(newline="") as file:
        return [{**row, "rejected_row": int(row["rejected_row"])} for row in csv.DictReader(file)]
