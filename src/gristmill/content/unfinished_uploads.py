"""Uploads in parts that were begun and not finished: the library neither lists nor ends what others have begun."""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import httpx

from gristmill.content.bucket import Bucket
from gristmill.content.content import ContentUnreachable

_SERVICE = "s3"
_ALGORITHM = "AWS4-HMAC-SHA256"
_EMPTY = hashlib.sha256(b"").hexdigest()
_UPLOAD = re.compile(r"<Upload>(.*?)</Upload>", re.DOTALL)
_OURS = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/(?=\1\2)[0-9a-f]{32}")
_PAGE = 1000
_MOST_PAGES = 100
_FIRST_ERROR = 300
_NOT_FOUND = 404
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Upload:
    path: str
    upload_id: str
    begun_at: datetime


class UnfinishedUploads:
    """Those below the prefix of one bucket whose objects would be content of ours."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def abort(self, *, older_than_seconds: float) -> int:
        """End those that were begun so long ago, so that their parts take no room; return how many."""
        oldest = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            old = [each for each in self._all(client) if each.begun_at < oldest]
            for each in old:
                self._ask(client, "DELETE", each.path, {"uploadId": each.upload_id})
        return len(old)

    def _all(self, client: httpx.Client) -> Iterator[_Upload]:
        more: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            query = {"uploads": "", "prefix": self._bucket.prefix, "max-uploads": str(_PAGE), **more}
            text = self._ask(client, "GET", "", query)
            found = [_upload(entry) for entry in _UPLOAD.findall(text)]
            yield from (each for each in found if self._is_ours(each.path))
            if _field(text, "IsTruncated") != "true" or not found:
                return
            more = {"key-marker": found[-1].path, "upload-id-marker": found[-1].upload_id}

    def _is_ours(self, path: str) -> bool:
        return path.startswith(self._bucket.prefix) and bool(_OURS.fullmatch(path[len(self._bucket.prefix) :]))

    def _ask(self, client: httpx.Client, method: str, path: str, query: Mapping[str, str]) -> str:
        url = f"{self._bucket.url}/{quote(path)}" if path else self._bucket.url
        asked = "&".join(f"{quote(name, safe='')}={quote(query[name], safe='')}" for name in sorted(query))
        signed = _signed(self._bucket, method, url, asked, now=datetime.now(UTC))
        try:
            answer = client.request(method, f"{url}?{asked}", headers=signed)
        except httpx.HTTPError as error:
            raise ContentUnreachable(f"{self._bucket.endpoint} did not answer, or broke off.") from error
        if answer.status_code >= _FIRST_ERROR and not (method == "DELETE" and answer.status_code == _NOT_FOUND):
            raise ContentUnreachable(f"{self._bucket.endpoint} answered {answer.status_code} to {method} of uploads.")
        return answer.text


def _upload(entry: str) -> _Upload:
    begun = datetime.fromisoformat(_field(entry, "Initiated"))
    return _Upload(_field(entry, "Key"), _field(entry, "UploadId"), begun)


def _field(text: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return html.unescape(found[1]) if found else ""


def _signed(bucket: Bucket, method: str, url: str, query: str, *, now: datetime) -> dict[str, str]:
    """Return the headers of a request without a body, by AWS Signature Version 4."""
    at, parsed = now.strftime("%Y%m%dT%H%M%SZ"), urlsplit(url)
    headers = {"host": parsed.netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": at}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = "\n".join((method, parsed.path, query, lines, names, _EMPTY))
    scope = f"{at[:8]}/{bucket.region}/{_SERVICE}/aws4_request"
    to_sign = "\n".join((_ALGORITHM, at, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{bucket.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"Credential={bucket.access_key}/{scope}"
    return {**headers, "authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"}
