"""The endpoint and the keys of an object store, from a connection's properties."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass, field
from typing import Any

from gristmill.data import http_get
from gristmill.data.properties import Properties, invalid
from gristmill.guard.address_guard import AddressRefused, parse

_AMAZON = "amazons3"
_REGION = "us-east-1"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Account:
    """``endpoint`` is a URL without a path; ``bucket`` the one that is taken where no other is named."""

    endpoint: str
    host: str
    port: int
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    bucket: str | None = None
    certificate: str | None = None

    @classmethod
    def of(cls, properties: Properties, *, datasource_type: str) -> S3Account:
        """Read the properties.

        Raises:
            DataFailed: one is missing or malformed.

        """
        region = properties.text("region") or _REGION
        url = _endpoint(properties, datasource_type, region)
        access_key, secret_key = _keys(properties)
        return cls(
            endpoint=url,
            host=parse(url).host,
            port=parse(url).port or _PORTS[parse(url).scheme],
            region=region,
            access_key=access_key,
            secret_key=secret_key,
            session_token=properties.text("session_token"),
            bucket=properties.text("bucket"),
            certificate=_certificate(properties),
        )


def _endpoint(properties: Properties, datasource_type: str, region: str) -> str:
    given = properties.text("url")
    if properties.text("endpoint_folder"):
        raise invalid("endpoint_folder", "it is not used here; name the bucket and the file with its folders instead")
    if given is None:
        if datasource_type != _AMAZON:
            raise invalid("url", "it is missing; give the endpoint of the store, as https://host or http://host:port")
        return f"https://s3.{region}.amazonaws.com"
    try:
        parsed = parse(given if "://" in given else f"https://{given}")
    except AddressRefused as error:
        raise invalid("url", error.message.rstrip(".")) from None
    if parsed.path not in {"", "/"} or parsed.query:
        raise invalid("url", "an endpoint has no path; name the bucket in the property bucket")
    return str(parsed).rstrip("/")


def _certificate(properties: Properties) -> str | None:
    certificate = properties.text("ssl_certificate")
    try:
        http_get.trust(certificate)
    except ssl.SSLError:
        raise invalid("ssl_certificate", "it is no certificate in PEM form") from None
    return certificate


def _keys(properties: Properties) -> tuple[str, str]:
    access_key, secret_key = properties.text("access_key"), properties.text("secret_key")
    if access_key is None and secret_key is None:
        pair = _keys_of_credentials(properties.text("credentials"))
        if pair is not None:
            return pair
        if properties.text("api_key"):
            raise invalid(
                "api_key", "keys of IBM Cloud IAM do not work here; give HMAC keys: access_key and secret_key"
            )
    return properties.required("access_key"), properties.required("secret_key")


def _keys_of_credentials(text: str | None) -> tuple[str, str] | None:
    """Return the HMAC keys in the credentials of a service, as IBM Cloud gives them out."""
    if text is None:
        return None
    try:
        keys: Any = json.loads(text)["cos_hmac_keys"]
        return str(keys["access_key_id"]), str(keys["secret_access_key"])
    except (ValueError, LookupError, TypeError):
        raise invalid(
            "credentials", "they are not JSON with cos_hmac_keys; make credentials that include HMAC keys"
        ) from None
