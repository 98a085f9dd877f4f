"""Where content lies in an S3-compatible store, and by which keys: ``s3://bucket/prefix`` with what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlsplit

from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore.store import S3Credential

SCHEME = "s3://"
_RETRIES = 5
_PATIENCE = timedelta(seconds=30)
"""How long those wait for a store that is away who keep nobody waiting: it restarts within that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """``endpoint`` is a URL without a path; ``prefix`` is empty, or ends with a slash."""

    name: str
    prefix: str
    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)

    @classmethod
    def of(cls, url: str, *, endpoint: str | None, region: str, access_key: str, secret_key: str) -> Self:
        """Read ``s3://bucket/prefix``; without an endpoint it is one of Amazon's.

        Raises:
            ValueError: there is no bucket, or a part that has no meaning here.

        """
        parsed = urlsplit(url)
        if parsed.scheme != "s3" or not parsed.netloc or parsed.query or parsed.fragment or "@" in parsed.netloc:
            raise ValueError("it is not like s3://bucket or s3://bucket/prefix")
        at = urlsplit(endpoint or f"https://s3.{region}.amazonaws.com")
        if at.scheme not in {"http", "https"} or not at.hostname or at.path not in {"", "/"} or at.query or at.username:
            raise ValueError("the endpoint is not like https://host or http://host:port")
        prefix = parsed.path.strip("/")
        return cls(
            name=parsed.netloc,
            prefix=f"{prefix}/" if prefix else "",
            endpoint=f"{at.scheme}://{at.netloc}",
            region=region,
            access_key=access_key,
            secret_key=secret_key,
        )

    @property
    def url(self) -> str:
        """The bucket's own URL, by path."""
        return f"{self.endpoint}/{quote(self.name)}"

    def open(self, *, patient: bool = False) -> S3Store:
        """Return the library's store; nothing of it comes from the environment of the process.

        It tries again for some seconds where the other end does not answer; a ``patient`` one for half a minute.
        """
        return S3Store(
            self.name,
            endpoint=self.endpoint,
            aws_endpoint_url_s3=self.endpoint,
            region=self.region,
            virtual_hosted_style_request=False,
            skip_signature=False,
            unsigned_payload=False,
            s3_express=False,
            request_payer=False,
            credential_provider=self._credential,
            client_options={
                "allow_http": True,
                "connect_timeout": timedelta(seconds=10),
                "read_timeout": timedelta(seconds=60),
                "timeout": timedelta(minutes=10),
            },
            retry_config={
                "max_retries": 1_000 if patient else _RETRIES,
                "retry_timeout": _PATIENCE if patient else timedelta(seconds=60),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
        )

    def _credential(self) -> S3Credential:
        return {
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "token": None,
            "expires_at": None,
        }
