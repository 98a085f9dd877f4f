"""Shares of one input that are scored apart come together as if one process had scored it all."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runner.directories import Directory, rows
from tests.unit.runner.scoring.histories import FIELDS, stored_marked
from tests.unit.runner.scoring.marked import CRASHES, FINE, RAISES

from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import LEDGER, STAGED, read_result
from gristmill_runner.scoring.share import Share

NUMBERS = 200
BAD = {0: RAISES, 77: CRASHES, 130: RAISES, 199: RAISES}
Make = Callable[..., Directory]


@pytest.fixture(scope="module")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored_marked(tmp_path_factory.mktemp("shares") / "m")


@pytest.fixture
def make(asset: Path, tmp_path: Path) -> Make:
    def made(name: str, *, bad: dict[int, int] = BAD, packed: bool = False, **spec: Any) -> Directory:
        lines = [f"{n},{bad.get(n, FINE)}" for n in range(NUMBERS)]
        content = "\n".join(["n,act", *lines, ""]).encode()
        options = {"fields": FIELDS, "block_bytes": 80, "error_threshold": {"rows": 10}, **spec}
        directory = Directory(tmp_path / name, asset_path=str(asset), **options)
        if packed:
            return directory.with_file("in.csv.gz", gzip.compress(content)).to_file("out.csv")
        return directory.with_file("in.csv", content).to_file("out.csv")

    return made


def entries(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (place / LEDGER).read_text().splitlines()]


def scored_apart(make: Make, of: int, **options: Any) -> list[Directory]:
    """Return directories of shares, each scored; what the first shows goes to the others."""
    first = make("share-0", share={"number": 0, "of": of}, **options)
    first.run()
    header, *chunks = entries(first.path)
    begin, told = next((at, each["kinds"]) for at, each in enumerate(chunks, start=1) if "kinds" in each)
    found = [first]
    for number in range(1, of):
        share = {"number": number, "of": of, "begin": begin, "names": header["names"], "kinds": told}
        found.append(make(f"share-{number}", share=share, **options))
        found[-1].run()
    return found


def joined(make: Make, shares: list[Directory], **options: Any) -> Directory:
    return make("joined", shares=[str(share.path) for share in shares], **options)


def same(one: Directory, other: Directory) -> None:
    assert one.output("out.csv") == other.output("out.csv")
    for kept in ("results/rejected_rows.csv", f"{STAGED}/rejected.jsonl", f"{STAGED}/output"):
        assert (one.path / kept).read_bytes() == (other.path / kept).read_bytes()
    told = [{**(read_result(each.path) or {}), "rows": None} for each in (one, other)]
    assert told[0] == told[1]
    assert [each.get("mark") for each in entries(one.path)] == [each.get("mark") for each in entries(other.path)]


@pytest.mark.parametrize("of", [2, 3])
@pytest.mark.parametrize("packed", [False, True])
def test_shares_make_the_same_run(make: Make, of: int, packed: bool) -> None:
    whole = make("whole", packed=packed)
    assert whole.run()["rows"] == rows(NUMBERS, rejected=len(BAD))
    shares = scored_apart(make, of, packed=packed)
    sizes = [len(entries(share.path)) for share in shares]
    assert max(sizes) - min(sizes) <= 3
    together = joined(make, shares, packed=packed)
    assert together.run()["rows"] == rows(NUMBERS, rejected=len(BAD))
    same(together, whole)


def test_what_a_share_did_not_do_is_done_behind_the_gap(make: Make) -> None:
    whole = make("whole")
    whole.run()
    shares = scored_apart(make, 2)
    ledger = shares[1].path / LEDGER
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:5]))
    together = joined(make, shares)
    assert together.run()["rows"] == rows(NUMBERS, rejected=len(BAD))
    same(together, whole)


def test_bytes_that_are_not_those_of_the_ledger_are_not_taken(make: Make) -> None:
    whole = make("whole")
    whole.run()
    shares = scored_apart(make, 2)
    output = shares[1].path / STAGED / "output"
    content = bytearray(output.read_bytes())
    content[len(content) // 2] ^= 1
    output.write_bytes(content)
    together = joined(make, shares)
    together.run()
    same(together, whole)


def test_shares_of_another_cut_are_not_mixed(make: Make) -> None:
    whole = make("whole")
    whole.run()
    shares = scored_apart(make, 2)
    shutil.copyfile(shares[0].path / LEDGER, shares[1].path / LEDGER)
    shutil.copytree(shares[0].path / STAGED, shares[1].path / STAGED, dirs_exist_ok=True)
    together = joined(make, shares)
    together.run()
    same(together, whole)


def untimed(directory: Path) -> list[dict[str, Any]]:
    """Return a ledger's lines without when they were written."""
    lines = (json.loads(line) for line in (directory / LEDGER).read_text().splitlines())
    return [{name: value for name, value in line.items() if name != "at"} for line in lines]


def test_a_share_goes_on_behind_what_it_had_committed(make: Make) -> None:
    whole = make("whole")
    whole.run()
    shares = scored_apart(make, 2)
    for number, share in enumerate(shares):
        before, ledger = untimed(share.path), share.path / LEDGER
        ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[: 3 + number]))
        share.run()
        assert untimed(share.path) == before
    together = joined(make, shares)
    together.run()
    same(together, whole)


def test_threshold_holds_for_all_shares_together(make: Make) -> None:
    bad = dict.fromkeys(range(2, NUMBERS, 20), RAISES)
    shares = scored_apart(make, 2, bad=bad, error_threshold={"rows": 7})
    with pytest.raises(RunFailed, match=r"row 3 .*10 rows were rejected"):
        joined(make, shares, bad=bad, error_threshold={"rows": 7}).run()


def test_unfinished_run_is_what_was_done(make: Make) -> None:
    shares = scored_apart(make, 2)
    together = joined(make, shares[:1], unfinished=True)
    result = together.run()
    done = sum(entry.get("rows", 0) for entry in entries(together.path))
    assert 0 < done < NUMBERS
    assert (result["outcome"], result["rows"]["read"] - result["rows"]["not_attempted"]) == ("canceled", done)


@pytest.mark.parametrize("begin", [1, 4])
@pytest.mark.parametrize("of", [1, 2, 5])
def test_every_chunk_is_one_shares(begin: int, of: int) -> None:
    shares = [Share(number, of, begin) for number in range(of)]
    for share in shares:
        own = [chunk for chunk in range(50) if share.has(chunk)]
        assert [share.index(chunk) for chunk in own] == list(range(len(own)))
        assert [share.behind(done) for done in range(1, len(own))] == [chunk + 1 for chunk in own[:-1]]
    assert all(sum(share.has(chunk) for share in shares) == 1 for chunk in range(50))
