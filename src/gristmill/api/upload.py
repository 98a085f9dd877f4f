"""Taking a body to disk while it comes, so that no body is ever in memory as a whole."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO, cast

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from gristmill.api.session import context

_IN_MEMORY_BYTES = 1024 * 1024
_WRITE_BYTES = 1024 * 1024


@asynccontextmanager
async def spooled(request: Request) -> AsyncIterator[BinaryIO]:
    """Yield the whole body as a file to read from; small ones never touch the disk."""
    staging = context(request).data_dir / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=str(staging)) as spool:
        pending = bytearray()
        async for chunk in request.stream():
            pending += chunk
            if len(pending) >= _WRITE_BYTES:
                await run_in_threadpool(spool.write, bytes(pending))
                pending.clear()
        spool.write(pending)
        spool.seek(0)
        yield cast("BinaryIO", spool)
