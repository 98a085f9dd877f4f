"""The description of the REST API that the console's types are made from is that of this very API."""

from __future__ import annotations

from pathlib import Path

from gristmill.api.openapi import document

COMMITTED = Path(__file__).parents[2] / "console/openapi.json"


def test_the_committed_description_is_the_present_one() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == document(), "run `make console-types`"
