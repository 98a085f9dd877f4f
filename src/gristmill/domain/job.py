"""A job: what is run again and again, of a batch deployment or of an asset that needs none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobKind(StrEnum):
    """``default``: made with its deployment, parent of the runs that the ML API starts.

    ``deployment``: runs a deployment by a definition, in the deployment's lane. ``asset``: runs a self-contained asset
    (script, notebook, code package, flow) in a lane of its own.
    """

    DEFAULT = "default"
    DEPLOYMENT = "deployment"
    ASSET = "asset"


DEPLOYMENT_REF = "wml_deployment"
"""The wire's name for what a job of a deployment refers to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job and the lane that its runs wait in.

    ``asset_ref`` is the deployment's or the asset's id. ``retention`` is ``{"amount": n}`` or ``{"days": n}``, and may
    say what becomes of ``results``: ``keep`` or ``delete``. ``notification`` is a document of `notification.py`.
    ``sealed_variables`` are the secret environment variables, encrypted; ``version`` counts changes.

    ``schedule`` is a document of `schedule_document.py`; ``scheduler_id`` is the user whose rights its runs have,
    ``key_id`` the API key that was made for them. Every tick up to ``decided_until`` has its disposition;
    ``next_tick_at`` is the first that has none. ``serving_name`` may stand for the job's id.
    """

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
    asset_ref: str
    asset_ref_type: str = DEPLOYMENT_REF
    definition_id: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    retention: Mapping[str, Any] | None = None
    notification: Mapping[str, Any] = field(default_factory=dict)
    sealed_variables: str | None = None
    schedule: Mapping[str, Any] | None = None
    scheduler_id: str | None = None
    key_id: str | None = None
    serving_name: str | None = None
    paused: bool = False
    decided_until: datetime | None = None
    next_tick_at: datetime | None = None
    version: int = 0
    deleted_at: datetime | None = None
