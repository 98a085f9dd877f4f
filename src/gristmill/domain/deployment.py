"""A batch deployment: an asset with hardware, a lane of its own, and a default job that owns its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

DEFAULT_MAX_RUNNING = 2
"""How many runs of one deployment work at once unless its owner says otherwise (the original's own default)."""


class DeploymentState(StrEnum):
    """``deleting``: hidden, its runs are being stopped, then it is purged."""

    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A batch deployment. ``hardware`` and ``batch`` are the wire's documents; its lane has the deployment's id.

    ``asset_revision`` is None where the deployment follows the asset's head. ``failure`` says why the state is failed.
    """

    id: str
    space_id: str
    asset_id: str
    asset_type: str
    name: str
    owner_id: str
    created_at: datetime
    modified_at: datetime
    description: str = ""
    asset_revision: int | None = None
    tags: Sequence[str] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    batch: Mapping[str, Any] = field(default_factory=dict)
    hardware: Mapping[str, Any] = field(default_factory=dict)
    hybrid_hardware: Sequence[Mapping[str, Any]] | None = None
    serving_name: str | None = None
    max_running: int = DEFAULT_MAX_RUNNING
    state: DeploymentState = DeploymentState.READY
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentJobDefinition:
    """What a job of a deployment is to do, written down for later runs. ``document`` is the wire's entity."""

    id: str
    space_id: str
    deployment_id: str
    name: str
    owner_id: str
    created_at: datetime
    modified_at: datetime
    description: str = ""
    tags: Sequence[str] = ()
    document: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0
    latest_revision: int = 0
