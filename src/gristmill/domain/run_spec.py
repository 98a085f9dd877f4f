"""What a run needs, frozen when it is created, and what it left. Both are documents of the store and of nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

SMALL_TABLE_BYTES = 64 * 1024
"""Rows up to this size live in the run's own row; larger ones are content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineTable:
    """One element of ``input_data`` or ``predictions``: its rows are JSON lines, a row a line.

    The lines are in ``text`` when they are small, else under ``content_key``. ``members`` are the element's other
    members as they came (``id`` and the like); ``fields`` is None where the element had none.
    """

    rows: int
    fields: Sequence[str] | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    content_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAsset:
    """A data asset that a run reads, by its content as it was when the run was created."""

    asset_id: str
    name: str
    content_key: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """Everything a run needs. ``asset_content_key`` names the archive, code or script; ``fields`` the model's schema.

    ``input_references`` and ``output_reference`` are kept as the wire gave them, for the answer; ``inputs`` are the
    same inputs resolved. ``output_asset_id`` is set where the output overwrites an asset that exists.
    ``sealed_variables`` are secret environment variables, encrypted: only the child sees them.
    """

    kind: str
    asset_id: str
    asset_revision: int
    asset_type: str
    asset_content_key: str
    asset_sha256: str
    asset_content_name: str
    specification_id: str
    specification_name: str
    fields: Sequence[Mapping[str, str]] | None = None
    hardware: Mapping[str, Any] = field(default_factory=dict)
    memory_limit_bytes: int | None = None
    inline: Sequence[InlineTable] = ()
    inputs: Sequence[InputAsset] = ()
    input_references: Sequence[Mapping[str, Any]] | None = None
    output_reference: Mapping[str, Any] | None = None
    output_asset_id: str | None = None
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    sealed_variables: str | None = None
    scoring: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the JSON document that the store keeps."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a specification from its document."""
        parts = {
            "inline": tuple(InlineTable(**table) for table in document["inline"]),
            "inputs": tuple(InputAsset(**asset) for asset in document["inputs"]),
        }
        return cls(**{**document, **parts})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run left: inline predictions or an output asset, row counts, the packages it ran with, its log."""

    predictions: Sequence[InlineTable] = ()
    output_asset_id: str | None = None
    output_name: str | None = None
    rows_read: int | None = None
    rows_scored: int | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    log_key: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON document that the store keeps."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a result from its document."""
        return cls(**{**document, "predictions": tuple(InlineTable(**table) for table in document["predictions"])})

    def content_keys(self) -> list[str]:
        """Return the keys of the content that belongs to the run alone."""
        keys = [table.content_key for table in self.predictions if table.content_key]
        return [*keys, *([self.log_key] if self.log_key else [])]
