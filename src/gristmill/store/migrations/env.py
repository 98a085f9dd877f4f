"""Alembic's entry: migrates over the connection that `store/migrate.py` opened."""

from __future__ import annotations

from alembic import context

from gristmill.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # The caller holds the transaction: all of an upgrade, or nothing of it.
    transactional_ddl=False,
    transaction_per_migration=False,
)
context.run_migrations()
