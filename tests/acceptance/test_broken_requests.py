"""A request at which Gristmill itself fails is answered, and so is the next one of the same client."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.acceptance.rest import Rest
from tests.acceptance.server import running

from gristmill.settings import DATABASE_FILE

pytestmark = pytest.mark.not_on_cluster("it breaks the file of its own SQLite")


def test_a_client_that_was_answered_500_asks_again_on_no_connection_that_is_being_closed(tmp_path: Path) -> None:
    with running(tmp_path / "data", "serve") as server, Rest(server) as rest:
        with closing(sqlite3.connect(tmp_path / "data" / DATABASE_FILE)) as database:
            database.execute("ALTER TABLE spaces RENAME TO gone")
        answers = [rest.http.get("/v2/spaces") for _ in range(50)]
        assert {answer.status_code for answer in answers} == {500}
        assert {answer.headers["connection"] for answer in answers} == {"close"}
        assert all(answer.json()["errors"][0]["code"] == "internal_error" for answer in answers)
        assert all(answer.headers["x-request-id"] == answer.json()["trace"] for answer in answers)
        # What refuses, but is not broken, keeps its connection.
        assert "connection" not in rest.http.get("/v2/no_such_route").headers
