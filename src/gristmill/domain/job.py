"""A job: what is run again and again. Every batch deployment owns a default one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobKind(StrEnum):
    """``default``: made with its deployment, parent of the runs that the ML API starts."""

    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job and the lane that its runs wait in."""

    id: str
    space_id: str
    name: str
    kind: JobKind
    lane_id: str
    owner_id: str
    created_at: datetime
    modified_at: datetime
    description: str = ""
    deployment_id: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
