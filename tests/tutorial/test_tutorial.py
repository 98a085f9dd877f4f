"""The tutorial works as it stands there, page after page, on one server."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.server import running
from tests.tutorial.reader import Reader


def test_the_tutorial_works_from_its_first_page_to_its_last(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        reader = Reader(server, tmp_path)
        assert "'drugC'" in reader.follow("first-job")
        told = reader.follow("bad-rows")
        assert "it ended with" in told
        assert "column 'AGE'" in told
        assert "3 scored, 1 rejected" in told
        told = reader.follow("schedule")
        assert "07:30" in told
        assert "it ended with" in told
        assert "morning drugs: failed" in told
    drugs = (tmp_path / "drugs.csv").read_text(encoding="utf-8")
    assert "ann,47" in drugs
    assert "cleo" not in drugs
