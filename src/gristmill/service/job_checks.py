"""What would be refused of a job, told before it is made: for forms that ask step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain.asset import AssetType
from gristmill.domain.deployment import Deployment
from gristmill.domain.errors import Invalid
from gristmill.domain.job import DEPLOYMENT_REF, JobKind
from gristmill.domain.model_schema import Checker, fields_of
from gristmill.domain.retention import read_retention
from gristmill.domain.serving_name import read_serving_name
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import job_references, notifications
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.service.deployments import visible as visible_deployment
from gristmill.service.jobs import NewJob, first_tick, target_of, without_secrets
from gristmill.store import assets
from gristmill.store.database import Connection


def check(context: Context, actor: Actor, new: NewJob) -> None:
    """Refuse what creating the job would refuse, and make nothing. A job of a deployment needs no definition yet.

    Raises:
        Invalid: as `jobs.create`, and rows of ``configuration.scoring`` that do not fit the deployed model's schema.

    """
    configuration, _secrets = without_secrets(new.configuration)
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, new.space_id, Permission.EDIT)
        if new.asset_ref_type == DEPLOYMENT_REF and "deployment_job_definition_id" not in configuration:
            deployment = visible_deployment(connection, actor, space.id, new.asset_ref or "", Permission.EDIT)
            kind, asset_ref = JobKind.DEPLOYMENT, deployment.id
            _check_rows(connection, deployment, configuration.get("scoring") or {})
        else:
            target = target_of(connection, actor, new, space.id, "")
            kind, asset_ref = target["kind"], target["asset_ref"]
        job_references.check(connection, space.id, kind, asset_ref, configuration)
        notifications.checked(context, connection, space.id, new.notification)
    read_serving_name(new.serving_name)
    read_retention(new.retention)
    if new.schedule is not None:
        first_tick(new.schedule, context.now())


def _check_rows(connection: Connection, deployment: Deployment, scoring: Mapping[str, Any]) -> None:
    asset = assets.get(connection, deployment.asset_id, revision=deployment.asset_revision or 0)
    fields = fields_of(asset.entity) if asset is not None and asset.type == AssetType.MODEL else None
    for number, table in enumerate(scoring.get("input_data") or []):
        where = f"scoring.input_data[{number}]"
        rows = table.get("values")
        if not isinstance(rows, list) or not rows:
            raise Invalid(f"{where}.values: an array of rows is missing.", field=f"{where}.values")
        if fields is not None:
            Checker(fields, table.get("fields"), where=where).rows(1, rows)
