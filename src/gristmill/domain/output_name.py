"""Names of outputs with templates in them, such as ``scores-${run_id}.csv``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gristmill.domain.errors import Invalid
from gristmill.domain.run import Run

VARIABLES = (
    "job_id",
    "run_id",
    "platform_job_id",
    "space_id",
    "deployment_id",
    "name",
    "update_time",
    "attachment_name",
)
"""``job_id`` is the run's id in the ML API, as clients know it; ``update_time`` when the run was asked for, in UTC."""
_TEMPLATE = re.compile(r"\$\{([^{}]*)\}")
_UNFIT = re.compile(r"[^\w.\- ]")


def check(name: str, *, where: str) -> None:
    """Check that all templates of a name are known.

    Raises:
        Invalid: one is not; it is named.

    """
    for found in _TEMPLATE.findall(name):
        if found not in VARIABLES:
            known = ", ".join(f"${{{each}}}" for each in VARIABLES)
            raise Invalid(
                f"{where}: there is no template ${{{found}}}; there are {known}.", code="unknown_template", field=where
            )


def filled(name: str, run: Run, *, attachment_name: str) -> str:
    """Return the name with the run's values, cleaned of what a file name cannot hold.

    It is the same for every attempt at a run, so that what is written again takes the place of what was.
    """
    values: Mapping[str, object] = {
        "job_id": run.deployment_job_id,
        "run_id": run.id,
        "platform_job_id": run.job_id,
        "space_id": run.space_id,
        "deployment_id": run.deployment_id or "",
        "name": run.name,
        "update_time": f"{run.scheduled_for or run.created_at:%Y-%m-%dT%H%M%SZ}",
        "attachment_name": attachment_name,
    }
    return _TEMPLATE.sub(lambda found: _UNFIT.sub("_", str(values.get(found[1], found[0]))), name)
