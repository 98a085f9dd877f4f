"""Files of the web, by GET alone."""

from __future__ import annotations

import base64
import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from gristmill.data import file_names, http_get
from gristmill.data.http_download import Download, length, refuse
from gristmill.data.http_get import Broken, Getter
from gristmill.data.properties import Properties, invalid
from gristmill.data.source import ALWAYS, DataFailed, Entry, FileName, Wanted
from gristmill.guard.address_guard import AddressGuard, AddressRefused, parse

MOST_BYTES = 64 * 1024**3
_TOTAL_SECONDS = 6 * 3600.0


def connect(
    properties: Properties, guard: AddressGuard, *, stall_seconds: float = 60.0, wait_seconds: float = 0.25
) -> Http:
    """Read the properties; nothing is asked yet.

    A server that sends nothing for ``stall_seconds`` has broken off, and is asked again after ``wait_seconds``, and
    then after longer ones.
    """
    try:
        url = parse(properties.required("url"))
        guard.check_host(url.host)
    except AddressRefused as error:
        raise invalid("url", error.message.rstrip(".")) from None
    try:
        tls = http_get.trust(properties.text("ssl_certificate"))
    except ssl.SSLError:
        raise invalid("ssl_certificate", "it is no certificate in PEM form") from None
    return Http(
        url,
        Getter(
            guard=guard,
            tls=tls,
            secret_headers=_credentials(properties),
            total_seconds=_TOTAL_SECONDS,
            stall_seconds=stall_seconds,
            wait_seconds=wait_seconds,
        ),
    )


class Http:
    """Implements ``Files`` for one URL and what is below it: an empty name is the URL itself."""

    def __init__(self, url: httpx.URL, getter: Getter, *, most_bytes: int = MOST_BYTES) -> None:
        self._url = url
        self._getter = getter
        self._most_bytes = most_bytes
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what is under way in other threads, with their next block."""
        self._closed.set()

    def test(self) -> None:
        """Ask for the URL itself. Where it is a folder, that there is no page for it says nothing of its files."""
        try:
            self.size(FileName(name=""))
        except DataFailed as error:
            if error.code != "data_not_found" or not self._url.path.endswith("/"):
                raise

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:  # noqa: ARG002
        """Refuse."""
        raise DataFailed(
            "data_type_unsupported",
            "The web has no list of its files: name one by its path below the connection's URL.",
        )

    def size(self, file: FileName) -> int | None:
        """Return what the server says that the file's size is."""
        try:
            with self._getter.get(self._located(file), {}) as answer:
                refuse(answer, self._url.host, file.name)
                return length(answer)
        except Broken as error:
            raise DataFailed("data_unreachable", f"{self._url.host}: {http_get.story(error)}.") from None

    def fetch(self, file: FileName, target: Path, *, limit_bytes: int | None = None) -> int:
        """Download a file, or its beginning."""
        with target.open("wb") as copy:
            download = Download(
                url=self._located(file),
                copy=copy,
                name=file.name,
                getter=self._getter,
                limit_bytes=limit_bytes,
                most_bytes=self._most_bytes,
                closed=self._closed,
            )
            return download.run()

    def store(self, file: FileName, source: Path, wanted: Wanted = ALWAYS) -> None:  # noqa: ARG002
        """Refuse."""
        raise DataFailed(
            "data_type_unsupported",
            "A connection of type http only reads: write to an object store, a volume or a database.",
        )

    def _located(self, file: FileName) -> httpx.URL:
        if not file.name.strip("/"):
            return self._url
        below = quote("/".join(file_names.parts(file.name)))
        path, mark, query = self._url.raw_path.partition(b"?")
        return self._url.copy_with(raw_path=path.rstrip(b"/") + b"/" + below.encode("ascii") + mark + query)


def _credentials(properties: Properties) -> dict[str, str]:
    username, password = properties.text("username"), properties.text("password")
    if username is None and password is None:
        return {}
    pair = f"{username or ''}:{password or ''}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode("ascii")}
