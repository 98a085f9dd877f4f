"""The map of the data: every table by its noun. Migrations follow it; a test compares the two."""

from gristmill.store.schema.assets import (
    asset_revisions,
    assets,
    attachments,
    discarded_contents,
    exports,
    hardware_specifications,
    package_extensions,
    software_specifications,
)
from gristmill.store.schema.audit import audit_events, heartbeats
from gristmill.store.schema.base import metadata
from gristmill.store.schema.events import channels, deliveries, delivery_attempts, events, inbox
from gristmill.store.schema.identity import api_keys, lockouts, members, sessions, spaces, task_credentials, users
from gristmill.store.schema.queue import (
    claims,
    deployment_job_definitions,
    deployments,
    job_changes,
    jobs,
    lanes,
    run_contents,
    run_counts,
    run_history,
    runs,
    ticks,
    workers,
)

__all__ = [
    "api_keys",
    "asset_revisions",
    "assets",
    "attachments",
    "audit_events",
    "channels",
    "claims",
    "deliveries",
    "delivery_attempts",
    "deployment_job_definitions",
    "deployments",
    "discarded_contents",
    "events",
    "exports",
    "hardware_specifications",
    "heartbeats",
    "inbox",
    "job_changes",
    "jobs",
    "lanes",
    "lockouts",
    "members",
    "metadata",
    "package_extensions",
    "run_contents",
    "run_counts",
    "run_history",
    "runs",
    "sessions",
    "software_specifications",
    "spaces",
    "task_credentials",
    "ticks",
    "users",
    "workers",
]
