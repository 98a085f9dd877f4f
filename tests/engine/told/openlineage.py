"""What the specification of OpenLineage (2-0-2) demands of a run's event, and its facets of the members they hold."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

_URI = {"type": "string", "format": "uri", "pattern": "^[a-z]+:"}
_INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
_BASE = {"required": ["_producer", "_schemaURL"], "properties": {"_producer": _URI, "_schemaURL": _URI}}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _facets(**known: Any) -> dict[str, Any]:
    """Any facet has a producer and a schema; those that are known have the members of their schema."""
    properties = {name: {"allOf": [_BASE, shape]} for name, shape in known.items()}
    return {"type": "object", "properties": properties, "additionalProperties": {"type": "object", **_BASE}}


_TEXT, _COUNT = {"type": "string"}, {"type": "integer"}
_NAMED = {"namespace": {"type": "string", "minLength": 1}, "name": {"type": "string", "minLength": 1}}
_DATASET_FACETS = _facets(
    version=_object({"datasetVersion": _TEXT}), dataSource=_object({}, {"name": _TEXT, "uri": _URI})
)
_RUN_FACETS = _facets(
    errorMessage=_object({"message": _TEXT, "programmingLanguage": _TEXT}),
    nominalTime=_object({"nominalStartTime": _INSTANT}),
    processing_engine=_object({"version": _TEXT}, {"name": _TEXT}),
)
_JOB_FACETS = _facets(
    jobType=_object({"processingType": _TEXT, "integration": _TEXT}, {"jobType": _TEXT}),
    documentation=_object({"description": _TEXT}),
)
_OUTPUT_FACETS = _facets(outputStatistics=_object({}, {"rowCount": _COUNT, "size": _COUNT}))
_INPUT = _object(_NAMED, {"facets": _DATASET_FACETS, "inputFacets": _facets()})
_OUTPUT = _object(_NAMED, {"facets": _DATASET_FACETS, "outputFacets": _OUTPUT_FACETS})
RUN_EVENT = _object(
    {
        "eventTime": _INSTANT,
        "producer": _URI,
        "schemaURL": _URI,
        "run": _object({"runId": {"type": "string", "format": "uuid"}}, {"facets": _RUN_FACETS}),
        "job": _object(_NAMED, {"facets": _JOB_FACETS}),
    },
    {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "inputs": {"type": "array", "items": _INPUT},
        "outputs": {"type": "array", "items": _OUTPUT},
    },
)
_VALIDATOR = Draft202012Validator(RUN_EVENT, format_checker=FormatChecker())


def check(event: dict[str, Any]) -> None:
    """Fail where the event is not one of the specification, or a facet names no schema that it has."""
    _VALIDATOR.validate(event)
    assert event["schemaURL"].startswith("https://openlineage.io/spec/2-0-2/")
