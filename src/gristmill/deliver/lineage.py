"""Where lineage goes: a backend of OpenLineage over HTTP, or a file of JSON lines."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import httpx

from gristmill.deliver.channel import DeliveryFailed
from gristmill.deliver.http_status import is_permanent, retry_after_seconds
from gristmill.deliver.reason import reason, url_secrets

_SECONDS = 20.0
_EXCERPT = 500


class LineageSink(Protocol):
    """A place for events of lineage. May be used from several threads at once."""

    def send(self, event: Mapping[str, Any]) -> None:
        """Hand an event over; returns when it is there.

        Raises:
            DeliveryFailed: it did not get through, or nobody knows whether it did.

        """


class HttpLineage:
    """Implements ``LineageSink`` with a POST of each event, as OpenLineage's HTTP transport does.

    The URL is an administrator's, so it may lead into the house; ``api_key`` is sent as a bearer's.
    """

    def __init__(self, url: str, api_key: str | None) -> None:
        self._url = url
        self._secrets = (*url_secrets(url), *([api_key] if api_key else []))
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(timeout=_SECONDS, headers={"User-Agent": "Gristmill", **headers})

    def send(self, event: Mapping[str, Any]) -> None:
        """Post the event; any 2xx answer says that it was taken."""
        try:
            answer = self._client.post(self._url, json=event)
        except httpx.HTTPError as error:
            story = f"The place for lineage cannot be reached: {error or type(error).__name__}"
            raise DeliveryFailed(reason(story, self._secrets), permanent=False) from error
        if answer.is_success:
            return
        story = f"The place for lineage answered {answer.status_code}: {answer.text[:_EXCERPT]}"
        permanent = is_permanent(answer.status_code)
        wait = None if permanent else retry_after_seconds(answer.headers.get("retry-after"), now=datetime.now(UTC))
        raise DeliveryFailed(reason(story, self._secrets), permanent=permanent, retry_after_seconds=wait)


class FileLineage:
    """Implements ``LineageSink`` with a line of JSON at the end of a file, synced; several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, event: Mapping[str, Any]) -> None:
        """Add the event."""
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                # One write: lines of others do not come between.
                written = os.write(descriptor, line)
                if written < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise DeliveryFailed(f"{self._path} cannot be written: {error.strerror}", permanent=False) from error
