"""The library's store for a bucket, with everything said that it would else take from the server's environment."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from obstore.store import S3Store

from gristmill.data.s3_account import S3Account

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Credential


def open_store(account: S3Account, bucket: str, *, proxy: str, at_root: bool = False) -> S3Store:
    """Return the store for a bucket; ``at_root`` one whose paths begin at the endpoint itself."""
    return S3Store(
        bucket,
        endpoint=account.endpoint,
        aws_endpoint_url_s3=account.endpoint,
        region=account.region,
        virtual_hosted_style_request=at_root,
        skip_signature=False,
        unsigned_payload=False,
        s3_express=False,
        request_payer=False,
        credential_provider=lambda: _credential(account),
        client_options=_client(account, proxy),
        retry_config={
            "max_retries": 5,
            "retry_timeout": timedelta(seconds=60),
            "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=5), "base": 2},
        },
    )


def _credential(account: S3Account) -> S3Credential:
    return {
        "access_key_id": account.access_key,
        "secret_access_key": account.secret_key,
        "token": account.session_token,
        "expires_at": None,
    }


def _client(account: S3Account, proxy: str) -> ClientConfig:
    options: ClientConfig = {
        "allow_http": True,
        "allow_invalid_certificates": False,
        "proxy_url": proxy,
        "connect_timeout": timedelta(seconds=10),
        "read_timeout": timedelta(seconds=60),
        "timeout": timedelta(hours=1),
        # The proxy passes on one request a connection.
        "pool_max_idle_per_host": "0",
    }
    if account.certificate:
        options["root_certificate"] = account.certificate
    return options
