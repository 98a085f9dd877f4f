"""An export of assets to a zip, or an import from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ExportKind(StrEnum):
    """Which way the assets go."""

    EXPORT = "export"
    IMPORT = "import"


class ExportState(StrEnum):
    """The states of the wire that occur: the work is done when the request is answered."""

    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """``document`` holds what was asked (``assets``), and for an import what became of it (``summary``)."""

    id: str
    space_id: str
    kind: ExportKind
    name: str
    owner_id: str
    created_at: datetime
    description: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    content_key: str | None = None
    state: ExportState = ExportState.COMPLETED
