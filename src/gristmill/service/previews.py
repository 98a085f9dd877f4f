"""Previews: the first rows of an input, run in the real environment, and published nowhere."""

from __future__ import annotations

from dataclasses import replace

from gristmill.domain.asset import AssetType
from gristmill.domain.errors import Conflict
from gristmill.domain.preview import RETENTION_DAYS
from gristmill.domain.run import Run
from gristmill.domain.run_spec import RunSpec
from gristmill.domain.user import Actor
from gristmill.service import deployment_jobs, deployments
from gristmill.service.context import Context
from gristmill.service.deployment_jobs import NewDeploymentJob


def submit(context: Context, actor: Actor, new: NewDeploymentJob, *, row_limit: int) -> tuple[Run, RunSpec]:
    """Queue a run of a deployed model that looks at the first rows only.

    Its output stays with the run, whatever the output reference says, and it goes after a day. It belongs to the
    deployment's own job, which notifies nobody.

    Raises:
        Conflict: what is deployed is no model: other code does not tell which of its input are the first rows.

    """
    deployment = deployments.get(context, actor, new.space_id, new.deployment_id)
    if deployment.asset_type != AssetType.MODEL:
        raise Conflict(
            f"{deployment.name} deploys a {deployment.asset_type}; only models can be previewed. Submit a job with "
            "a small input instead.",
            code="not_previewable",
        )
    wanted = replace(new, output_reference=None, row_limit=row_limit, retention_days=RETENTION_DAYS)
    return deployment_jobs.submit(context, actor, wanted)
