"""Datasets of OpenLineage, named as its specification (Naming.md) names what lies in databases and buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gristmill.domain.data_reference import ConnectedData
from gristmill.domain.datasource_types import find
from gristmill.domain.lineage_facet import own, standard

_SCHEMES = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
_PORTS = {"postgres": 5432, "mysql": 3306}
_FILES = frozenset({"sqlite", "duckdb"})


def asset(
    namespace: str, space_id: str, asset_id: str, *, name: str | None = None, version: str | None = None
) -> dict[str, Any]:
    """Return a data asset: by its id, because names change. ``version`` names its content as it was."""
    facets = {"gristmill_dataset": own("dataset", name=name, space_id=space_id, asset_id=asset_id)}
    if version:
        facets["version"] = standard("datasetVersion", datasetVersion=version)
    return {"namespace": namespace, "name": f"{space_id}/{asset_id}", "facets": facets}


def connected(namespace: str, data: ConnectedData, connections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what lies behind a connection, by the name that other systems have for it; ours where there is none."""
    stored = connections.get(data.connection_id, {})
    where, name = _located(stored, data) or (namespace, f"connections/{data.connection_id}/{data.name}")
    facets = {"gristmill_dataset": own("dataset", name=data.name, connection_id=data.connection_id)}
    if stored.get("name"):
        facets["dataSource"] = standard("dataSource", name=stored["name"], uri=where)
    return {"namespace": where, "name": name, "facets": facets}


def _located(stored: Mapping[str, Any], data: ConnectedData) -> tuple[str, str] | None:
    if not stored:
        return None
    kind, properties = find(str(stored["datasource_type"])).name, stored.get("properties") or {}
    if kind in _SCHEMES and properties.get("host"):
        return _table(_SCHEMES[kind], properties, data)
    if kind in _FILES and properties.get("path"):
        return "file", f"{properties['path']}/{data.name}"
    if kind == "http" and properties.get("url"):
        url = urlsplit(str(properties["url"]))
        # Neither user nor query: passwords and tokens stand there.
        return f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}", f"{url.path}{data.file or ''}"
    bucket = data.bucket or properties.get("bucket")
    return (f"s3://{bucket}", str(data.file)) if bucket and data.file is not None else None


def _table(scheme: str, properties: Mapping[str, Any], data: ConnectedData) -> tuple[str, str]:
    authority = f"{properties['host']}:{properties.get('port') or _PORTS[scheme]}"
    database = properties.get("database")
    # MySQL calls a schema a database.
    is_mysql = scheme == "mysql"
    parts = (data.schema or database,) if is_mysql else (database, data.schema or "public")
    parts = (*parts, data.table)
    return f"{scheme}://{authority}", ".".join(str(part) for part in parts if part)
