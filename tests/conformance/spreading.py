"""Runs of a model over several nodes, for the tests of launchers."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import joblib
from tests.conformance import paced
from tests.conformance.functions import result_of
from tests.unit.runner.directories import Directory

from gristmill_runner.protocol import LEDGER, Result

NUMBERS = 800
FIELDS = [{"name": "n", "type": "double"}, {"name": "act", "type": "integer"}]
_BLOCK_BYTES = 140  # some twenty rows


LOST = "Another one goes on with its share."


def spread_run(place: Path, *, bad: int | None = None, held: bool = False) -> Path:
    """Make a run of the model over all numbers, of which one may be bad; ready to launch.

    One that is ``held`` is in the middle of every share until it is let ``go``.
    """
    asset = place.parent / "model"
    if not asset.exists():
        _store(asset)
    if held:
        (asset / paced.HELD.name).touch()
    lines = [f"{n},{int(n == bad)}" for n in range(NUMBERS)]
    directory = Directory(place, asset_path=str(asset), fields=FIELDS, block_bytes=_BLOCK_BYTES, scorers=1)
    return directory.with_file("in.csv", "\n".join(["n,act", *lines, ""])).to_file("out.csv").saved()


def go(place: Path) -> None:
    """Let a run that is held go on to its end."""
    (place.parent / "model" / paced.HELD.name).unlink()


def told_of_loss(place: Path) -> bool:
    """Tell whether the log says that a node was lost, and what becomes of its share."""
    return LOST in (place / "run.log").read_text()


def scored(place: Path) -> list[tuple[int, int, int, int]]:
    """Return what the log tells of blocks: node, rows, process and its parent."""
    log = place / "run.log"
    told = log.read_text() if log.exists() else ""
    found = re.findall(r"^\[node (\d+)\] scored (\d+) (\d+) (\d+)$", told, re.MULTILINE)
    return [(int(node), int(rows), int(pid), int(parent)) for node, rows, pid, parent in found]


def check_complete(place: Path) -> None:
    """See to it that every row has its prediction, in the order of the input, and that the ledger adds up."""
    result = result_of(place)
    assert result["outcome"] == "completed", result
    expected = "".join(f"{n},0,{2 * n}.0\n" for n in range(NUMBERS))
    assert (place / "outputs/out.csv").read_text() == f"n,act,prediction\n{expected}"
    assert counted(result) == (NUMBERS, NUMBERS, 0, 0)
    entries = [json.loads(line) for line in (place / LEDGER).read_text().splitlines()][1:]
    assert [entry["chunk"] for entry in entries] == list(range(len(entries)))
    assert sum(entry["rows"] for entry in entries) == NUMBERS


def counted(result: Result) -> tuple[int, int, int, int]:
    """Return the numbers of rows in a result."""
    rows = result["rows"]
    return rows["read"], rows["scored"], rows["rejected"], rows["not_attempted"]


def _store(asset: Path) -> None:
    asset.mkdir(parents=True)
    shutil.copyfile(paced.__file__, asset / "paced.py")
    module, paced.Paced.__module__ = paced.Paced.__module__, "paced"
    sys.modules["paced"] = paced
    try:
        joblib.dump(paced.Paced(), asset / "model.pkl")
    finally:
        paced.Paced.__module__ = module
        del sys.modules["paced"]
