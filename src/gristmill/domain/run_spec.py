"""What a run needs, frozen when it is created, and what it left. Both are documents of the store and of nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from gristmill.domain.data_reference import ConnectedInput, ConnectedOutput
from gristmill.domain.document import document_of
from gristmill.domain.environment import SoftwareEnvironment
from gristmill.domain.flow_plan import FlowPlan

SMALL_TABLE_BYTES = 64 * 1024
"""Rows up to this size live in the run's own row; larger ones are content."""


# Left out while they say nothing: servers of the version before, at work beside these, do not know them.
_SILENT: Mapping[str, object] = {"nodes": 1, "traceparent": None}


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
class ResultFile:
    """A file that a run left and that goes with it; ``size`` in bytes."""

    name: str
    mime: str
    size: int
    content_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRows:
    """What a run of a model that did not complete had done: its ledger, and the staged files that this speaks of.

    ``rows_done`` of ``rows_total`` (None: not known) rows need not be scored again. The file named ``ledger.jsonl`` is
    the ledger.
    """

    files: Sequence[ResultFile]
    rows_done: int
    rows_total: int | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild it from its document."""
        return cls(**{**document, "files": tuple(ResultFile(**file) for file in document["files"])})

    def said(self) -> str:
        """Say what of it is of use to people."""
        total = f"{self.rows_total:,} rows" if self.rows_total is not None else "the rows"
        return f"{self.rows_done:,} of {total} are kept: repair goes on from there."

    def content_keys(self) -> list[str]:
        """Return the keys of its content."""
        return [file.content_key for file in self.files]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResult:
    """How a node of a flow is or was: its state (`flow_progress.py`), when, why it failed, and the files that it left.

    Times are as the wire writes them. A ``kept`` node was not run: its result is that of the run that was repaired.
    One that is not ``saved`` left files that are lost.
    """

    id: str
    state: str
    started_at: str | None = None
    finished_at: str | None = None
    cause: Mapping[str, str] | None = None
    files: Sequence[ResultFile] = ()
    kept: bool = False
    saved: bool = True

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a node's result from its document."""
        return cls(**{**document, "files": tuple(ResultFile(**file) for file in document["files"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """Everything a run needs. ``asset_content_key`` names the archive, code or script; ``fields`` the model's schema.

    ``input_references`` and ``output_reference`` are kept as the wire gave them, for the answer; ``inputs`` are the
    same inputs resolved, those behind connections in ``connected_inputs``. ``output_asset_id`` is set where the output
    overwrites an asset that exists, ``connected_output`` where it is written behind a connection. Where code that takes
    references writes it, ``output_left`` is true.
    ``cpus`` and ``memory_limit_bytes`` are what its hardware specification has on each of its ``nodes``. Only with
    ``network`` may it use that.
    After ``timeout_seconds`` of running its child is ended and the run has failed; None: it may take as long as it
    likes. ``sealed_variables`` are secret environment variables, encrypted: only the child sees them.
    ``environment`` is what the software specification meant; None in runs from before that was kept.
    ``entrypoint`` is the file that a code package begins with, ``parameters`` are a notebook's (None: none given).
    ``flow`` are the nodes of a flow. A run that repairs another (``repair_of``) takes over the nodes in ``kept``, or
    the rows in ``kept_rows``; one that scores only what another rejected names that in ``rejected_of``.
    ``error_threshold`` is the document of an `ErrorThreshold`; with ``row_limit`` only so many rows are looked at: it
    is a preview. ``job_parameters`` are the values that became variables and parameters, ``parameter_sets`` those that
    some of them came from, each with its values of then.
    ``traceparent`` is the span (W3C Trace Context) of the request that made the run.
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
    cpus: float | None = None
    nodes: int = 1
    network: bool = True
    timeout_seconds: int | None = None
    inline: Sequence[InlineTable] = ()
    inputs: Sequence[InputAsset] = ()
    input_references: Sequence[Mapping[str, Any]] | None = None
    output_reference: Mapping[str, Any] | None = None
    output_asset_id: str | None = None
    connected_inputs: Sequence[ConnectedInput] = ()
    connected_output: ConnectedOutput | None = None
    output_left: bool = False
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    sealed_variables: str | None = None
    environment: SoftwareEnvironment | None = None
    entrypoint: str | None = None
    parameters: Mapping[str, Any] | None = None
    flow: FlowPlan | None = None
    kept: Sequence[NodeResult] = ()
    repair_of: str | None = None
    rejected_of: str | None = None
    kept_rows: KeptRows | None = None
    error_threshold: Mapping[str, Any] | None = None
    row_limit: int | None = None
    job_parameters: Mapping[str, Any] = field(default_factory=dict)
    parameter_sets: Sequence[Mapping[str, Any]] = ()
    scoring: Mapping[str, Any] = field(default_factory=dict)
    traceparent: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON document that the store keeps."""
        return {name: value for name, value in document_of(self).items() if _SILENT.get(name, ...) != value}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a specification from its document."""
        environment, flow = document.get("environment"), document.get("flow")
        connected = document.get("connected_output")
        parts = {
            "inline": tuple(InlineTable(**table) for table in document["inline"]),
            "inputs": tuple(InputAsset(**asset) for asset in document["inputs"]),
            "connected_inputs": tuple(ConnectedInput.of(one) for one in document.get("connected_inputs", ())),
            "connected_output": ConnectedOutput.of(connected) if connected else None,
            "environment": SoftwareEnvironment.of(environment) if environment else None,
            "flow": FlowPlan.of(flow) if flow else None,
            "kept": tuple(NodeResult.of(node) for node in document.get("kept", ())),
            "kept_rows": _kept_rows(document),
            "parameter_sets": tuple(document.get("parameter_sets", ())),
        }
        return cls(**{**document, **parts})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run left: inline predictions or an output asset, files, row counts, the packages it ran with, its log.

    ``isolation`` are the names of what held it to its box, and to its hardware; ``capped`` says what it had of that,
    where it was less than asked for.
    ``output_key`` is the content that it gave the asset, which the asset holds: it tells whether it still has that.
    ``output_location`` is where it wrote behind a connection, in the wire's words.
    Of a model: ``rejections`` are the first rejected rows, ``profile`` sums up its predictions, ``compared`` says with
    which run that was compared and what was found, ``columns`` are those that it was fed (`protocol.py` has their
    shapes), ``kept_rows`` is there where it did not complete, ``preview`` where it was one.
    """

    predictions: Sequence[InlineTable] = ()
    output_asset_id: str | None = None
    output_name: str | None = None
    output_key: str | None = None
    output_location: Mapping[str, Any] | None = None
    rows_read: int | None = None
    rows_scored: int | None = None
    rows_resumed: int | None = None
    rejections: Sequence[Mapping[str, Any]] = ()
    profile: Sequence[Mapping[str, Any]] = ()
    compared: Mapping[str, Any] | None = None
    columns: Sequence[Mapping[str, Any]] = ()
    kept_rows: KeptRows | None = None
    preview: Mapping[str, Any] | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    log_key: str | None = None
    files: Sequence[ResultFile] = ()
    nodes: Sequence[NodeResult] = ()
    peak_memory_bytes: int | None = None
    cpu_seconds: float | None = None
    isolation: Sequence[str] = ()
    capped: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON document that the store keeps."""
        return document_of(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a result from its document."""
        parts = {
            "predictions": tuple(InlineTable(**table) for table in document["predictions"]),
            "files": tuple(ResultFile(**file) for file in document.get("files", ())),
            "nodes": tuple(NodeResult.of(node) for node in document.get("nodes", ())),
            "kept_rows": _kept_rows(document),
        }
        return cls(**{**document, **parts})

    def content_keys(self) -> list[str]:
        """Return the keys of the content that this run brought; what it kept of another it holds from its beginning."""
        keys = [table.content_key for table in self.predictions if table.content_key]
        files = [*self.files, *(file for node in self.nodes if not node.kept for file in node.files)]
        keys += [file.content_key for file in files]
        rows = self.kept_rows.content_keys() if self.kept_rows else []
        return [*keys, *rows, *([self.log_key] if self.log_key else [])]


def _kept_rows(document: Mapping[str, Any]) -> KeptRows | None:
    return KeptRows.of(document["kept_rows"]) if document.get("kept_rows") else None
