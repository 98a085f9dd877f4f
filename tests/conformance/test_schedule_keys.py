"""Schedules that were set before schedules had keys get theirs with the migration."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text
from tests.postgres import Postgres

from gristmill.domain.schedule_key import breakage
from gristmill.store import schedule_keys
from gristmill.store.database import Database
from gristmill.store.migrate import _config, migrate

_AT = "'2026-11-22 09:00:00.000000'"
_BEFORE = (
    "INSERT INTO users (id, name, display_name, administrator, disabled, created_at) "
    f"VALUES ('ann', 'ann', 'Ann', false, false, {_AT})",
    "INSERT INTO spaces "
    "(id, name, description, type, tags, stage, compute, state, creator_id, created_at, modified_at) "
    f"VALUES ('s', 's', '', 'cpd', '[]', '{{}}', '[]', 'active', 'ann', {_AT}, {_AT})",
    "INSERT INTO lanes (id, space_id, max_running) VALUES ('l', 's', 2)",
)
_JOB = (
    "INSERT INTO jobs (id, space_id, name, description, kind, lane_id, asset_ref, asset_ref_type, configuration, "
    "notification, schedule, scheduler_id, paused, decided_until, next_tick_at, version, owner_id, created_at, "
    "modified_at) VALUES (:id, 's', :name, '', 'asset', 'l', 'a', 'script', '{}', '{}', '{\"cron\": \"0 * * * *\"}', "
    f":user, false, {_AT}, {_AT}, 0, 'ann', {_AT}, {_AT})"
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_schedule_from_before_has_a_key_of_whoever_set_it(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'new.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_empty_database()
    database = Database(url)
    with database.transaction() as connection:
        command.upgrade(_config(connection), "0001")
        for statement in _BEFORE:
            connection.execute(text(statement))
        people = [("nightly", "ann"), ("of nobody", "gone"), ("by hand", None)]
        connection.execute(text(_JOB), [{"id": name, "name": name, "user": user} for name, user in people])
    migrate(database)
    with database.snapshot() as connection:
        found = {one.job_id: one for one in schedule_keys.of_jobs(connection, ["nightly", "of nobody", "by hand"])}
        keys = connection.execute(text("SELECT name, user_id, hint FROM api_keys")).all()
    database.close()
    assert [tuple(key) for key in keys] == [("Schedule of nightly", "ann", "")]
    assert (found["nightly"].key_found, found["nightly"].key_revoked) == (True, False)
    why = breakage(found["of nobody"])
    assert why
    assert why.code == "user_gone"
