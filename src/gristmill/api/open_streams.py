"""Streams that are open: each asks the database twice a second, so nobody may have any number of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gristmill.domain.errors import Busy


class OpenStreams:
    """Counts the streams of each user; used by the event loop's thread alone."""

    def __init__(self, most: int = 30) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def take(self, user_id: str) -> Callable[[], None]:
        """Count one more; return what counts it as closed.

        Raises:
            Busy: the user has as many as anyone may.

        """
        if self._open[user_id] >= self._most:
            raise Busy(
                f"You have {self._most} streams open, as many as one user may. Close a window that follows a run, "
                "or a `gristmill run logs --follow`.",
                code="too_many_streams",
                retry_seconds=5,
            )
        self._open[user_id] += 1
        return lambda: self._let_go(user_id)

    def _let_go(self, user_id: str) -> None:
        self._open[user_id] -= 1
        if not self._open[user_id]:
            del self._open[user_id]


class EventStream(StreamingResponse):
    """An answer of server-sent events that says when it is over, also to a client that left before it began."""

    def __init__(self, events: AsyncIterator[str], *, headers: Mapping[str, str], over: Callable[[], None]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._over = over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._over()
