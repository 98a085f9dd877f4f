"""What became of data: a change of a run as an event of OpenLineage (openlineage.io/spec, 2-0-2). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gristmill.domain.event import EventKind
from gristmill.domain.lineage_dataset import asset, connected
from gristmill.domain.lineage_facet import PRODUCER, SPECIFICATION, Facet, own, standard
from gristmill.domain.run_spec import RunResult, RunSpec

_TYPES = {
    EventKind.SUCCEEDED: "COMPLETE",
    EventKind.WARNED: "COMPLETE",
    EventKind.FAILED: "FAIL",
    EventKind.CANCELED: "ABORT",
}
_SHORT_ID = 8


@dataclass(frozen=True, slots=True)
class LineageSource:
    """Who tells: the namespace of this installation's jobs and assets, and the version of Gristmill."""

    namespace: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageRun:
    """A run and its job, as an event tells of them; ``rows`` are read, scored, rejected, as far as they are counted."""

    id: str
    kind: str
    state: str
    attempt: int
    job_id: str
    job_name: str
    job_description: str
    space_id: str
    space_name: str
    deployment_id: str | None = None
    scheduled_for: datetime | None = None
    cause: Mapping[str, Any] | None = None
    warning: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageEvent:
    """All that goes into an event. ``connections`` are the stored ones by their ids, without their secrets."""

    kind: EventKind
    at: datetime
    source: LineageSource
    run: LineageRun
    spec: RunSpec
    result: RunResult | None
    connections: Mapping[str, Mapping[str, Any]]

    def document(self) -> dict[str, Any]:
        """Return it as JSON. The first attempt starts the run; to start it anew is to go on running."""
        began = "START" if self.run.attempt <= 1 else "RUNNING"
        run, job = self.run, f"{self.run.space_name}.{self.run.job_name}.{self.run.job_id[:_SHORT_ID]}"
        return {
            "eventType": _TYPES.get(self.kind, began),
            "eventTime": _moment(self.at),
            "producer": PRODUCER,
            "schemaURL": f"{SPECIFICATION}#/$defs/RunEvent",
            "run": {"runId": run.id, "facets": self._run_facets()},
            "job": {"namespace": self.source.namespace, "name": job, "facets": self._job_facets()},
            "inputs": list(self._inputs()),
            "outputs": list(self._outputs()),
        }

    def _run_facets(self) -> dict[str, Facet]:
        run = self.run
        facets = {
            "processing_engine": standard("processing_engine", version=self.source.version, name="Gristmill"),
            "gristmill_run": own(
                "run", state=run.state, attempt=run.attempt, warning=run.warning, rows=dict(run.rows) or None
            ),
            "gristmill_asset": self._model(),
        }
        if run.scheduled_for:
            facets["nominalTime"] = standard("nominalTime", nominalStartTime=_moment(run.scheduled_for))
        if run.cause:
            facets["errorMessage"] = standard(
                "errorMessage", message=f"{run.cause['code']}: {run.cause['message']}", programmingLanguage="Python"
            )
        return facets

    def _model(self) -> Facet:
        """Tell what ran: the very revision, whatever the asset is changed to later."""
        spec = self.spec
        return own(
            "asset",
            id=spec.asset_id,
            revision=spec.asset_revision,
            type=spec.asset_type,
            sha256=spec.asset_sha256,
            software_specification=spec.specification_name,
        )

    def _job_facets(self) -> dict[str, Facet]:
        run = self.run
        kind = {"processingType": "BATCH", "integration": "GRISTMILL", "jobType": run.kind.upper()}
        named = own("job", id=run.job_id, space_id=run.space_id, deployment_id=run.deployment_id)
        facets = {"jobType": standard("jobType", **kind), "gristmill_job": named}
        if run.job_description:
            facets["documentation"] = standard("documentation", description=run.job_description)
        return facets

    def _inputs(self) -> Sequence[dict[str, Any]]:
        space = (self.source.namespace, self.run.space_id)
        assets = [asset(*space, each.asset_id, name=each.name, version=each.content_key) for each in self.spec.inputs]
        behind = [connected(space[0], each.data, self.connections) for each in self.spec.connected_inputs]
        return [*assets, *behind]

    def _outputs(self) -> Sequence[dict[str, Any]]:
        """Tell what it wrote; before it ended, what is known of what it will write."""
        spec, result, namespace = self.spec, self.result, self.source.namespace
        found = []
        asset_id = (result.output_asset_id if result else None) or spec.output_asset_id
        if asset_id:
            name, version = (result.output_name, result.output_key) if result else (None, None)
            found.append(asset(namespace, self.run.space_id, asset_id, name=name, version=version))
        if spec.connected_output:
            found.append(connected(namespace, spec.connected_output.data, self.connections))
        scored = self.run.rows.get("scored")
        if self.kind in {EventKind.SUCCEEDED, EventKind.WARNED} and scored is not None:
            statistics = standard("outputStatistics", rowCount=scored)
            found = [{**each, "outputFacets": {"outputStatistics": statistics}} for each in found]
        return found


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
