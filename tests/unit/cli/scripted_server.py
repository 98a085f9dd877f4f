"""A server that answers from a script: a transport for the CLI's client, which keeps what was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx

from gristmill.cli.client import Client
from gristmill.cli.profile import Profile

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
PROFILE = Profile(url="https://gristmill.test", api_key="secret", space_id="the-space")


class ScriptedServer(httpx.BaseTransport):
    """Gives out tokens, numbered from 1; to everything else it gives the next answer of its script."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.tokens = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        if request.url.path == "/icp4d-api/v1/authorize":
            self.tokens += 1
            return httpx.Response(200, json={"token": f"token {self.tokens}"})
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    def client(self) -> Client:
        """Return a client of this server."""
        return Client(PROFILE, transport=self)


def refusal(status: int, message: str, code: str = "a_code") -> httpx.Response:
    """Return a refusal as the wire has it."""
    return httpx.Response(status, json={"errors": [{"code": code, "message": message}]})
