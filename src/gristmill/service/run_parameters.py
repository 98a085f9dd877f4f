"""Parameters of a run, resolved when it is frozen: from then on a changed parameter set changes nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gristmill.domain.asset import Asset, AssetType
from gristmill.domain.errors import Invalid
from gristmill.domain.job_parameters import ParameterLayer, ParameterSetReference, text_of, values_of
from gristmill.service.run_sources import RunSources
from gristmill.store import assets


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParameters:
    """What a run gets: environment variables, the values as they were given, and the sets that some came from."""

    variables: Mapping[str, str]
    values: Mapping[str, Any]
    sets: Sequence[Mapping[str, Any]]


def resolve(sources: RunSources, space_id: str, layers: Sequence[ParameterLayer]) -> RunParameters:
    """Return the parameters of the layers, of which a later one wins.

    Raises:
        Invalid: a parameter set or a value set is unknown, or a name of it cannot be that of a variable.

    """
    variables: dict[str, str] = {}
    values: dict[str, Any] = {}
    sets: list[Mapping[str, Any]] = []
    for layer in layers:
        found = [_values_of_set(sources, space_id, reference) for reference in layer.sets]
        given = {name: value for one in found for name, value in one["values"].items()} | dict(layer.values)
        values |= given
        variables |= {name: text_of(value) for name, value in given.items()} | dict(layer.variables)
        sets += found
    return RunParameters(variables=variables, values=values, sets=tuple(sets))


def _values_of_set(sources: RunSources, space_id: str, reference: ParameterSetReference) -> dict[str, Any]:
    asset = find(sources, space_id, reference)
    described = asset.entity["parameter_set"]
    return {
        "name": asset.name,
        "ref": asset.id,
        **({"value_set": reference.value_set} if reference.value_set else {}),
        "values": values_of(described, reference),
    }


def find(sources: RunSources, space_id: str, reference: ParameterSetReference) -> Asset:
    """Return the parameter set of the space that is referred to; where both are given, the id counts.

    Raises:
        Invalid: the space has no such set.

    """
    kind = str(AssetType.PARAMETER_SET)
    if reference.ref:
        asset = sources.asset(reference.ref)
    else:
        asset = assets.named(sources.connection, space_id, kind, str(reference.name))
    if asset is None or asset.space_id != space_id or asset.type != kind or asset.deleted_at is not None:
        member = "ref" if reference.ref else "name"
        where = f"{reference.where}.{member}"
        message = f"{where}: there is no parameter set {reference.ref or reference.name} in this space."
        raise Invalid(message, code="parameter_set_not_found", field=where)
    return asset
