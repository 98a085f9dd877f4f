"""The CLI's way to the server: requests with a token that is renewed by itself, and refusals as one line."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from gristmill.cli.failures import CommandFailed, Refused, Unreachable
from gristmill.cli.profile import Profile

Json = dict[str, Any]
_TIMEOUT = httpx.Timeout(300, connect=10)
_ATTEMPTS = 3
_BETWEEN_SECONDS = 0.5
# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_MISMATCH and _IP_ADDRESS_MISMATCH: no other CA would help.
_OTHER_NAME = frozenset({62, 63, 64})


class Client:
    """One user's session with one server. ``transport`` stands in for the network, in tests."""

    def __init__(self, profile: Profile, *, transport: httpx.BaseTransport | None = None) -> None:
        self.profile = profile
        self._token: str | None = None
        verify = _trust(profile) if profile.url.startswith("https") and transport is None else True
        try:
            self._http = httpx.Client(base_url=profile.url, verify=verify, timeout=_TIMEOUT, transport=transport)
        except httpx.InvalidURL as error:
            raise CommandFailed(f"{profile.url!r} is not the URL of a server: {error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, /, **params: object) -> Json:
        """Return the document at the path. Parameters that are None are left out, here and everywhere."""
        return self.call("GET", path, params=params)

    def post(self, path: str, document: object = None, **params: object) -> Json:
        """Send a document; return the answer."""
        return self.call("POST", path, params=params, json=document)

    def patch(self, path: str, operations: list[Json], **params: object) -> Json:
        """Send a JSON patch; return the answer."""
        return self.call("PATCH", path, params=params, json=operations)

    def delete(self, path: str, **params: object) -> None:
        """Delete what is at the path."""
        self.call("DELETE", path, params=params)

    def put(self, path: str, content: bytes | Iterable[bytes], **params: object) -> Json:
        """Upload bytes, or a file, which is streamed; return the answer."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.call("PUT", path, params=params, content=content, headers=headers)

    def call(self, method: str, path: str, *, params: Mapping[str, object], **request: Any) -> Json:  # noqa: ANN401
        """Send a request; return the answer's document, empty where there is none.

        Raises:
            Refused: the server says no.
            Unreachable: no answer came.

        """
        with self._answered(method, path, params=params, **request) as answer:
            answer.read()
            if not answer.content:
                return {}
            try:
                document: Json = answer.json()
            except ValueError as error:
                what = f"{method} {path} was answered with something that is not JSON"
                raise CommandFailed(f"{what}; is {self.profile.url} a Gristmill server?") from error
            return document

    def stream(self, path: str, **params: object) -> Iterator[bytes]:
        """Yield the bytes at the path as they come; links that the server made, with their query, will do too."""
        with self._answered("GET", path, params=params) as answer, _told(self.profile.url):
            yield from answer.iter_bytes()

    def log_in(self) -> None:
        """Get a token for the API key.

        Raises:
            Refused: the key opens nothing here.
            CommandFailed: it is none.

        """
        if not self.profile.api_key.isprintable():
            raise CommandFailed(
                "The API key has characters that no API key has. Check GRISTMILL_API_KEY, or log in anew."
            )
        with _told(self.profile.url):
            answer = self._http.post("/icp4d-api/v1/authorize", json={"api_key": self.profile.api_key})
        if not answer.is_success:
            raise _refusal(answer)
        try:
            self._token = str(answer.json()["token"])
        except (ValueError, KeyError, TypeError) as error:
            raise CommandFailed(f"{self.profile.url} gave no token; is it a Gristmill server?") from error

    @contextmanager
    def _answered(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:  # noqa: ANN401
        """Have an answer that is a success, its body still to be read."""
        if self._token is None:
            self.log_in()
        answer = self._sent(method, path, **request)
        replayable = isinstance(request.get("content", b""), bytes)
        if answer.status_code == httpx.codes.UNAUTHORIZED and replayable:
            # Tokens last for hours, but who follows a log may stay for days.
            answer.close()
            self.log_in()
            answer = self._sent(method, path, **request)
        try:
            if not answer.is_success:
                with _told(self.profile.url):
                    answer.read()
                raise _refusal(answer)
            yield answer
        finally:
            answer.close()

    def _sent(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401
        given, params = request.pop("headers", {}), request.pop("params", {})
        headers = {**given, "Authorization": f"Bearer {self._token}"}
        wanted = {name: _text(value) for name, value in params.items() if value is not None}
        # With params, even empty ones, httpx forgets the query that the path has.
        try:
            prepared = self._http.build_request(method, path, params=wanted or None, headers=headers, **request)
        except httpx.InvalidURL as error:
            raise CommandFailed(f"A name or id is none that anything could have: {error}.") from error
        attempts = _ATTEMPTS if method == "GET" or "Idempotency-Key" in headers else 1
        with _told(self.profile.url):
            for _ in range(attempts - 1):
                try:
                    return self._http.send(prepared, stream=True)
                except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                    time.sleep(_BETWEEN_SECONDS)
            return self._http.send(prepared, stream=True)


def _trust(profile: Profile) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=profile.ca)
    except (OSError, ssl.SSLError) as error:
        raise CommandFailed(f"The CA's certificate {profile.ca} cannot be read: {error}.") from error


@contextmanager
def _told(url: str) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        # The last comes of a host that no name server could be asked for.
        raise Unreachable(_why(error, url)) from error


def _why(error: Exception, url: str) -> str:
    refused = next((each for each in _chain(error) if isinstance(each, ssl.SSLCertVerificationError)), None)
    if refused is not None and refused.verify_code in _OTHER_NAME:
        return f"The certificate of {url} is another server's: {refused.verify_message}"
    if refused is not None:
        return (
            f"The certificate of {url} is not trusted ({refused.verify_message}). Name the CA that proves it with "
            "`gristmill login --ca PATH`; `gristmill up` prints the path of its own."
        )
    if isinstance(error, httpx.TimeoutException):
        return f"{url} did not answer in time."
    return f"{url} does not answer: {str(error).rstrip('.') or type(error).__name__}. Is the server running there?"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refusal(answer: httpx.Response) -> Refused:
    """Return the wire's first error; what is not the wire's, such as a proxy's page, is told by its status."""
    try:
        first = answer.json()["errors"][0]
        return Refused(str(first["message"]), status=answer.status_code, code=str(first.get("code", "")))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        request = f"{answer.request.method} {answer.request.url.path}"
        return Refused(
            f"{request} was answered {answer.status_code} {answer.reason_phrase}".rstrip() + ".",
            status=answer.status_code,
        )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
