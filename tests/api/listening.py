"""A reader of a stream of events, that gets them as they come: the usual test client waits for the end first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

Message = MutableMapping[str, Any]


@dataclass
class Reader:
    """What came: the status, and events as (name, id, data)."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def events(self) -> list[tuple[str, str, Any]]:
        """The whole events so far."""
        found = []
        for part in self.text.split("\n\n")[:-1]:
            lines = dict(line.split(": ", 1) for line in part.splitlines() if ": " in line)
            if "event" in lines:
                found.append((lines["event"], lines.get("id", ""), json.loads(lines["data"])))
        return found

    @property
    def lines(self) -> list[str]:
        """All lines of the log."""
        return [line for name, _, data in self.events if name == "log" for line in data["lines"]]

    @property
    def states(self) -> list[str]:
        """The states of the run, as they were told."""
        return [data["entity"]["job_run"]["state"] for name, _, data in self.events if name == "run"]


def listen(
    app: FastAPI,
    path: str,
    *,
    headers: dict[str, str],
    query: str = "",
    leave: Callable[[Reader], bool] = lambda _reader: False,
    within: float = 20.0,
) -> Reader:
    """Read until the stream ends, or ``leave`` says that it was enough."""
    reader = Reader()

    async def read() -> None:
        left = asyncio.Event()

        async def receive() -> Message:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                reader.status = message["status"]
                reader.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            reader.text += message.get("body", b"").decode()
            if leave(reader):
                left.set()

        sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": sent,
            "server": ("testserver", 80),
            "client": ("127.0.0.1", 1),
        }
        await asyncio.wait_for(app(scope, receive, send), within)

    asyncio.run(read())
    return reader
