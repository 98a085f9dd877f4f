"""What somebody finds who looks for a name or an id across spaces."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FoundKind(StrEnum):
    """What it is."""

    JOB = "job"
    RUN = "run"
    DEPLOYMENT = "deployment"
    ASSET = "asset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A thing by its name; ``type`` is an asset's type, ``job_id`` a run's job."""

    kind: FoundKind
    id: str
    name: str
    space_id: str
    space_name: str
    type: str | None = None
    job_id: str | None = None
