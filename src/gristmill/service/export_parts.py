"""Gathers what an export of a whole space has beside its assets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from gristmill.domain import export_parts
from gristmill.domain.export_parts import Parts
from gristmill.domain.job import Job, JobKind
from gristmill.domain.page import MAX_LIMIT, Page
from gristmill.domain.specification import PackageExtension, SoftwareSpecification
from gristmill.service import jobs as job_service
from gristmill.service import software_specifications
from gristmill.service.context import Context
from gristmill.service.secrets import SecretUnreadable
from gristmill.store import channels, deployment_job_definitions, deployments, hardware_specifications, jobs
from gristmill.store import package_extensions as extensions
from gristmill.store import software_specifications as software_store
from gristmill.store.database import Connection

T = TypeVar("T")


def gather(context: Context, connection: Connection, space_id: str) -> tuple[Parts, list[PackageExtension]]:
    """Return the parts of a space, and the package extensions whose files belong to them.

    Default jobs are left out: they come with their deployments.
    """
    files = [found for found in _all(extensions.page, connection, space_id, name=None) if found.complete]
    software = list(_all(software_store.page, connection, space_id, name=None))
    hardware = _all(hardware_specifications.page, connection, space_id, name=None)
    listed = _all(jobs.page, connection, space_id, filters={})
    sections = {
        "package_extensions": [export_parts.of_extension(found) for found in files],
        "software_specifications": [_of_software(connection, space_id, found) for found in software],
        "hardware_specifications": [export_parts.of_hardware(found) for found in hardware],
        "channels": [export_parts.of_channel(found) for found in _all(channels.page, connection, space_id)],
        "deployments": [export_parts.of_deployment(found) for found in _all(deployments.page, connection, space_id)],
        "definitions": [
            export_parts.of_definition(found) for found in _all(deployment_job_definitions.page, connection, space_id)
        ],
        "jobs": [
            export_parts.of_job(job, secret_names=_secret_names(context, job))
            for job in listed
            if job.kind is not JobKind.DEFAULT
        ],
    }
    return Parts(space_id=space_id, sections=sections), files


def _all(page: Callable[..., Page[T]], connection: Connection, space_id: str, **filters: Any) -> Iterator[T]:  # noqa: ANN401
    start = None
    while True:
        found = page(connection, space_id, limit=MAX_LIMIT, start=start, **filters)
        yield from found.items
        start = found.next
        if start is None:
            return


def _of_software(connection: Connection, space_id: str, found: SoftwareSpecification) -> dict[str, Any]:
    chain = software_specifications.lineage(connection, space_id, found)
    return export_parts.of_software(found, base_name=chain[1].name if len(chain) > 1 else "")


def _secret_names(context: Context, job: Job) -> list[str]:
    try:
        return list(job_service.secret_variables(context, job))
    except SecretUnreadable:
        return []
