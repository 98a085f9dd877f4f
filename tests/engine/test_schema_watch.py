from __future__ import annotations

import logging

import pytest
from sqlalchemy import text

from gristmill.engine.schema_watch import SchemaWatch
from gristmill.service import users
from gristmill.service.context import Context


def test_a_server_at_work_says_once_that_the_schema_is_newer(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    watch = SchemaWatch(context)
    with caplog.at_level(logging.WARNING):
        watch.step()
        assert caplog.messages == []
        with context.database.transaction() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        for _ in range(3):
            watch.step()
    assert caplog.messages == ["schema.newer"]
    # It goes on.
    assert users.bootstrap(context, None) is None
