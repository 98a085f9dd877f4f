"""Facets of OpenLineage: the standard ones by their schemas' versions, and our own, which begin with ``gristmill_``."""

from __future__ import annotations

from typing import Any, TypeAlias

Facet: TypeAlias = dict[str, Any]
PRODUCER = "urn:gristmill"
SPECIFICATION = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
_OF_ANY_SHAPE = f"{SPECIFICATION}#/$defs"
_FACETS = "https://openlineage.io/spec/facets"
_SCHEMAS = {
    "datasetVersion": "1-0-1/DatasetVersionDatasetFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "documentation": "1-1-0/DocumentationJobFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "nominalTime": "1-0-1/NominalTimeRunFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
}
_BASES = {"run": "RunFacet", "asset": "RunFacet", "job": "JobFacet", "dataset": "DatasetFacet"}


def standard(facet: str, /, **members: Any) -> Facet:  # noqa: ANN401 - as its schema says
    """Return a facet whose schema OpenLineage has."""
    path = _SCHEMAS[facet]
    return {"_producer": PRODUCER, "_schemaURL": f"{_FACETS}/{path}.json#/$defs/{path.partition('/')[2]}", **members}


def own(kind: str, /, **members: Any) -> Facet:  # noqa: ANN401 - any JSON
    """Return one of ours: what is None is left out."""
    there = {name: value for name, value in members.items() if value is not None}
    return {"_producer": PRODUCER, "_schemaURL": f"{_OF_ANY_SHAPE}/{_BASES[kind]}", **there}
