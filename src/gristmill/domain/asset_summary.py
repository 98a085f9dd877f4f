"""An asset as a list shows it at a glance: which run wrote it, and what would miss it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gristmill.domain.asset import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """The newest run that wrote an asset, and its job; a name is None where that is gone."""

    job_id: str
    run_id: str
    job_name: str | None
    run_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSummary:
    """``deployments`` and ``jobs`` count what uses it, as `AssetUses` lists it."""

    asset: Asset
    maker: Maker | None
    deployments: int
    jobs: int

    @property
    def input_fields(self) -> int | None:
        """How many columns a model's schema names; None without a schema."""
        return number_of_fields(self.asset.entity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the runs of one job wrote that is still there. ``job_name`` is None where the job is gone."""

    job_id: str
    job_name: str | None
    number: int
    size: int
    newest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCounts:
    """How many assets that no run wrote there are of each type, and the newest jobs with outputs."""

    by_type: Mapping[str, int]
    outputs: Sequence[Outputs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A deployment or job, and whether it ``runs`` the asset, or ``reads`` or writes it."""

    id: str
    name: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetUses:
    """What would miss an asset. ``assets`` are data assets behind it, where it is a connection."""

    maker: Maker | None
    deployments: Sequence[Use] = ()
    jobs: Sequence[Use] = ()
    assets: Sequence[Use] = ()


def number_of_fields(entity: Mapping[str, object]) -> int | None:
    """Return how many columns the first input of a model's schema has."""
    match entity:
        case {"schemas": {"input": [{"fields": list(fields)}, *_]}}:
            return len(fields)
    return None
