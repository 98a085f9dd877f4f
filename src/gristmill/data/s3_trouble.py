"""What an object store refuses, in the words of a connection. The store's own words are left out: they repeat keys."""

from __future__ import annotations

import re

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from gristmill.data.s3_account import S3Account
from gristmill.data.source import DataFailed
from gristmill.guard.address_guard import AddressRefused

_CODE = re.compile(r"<Code>([A-Za-z0-9]+)</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d+)")
_REGION = "properties.region"
_DENIED, _MISSING, _INVALID = "data_access_denied", "data_not_found", "data_invalid"

_STORIES = {
    "SignatureDoesNotMatch": (_DENIED, "the secret_key does not belong to the access_key"),
    "InvalidAccessKeyId": (_DENIED, "the access_key is not known there"),
    "AccessDenied": (_DENIED, "these keys have no right to do this with {what}"),
    "AllAccessDisabled": (_DENIED, "{what} is closed to everybody"),
    "ExpiredToken": (_DENIED, "the session_token is over"),
    "InvalidToken": (_DENIED, "the session_token is not good"),
    "RequestTimeTooSkewed": (_DENIED, "its clock and that of this server differ by too much"),
    "NoSuchBucket": (_MISSING, "there is no bucket {bucket}"),
    "InvalidBucketName": (_MISSING, "no bucket can be named {bucket}"),
    "NoSuchKey": (_MISSING, "there is no object {key} in bucket {bucket}"),
    "AuthorizationHeaderMalformed": (_INVALID, "its region is not {region}"),
    "PermanentRedirect": (_INVALID, "bucket {bucket} is reached by another endpoint or region"),
    "TemporaryRedirect": (_INVALID, "bucket {bucket} is reached by another endpoint or region"),
    "KeyTooLongError": (_INVALID, "{key} is too long a name"),
}


def trouble(
    error: Exception,
    account: S3Account,
    bucket: str,
    *,
    key: str | None = None,
    on_the_way: AddressRefused | str | None = None,
) -> DataFailed:
    """Return the failure that an exception of the library stands for. ``on_the_way``: why there was no connection."""
    code = _CODE.search(str(error))
    known = code and of_code(code[1], account, bucket, key=key)
    return known or _on_the_way(on_the_way, account) or _of_kind(error, account, bucket, key=key)


def of_code(code: str, account: S3Account, bucket: str, *, key: str | None = None) -> DataFailed | None:
    """Return the failure that a code of the protocol stands for; None where it is not one that we know."""
    if code not in _STORIES:
        return None
    kind, story = _STORIES[code]
    told = story.format(bucket=bucket, key=key, region=account.region, what=_what(bucket, key))
    return DataFailed(kind, f"{account.host}: {told}.", field=_REGION if kind == _INVALID and key is None else None)


def _on_the_way(reason: AddressRefused | str | None, account: S3Account) -> DataFailed | None:
    if isinstance(reason, AddressRefused):
        # It redirected there, or its name leads there now.
        return DataFailed(_DENIED, f"{account.host}: {reason.message}")
    return None if reason is None else DataFailed("data_unreachable", f"{reason}.")


def _of_kind(error: Exception, account: S3Account, bucket: str, *, key: str | None) -> DataFailed:
    what = _what(bucket, key)
    text = str(error)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return DataFailed(_DENIED, f"{account.host}: these keys do not open {what}.")
    if isinstance(error, FileNotFoundError):
        return DataFailed(_MISSING, f"{account.host}: there is no {what}.")
    if "certificate" in text.lower():
        return DataFailed("data_unreachable", f"{account.host}: its certificate is not trusted.")
    status = _STATUS.search(text)
    if status:
        return DataFailed("data_failed", f"{account.host} answered {status[1]} for {what}.")
    if "sending request" in text or "timed out" in text.lower():
        return DataFailed("data_unreachable", f"{account.host} broke off or did not answer.")
    return DataFailed("data_failed", f"{account.host} answered what cannot be understood. Is it an object store?")


def _what(bucket: str, key: str | None) -> str:
    return f"bucket {bucket}" if key is None else f"object {key} in bucket {bucket}"
