"""What a job's configuration refers to, looked at when it is stored: what is missing must not wait for a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain.errors import Invalid
from gristmill.domain.job import JobKind
from gristmill.domain.job_configuration import read_object, read_version
from gristmill.domain.job_parameters import PARAMETER_SETS, ParameterLayer, read_parameter_sets
from gristmill.service import hardware_specifications, references, run_parameters, run_specs
from gristmill.service.run_sources import RunSources
from gristmill.store.database import Connection


def check(
    connection: Connection, space_id: str, kind: JobKind, asset_id: str, configuration: Mapping[str, Any]
) -> None:
    """Refuse what is named and not there: hardware, parameter sets, assets, connections, a revision, an environment.

    Raises:
        Invalid: the member is named.

    """
    hardware = configuration.get("hardware_spec")
    if hardware:
        where = "configuration.hardware_spec"
        try:
            hardware_specifications.find(connection, space_id, hardware.get("id") or hardware.get("name"))
        except Invalid as error:
            raise Invalid(f"configuration.{error.message}", code=error.code, field=where) from error
    sources = RunSources(connection)
    sets = read_parameter_sets(configuration.get(PARAMETER_SETS))
    run_parameters.resolve(sources, space_id, [ParameterLayer(sets=sets)])
    scoring = read_object(configuration.get("scoring"), "configuration.scoring")
    references.check_stored(sources, space_id, scoring, where="configuration.scoring")
    if kind is JobKind.ASSET:
        _check_asset(sources, asset_id, configuration)


def _check_asset(sources: RunSources, asset_id: str, configuration: Mapping[str, Any]) -> None:
    """Refuse a revision that the asset does not have, and an environment that is not there or not for it."""
    revision = read_version(configuration.get("version"))
    asset = sources.asset(asset_id, revision or 0)
    if asset is None and revision:
        where = "configuration.version"
        raise Invalid(f"{where}: the asset has no revision {revision}.", code="revision_not_found", field=where)
    if asset is not None and configuration.get("env_id"):
        run_specs.environment_of(sources, asset, str(configuration["env_id"]))
