"""The kinds of data source that a connection may lead to, and the properties that each of them takes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.domain.errors import Invalid, NotFound

_NAMESPACE = uuid.UUID("6d1f4f0c-3f0b-5d5e-9c55-6b2f0f4f6a03")
_KNOWN = {
    "bluemixcloudobjectstorage": "193a97c1-4475-4a19-b90c-295c4fdc6517",
    "db2": "8c1a4480-1c29-4b33-9086-9cb799d7b157",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property of a connection. ``masked`` ones are secrets: stored encrypted, never given out again."""

    name: str
    type: str = "string"
    required: bool = False
    masked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasourceType:
    """A kind of data source. ``kind`` is ``database`` or ``file``."""

    id: str
    name: str
    label: str
    kind: str
    properties: tuple[Property, ...]


def _property(text: str) -> Property:
    name, _, type_name = text.rstrip("!*").partition(":")
    return Property(name=name, type=type_name or "string", required="!" in text, masked="*" in text)


def _type(name: str, label: str, kind: str, properties: str) -> DatasourceType:
    return DatasourceType(
        id=_KNOWN.get(name) or str(uuid.uuid5(_NAMESPACE, name)),
        name=name,
        label=label,
        kind=kind,
        properties=tuple(_property(text) for text in properties.split()),
    )


_USER_IN_URL = re.compile(r"\s*(([a-z][a-z0-9+.-]*:)?//)?[^/?#]*@", re.IGNORECASE)

# In the strings: ``name:type``, ! required, * a secret.
_SQL = "host! port:integer username! password* database! ssl:boolean ssl_certificate ssl_certificate_validation:boolean"
_SQL_ANY_DATABASE = _SQL.replace("database!", "database")
_S3 = "bucket access_key secret_key* url region auth_method iam_url api_key* resource_instance_id credentials*"
_BIGQUERY = (
    "project_id type private_key_id private_key* client_email client_id client_secret* auth_uri token_uri "
    "auth_provider_x509_cert_url client_x509_cert_url universe_domain access_token* refresh_token* credentials*"
)

DATASOURCE_TYPES: tuple[DatasourceType, ...] = (
    _type("postgresql", "PostgreSQL", "database", f"{_SQL} sslmode schema"),
    _type("mysql", "MySQL", "database", _SQL),
    _type("mariadb", "MariaDB", "database", _SQL),
    _type("sqlite", "SQLite", "database", "path!"),
    _type("duckdb", "DuckDB", "database", "path!"),
    _type("db2", "IBM Db2", "database", f"{_SQL} api_key* schema auth_method"),
    _type("sqlserver", "Microsoft SQL Server", "database", _SQL),
    _type("oracle", "Oracle", "database", f"{_SQL_ANY_DATABASE} sid service_name"),
    _type(
        "snowflake",
        "Snowflake",
        "database",
        "account_name! username! password* database! warehouse! role schema private_key* key_passphrase* auth_method",
    ),
    _type("bigquery", "Google BigQuery", "database", _BIGQUERY),
    _type("bluemixcloudobjectstorage", "IBM Cloud Object Storage (infrastructure)", "file", _S3),
    _type("cloudobjectstorage", "IBM Cloud Object Storage", "file", _S3),
    _type("amazons3", "Amazon S3", "file", f"{_S3} session_token* endpoint_folder"),
    _type("generics3", "Generic S3", "file", f"{_S3} ssl_certificate enable_global_bucket_access:boolean"),
    _type("http", "HTTP", "file", "url! username password* ssl_certificate"),
    _type("volumes", "Storage volume", "file", "volume! inherit_access_token:boolean username password* api_key* path"),
)


def find(name_or_id: str) -> DatasourceType:
    """Return the type of this name or id.

    Raises:
        NotFound: there is none.

    """
    for kind in DATASOURCE_TYPES:
        if name_or_id in {kind.id, kind.name}:
            return kind
    raise NotFound(
        f"There is no datasource type {name_or_id}. There are {', '.join(kind.name for kind in DATASOURCE_TYPES)}.",
        code="datasource_type_not_found",
    )


def check(kind: DatasourceType, properties: Mapping[str, Any]) -> None:
    """Check that a connection's properties are those of its type, and plain.

    A required one may be missing: clients store a connection before they have its credentials; what uses it tells.

    Raises:
        Invalid: names the property.

    """
    known = {entry.name for entry in kind.properties}
    for name, value in properties.items():
        if name not in known:
            raise _refused(name, f"a connection of type {kind.name} has no such property")
        if not isinstance(value, str | int | float | bool):
            raise _refused(name, "its value is a text, a number, true or false")
        if name == "url" and _USER_IN_URL.match(str(value)):
            why = "everybody in the space sees it; leave user and password out of it, and give them as properties"
            raise _refused(name, why)


def masked(kind: DatasourceType) -> frozenset[str]:
    """Return the names of the properties that are secrets."""
    return frozenset(entry.name for entry in kind.properties if entry.masked)


def _refused(name: str, why: str) -> Invalid:
    return Invalid(f"properties.{name}: {why}.", code="invalid_connection_property", field=f"properties.{name}")
