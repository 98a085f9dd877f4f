"""A run that is deleted at the very moment at which it ends: one of the two sees the other, and the run is gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from gristmill.domain.run import RunEvent
from gristmill.service import claims, runs
from gristmill.store import runs as run_store
from gristmill.store.database import Connection, Database
from tests.engine.conftest import LEASE, Works
from tests.make import eventually


class HaltingDatabase(Database):
    """Has done all of a transaction but to commit it, and waits there."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.arrived, self.go_on = threading.Event(), threading.Event()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction that ends when it may."""
        with super().transaction() as connection:
            yield connection
            self.arrived.set()
            assert self.go_on.wait(20)


def somebody_waits(database: Database) -> bool:
    """Tell whether PostgreSQL lets somebody wait for a lock; on SQLite nobody gets as far as to see the run."""
    if database.dialect != "postgresql":
        return True
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    # Anew each time: within a transaction the view does not change.
    with database.snapshot() as connection:
        return bool(connection.exec_driver_sql(waiting).scalar())


def test_d12_a_run_that_is_deleted_while_its_end_is_being_committed_is_gone(works: Works) -> None:
    shop, context = works.shop, works.shop.context
    job = shop.submit(shop.deploy()).run
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    claims.started(context, assignment)
    runs.cancel(context, shop.actor, shop.space_id, job.deployment_job_id, delete=False)
    halting = HaltingDatabase(context.database.engine.url.render_as_string(hide_password=False))
    stopped = claims.Outcome(event=RunEvent.STOPPED)
    ending = threading.Thread(target=claims.finish, args=(replace(context, database=halting), assignment, stopped))
    ending.start()
    assert halting.arrived.wait(10)

    def delete() -> None:
        runs.cancel(context, shop.actor, shop.space_id, job.deployment_job_id, delete=True)

    deleting = threading.Thread(target=delete)
    deleting.start()
    eventually(lambda: somebody_waits(context.database), within=10)
    halting.go_on.set()
    for thread in (ending, deleting):
        thread.join(20)
    halting.close()
    with context.database.snapshot() as connection:
        assert run_store.get(connection, job.id) is None
