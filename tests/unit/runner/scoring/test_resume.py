"""Attempts that take up what an earlier one committed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.runner.directories import Directory, rows
from tests.unit.runner.scoring.histories import FIELDS, stored_marked
from tests.unit.runner.scoring.marked import FINE, RAISES

from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import LEDGER, STAGED

NUMBERS = 60
NOTES = "open('scored', 'a').write(' '.join(map(str, rows['n'].tolist())) + ' ')\n        found = []"
Make = Callable[..., Directory]


@pytest.fixture(scope="module")
def noting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that notes what it has scored."""
    asset = stored_marked(tmp_path_factory.mktemp("noting") / "m")
    source = (asset / "marked.py").read_text()
    (asset / "marked.py").write_text(source.replace("found = []", NOTES))
    return asset


@pytest.fixture
def attempt(noting: Path, tmp_path: Path) -> Make:
    def make(number: int, *, bad: int | None = None, text: str | None = None) -> Directory:
        lines = [f"{n},{RAISES if n == bad else FINE}" for n in range(NUMBERS)]
        content = "\n".join(["n,act", *lines, ""]) if text is None else text
        directory = Directory(tmp_path / str(number), asset_path=str(noting), fields=FIELDS, block_bytes=80)
        return directory.with_file("in.csv", content).to_file("out.csv")

    return make


def half_done(make: Make) -> Directory:
    """Return a directory in which half of the rows are committed."""
    directory = make(1, bad=NUMBERS // 2)
    with pytest.raises(RunFailed):
        directory.run()
    return directory


def handed_on(before: Directory, after: Directory) -> Directory:
    shutil.copyfile(before.path / LEDGER, after.path / LEDGER)
    shutil.copytree(before.path / STAGED, after.path / STAGED)
    return after


def committed(directory: Directory) -> int:
    entries = map(json.loads, (directory.path / LEDGER).read_text().splitlines())
    return sum(entry.get("rows", 0) for entry in entries)


def noted(directory: Directory) -> set[float]:
    return {float(n) for n in (directory.path / "work/scored").read_text().split()}


def test_a5_rows_done_are_not_scored_again(attempt: Make) -> None:
    first = half_done(attempt)
    done = committed(first)
    assert 0 < done <= NUMBERS // 2
    second = handed_on(first, attempt(2, bad=None))
    shutil.copyfile(first.path / "inputs/in.csv", second.path / "inputs/in.csv")
    (second.path / "inputs/in.csv").write_text((first.path / "inputs/in.csv").read_text().replace(",1\n", ",0\n"))
    assert second.run()["rows"] == rows(NUMBERS, resumed=done)
    assert noted(second) == set(map(float, range(done, NUMBERS)))
    undisturbed = attempt(3)
    undisturbed.run()
    assert second.output("out.csv") == undisturbed.output("out.csv")


def test_a5_what_is_complete_is_only_finished(attempt: Make) -> None:
    first = attempt(1)
    first.run()
    second = handed_on(first, attempt(2))
    assert second.run()["rows"] == rows(NUMBERS, resumed=NUMBERS)
    assert not (second.path / "work/scored").exists()
    assert second.output("out.csv") == first.output("out.csv")


def test_a5_profile_counts_all_rows(attempt: Make) -> None:
    first = half_done(attempt)
    result = handed_on(first, attempt(2)).run()
    (profile,) = result["profile"]
    assert (profile["rows"], profile["minimum"], profile["maximum"]) == (NUMBERS, 0.0, 2.0 * (NUMBERS - 1))
    assert profile["mean"] == pytest.approx(NUMBERS - 1)


@pytest.mark.parametrize("damage", ["torn line", "changed byte", "lost bytes", "no staged files", "garbage"])
def test_a5_only_what_is_whole_is_taken_over(attempt: Make, damage: str) -> None:
    first = half_done(attempt)
    done = committed(first)
    second = handed_on(first, attempt(2))
    _spoil(second.path, damage)
    result = second.run()
    assert result["rows"]["read"] == result["rows"]["scored"] == NUMBERS
    assert result["rows"]["resumed"] < done
    lines = second.output("out.csv").splitlines()
    assert [line.split(",")[0] for line in lines] == ["n", *map(str, range(NUMBERS))]


def _spoil(directory: Path, damage: str) -> None:
    ledger, output = directory / LEDGER, directory / STAGED / "output"
    content = output.read_bytes()
    match damage:
        case "torn line":
            ledger.write_bytes(ledger.read_bytes()[:-5])
        case "changed byte":
            output.write_bytes(content.replace(b"\n9,", b"\n8,"))
        case "lost bytes":
            output.write_bytes(content[:-1])
        case "no staged files":
            shutil.rmtree(directory / STAGED)
        case "garbage":
            ledger.write_bytes(b"[1]\nnull\n" + ledger.read_bytes())


def test_a5_the_ledger_of_another_input_is_not_gone_on_with(attempt: Make) -> None:
    first = half_done(attempt)
    second = handed_on(first, attempt(2, text="n,act\n1,0\n2,0\n"))
    assert second.run()["rows"] == rows(2)
    assert len(second.output("out.csv").splitlines()) == 3


def test_a5_connected_data_that_changed_in_between_is_scored_as_a_whole(attempt: Make) -> None:
    """It has a digest, so that it need not have another size: no row is lost, and none is there twice."""
    first = attempt(1, bad=NUMBERS // 2)
    first.spec["files"][0]["digest"] = "before"
    with pytest.raises(RunFailed):
        first.run()
    assert committed(first)
    swapped = "n,act\n" + "".join(f"{n},{FINE}\n" for n in reversed(range(NUMBERS)))
    second = handed_on(first, attempt(2, text=swapped))
    second.spec["files"][0]["digest"] = "after"
    assert second.run()["rows"] == rows(NUMBERS)
    lines = second.output("out.csv").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [str(n) for n in reversed(range(NUMBERS))]
