"""An asset: a named, revisioned thing with content: model, function, script, data asset, connection and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

HEAD = 0
"""The revision number of the asset as it is now; frozen revisions count from 1."""


class AssetType(StrEnum):
    """The wire's own names. Other types are stored too, as plain documents."""

    MODEL = "wml_model"
    FUNCTION = "wml_function"
    SCRIPT = "script"
    DATA_ASSET = "data_asset"
    CONNECTION = "connection"
    FOLDER = "folder_asset"
    PARAMETER_SET = "parameter_set"
    NOTEBOOK = "notebook"
    CODE_PACKAGE = "code_package"
    FLOW = "flow"
    ORCHESTRATION_FLOW = "orchestration_flow"
    JOB = "job"
    JOB_RUN = "job_run"


FLOWS = frozenset({AssetType.FLOW, AssetType.ORCHESTRATION_FLOW})
"""The types of what consists of nodes; the wire has two words for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An asset at its head, or frozen at ``revision``.

    ``entity`` is the wire's entity document (for a model: the ``/ml/v4/models`` entity). ``latest_revision`` is the
    number of the newest frozen revision, 0 when there is none. ``deleted_at`` marks an asset in the trash.
    """

    id: str
    space_id: str
    type: str
    name: str
    owner_id: str
    created_at: datetime
    modified_at: datetime
    description: str = ""
    tags: Sequence[str] = ()
    entity: Mapping[str, Any] = field(default_factory=dict)
    revision: int = HEAD
    latest_revision: int = 0
    size: int = 0
    deleted_at: datetime | None = None
    commit_message: str | None = None
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A piece of an asset's content. Remote ones point into a connection and have no content here.

    ``content_key`` is None until the upload came; ``complete`` is set by the client's last call.
    """

    id: str
    asset_id: str
    name: str
    created_at: datetime
    revision: int = HEAD
    mime: str = "application/octet-stream"
    content_key: str | None = None
    size: int = 0
    sha256: str | None = None
    complete: bool = False
    connection_id: str | None = None
    connection_path: str | None = None
