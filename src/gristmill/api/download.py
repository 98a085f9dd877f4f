"""Content on its way to a client: streamed, never shown by a browser as a page of this server."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from fastapi.responses import StreamingResponse


def download(name: str, blocks: Iterator[bytes], *, size: int | None = None) -> StreamingResponse:
    """Return an answer with the bytes; ``size`` is announced where it is known."""
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "x-content-type-options": "nosniff",
    }
    if size is not None:
        headers["content-length"] = str(size)
    return StreamingResponse(blocks, media_type="application/octet-stream", headers=headers)
