"""``gristmill up`` as a person starts it: one real process, its lines, its ports, its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import httpx
import psutil
import pytest

pytestmark = pytest.mark.not_on_cluster("it is about `gristmill up` as it stands alone")

READY = re.compile(r"Gristmill is ready at (https?://\S+)(?: \(CA: (.+)\))?")
FIRST_KEY = re.compile(r"The API key of the user admin, shown only this once: (\S+)")
START_SECONDS = 60
STOP_SECONDS = 30


class Server:
    """A server process and what it has written to standard output so far."""

    def __init__(self, data_dir: Path, *arguments: str, **environment: str) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("GRISTMILL_")}
        given = {"GRISTMILL_DATA_DIR": str(data_dir), "GRISTMILL_PORT": "0", "GRISTMILL_HTTP_PORT": "0"} | environment
        self.data_dir = data_dir
        self.lines: list[str] = []
        self._arriving: Queue[str] = Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gristmill", "up", *arguments],
            env=own | given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = Thread(target=self._read)
        self._reader.start()

    def ready(self) -> str:
        """Wait for the ready line; return the URL in it."""
        while True:
            try:
                self.lines.append(self._arriving.get(timeout=START_SECONDS))
            except Empty as error:
                raise AssertionError(f"not ready within {START_SECONDS} s: {self.lines}") from error
            assert self.lines[-1], f"ended before it was ready: {self.lines}"
            found = READY.fullmatch(self.lines[-1])
            if found:
                return found[1]

    def listening(self) -> set[tuple[str, int]]:
        """Return addresses and ports on which the process accepts connections."""
        connections = psutil.Process(self.process.pid).net_connections("tcp")
        return {(one.laddr.ip, one.laddr.port) for one in connections if one.status == psutil.CONN_LISTEN}

    def plain_url(self) -> str:
        """Return the URL of the plain listener."""
        (port,) = {port for _, port in self.listening()} - {int(self.url.rpartition(":")[2])}
        return f"http://127.0.0.1:{port}"

    @property
    def url(self) -> str:
        """The URL of the ready line."""
        found = READY.fullmatch(self.lines[-1])
        assert found
        return found[1]

    def client(self) -> httpx.Client:
        """Return a client that trusts the server's own authority only."""
        import ssl

        return httpx.Client(
            base_url=self.url, verify=ssl.create_default_context(cafile=self.data_dir / "tls" / "ca.pem")
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Signal the process; return its exit code and what it wrote to standard error."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what it wrote to standard error."""
        code = self.process.wait(timeout=STOP_SECONDS)
        self._reader.join()
        assert self.process.stderr
        with self.process.stderr as stream:
            return code, stream.read()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as stream:
            for line in stream:
                self._arriving.put(line.rstrip("\n"))
        self._arriving.put("")


@contextmanager
def up(data_dir: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """Start a server; end it, whatever happens."""
    server = Server(data_dir, *arguments, **environment)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.ended()


def _key(server: Server) -> str:
    found = FIRST_KEY.fullmatch(server.lines[0])
    assert found, server.lines
    return found[1]


def test_the_first_start_prints_the_key_and_the_second_does_not(tmp_path: Path) -> None:
    with up(tmp_path / "data") as server:
        server.ready()
        key = _key(server)
        assert len(server.lines) == 2
        with server.client() as client:
            answer = client.post("/icp4d-api/v1/authorize", json={"username": "admin", "api_key": key})
            assert answer.status_code == 200
        assert server.end()[0] == 0

    with up(tmp_path / "data") as server:
        server.ready()
        assert len(server.lines) == 1
        with server.client() as client:
            assert client.post("/identity/token", data={"apikey": key}).status_code == 200
        code, log = server.end(signal.SIGINT)
        assert (code, "Traceback" in log, key in log) == (0, False, False)


def test_tls_is_verified_by_the_printed_authority_only_and_headers_tell_little(tmp_path: Path) -> None:
    with up(tmp_path / "data") as server:
        url = server.ready()
        found = READY.fullmatch(server.lines[-1])
        assert found
        assert found[2] == str(tmp_path / "data" / "tls" / "ca.pem")

        with server.client() as client:
            answer = client.get("/ml/wml_services/v2/version")
        assert answer.json() == {"version": "5.3.0"}
        assert "server" not in answer.headers
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(url)


def test_the_plain_listener_is_on_loopback_even_if_the_other_is_everywhere(tmp_path: Path) -> None:
    with up(tmp_path / "data", GRISTMILL_HOST="0.0.0.0") as server:
        server.ready()
        port = int(server.url.rpartition(":")[2])
        plain = int(server.plain_url().rpartition(":")[2])

        assert server.listening() == {("0.0.0.0", port), ("127.0.0.1", plain)}
        assert httpx.get(f"{server.plain_url()}/readyz").json() == {"status": "ok"}
        assert socket.gethostname() in server.url


def test_an_option_wins_over_the_environment_and_a_given_key_is_not_printed(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--http-port", "none", "--no-tls", GRISTMILL_ADMIN_API_KEY="k") as server:
        url = server.ready()

        assert server.lines == [f"Gristmill is ready at {url}"]
        assert url.startswith("http://")
        assert len(server.listening()) == 1
        answer = httpx.post(f"{url}/icp4d-api/v1/authorize", json={"username": "admin", "api_key": "k"})
        assert answer.status_code == 200


@pytest.mark.parametrize("setting", ["PORT", "HTTP_PORT"])
def test_a_port_in_use_is_one_clear_line(tmp_path: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with up(tmp_path / "data", **{f"GRISTMILL_{setting}": str(port)}) as server:
            code, log = server.ended()

    assert code == 1
    assert log.count("\n") == 1
    assert f"Port {port} of 127.0.0.1 is in use" in log
    assert f"GRISTMILL_{setting}" in log
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("environment", "code", "expected"),
    [
        ({"GRISTMILL_PORT": "x"}, 2, "GRISTMILL_PORT: "),
        ({"GRISTMILL_SECRET_KEY": "short"}, 1, "GRISTMILL_SECRET_KEY"),
        ({"GRISTMILL_DATABASE_URL": "postgresql://127.0.0.1:1/none"}, 1, "The database cannot be used"),
        ({"GRISTMILL_DATABASE_URL": "rubbish"}, 1, "GRISTMILL_DATABASE_URL"),
        ({"GRISTMILL_DATA_DIR": "/proc/gristmill"}, 1, "/proc/gristmill"),
        ({"GRISTMILL_TLS_CERT": "/no.pem", "GRISTMILL_TLS_KEY": "/no.key"}, 1, "/no.pem"),
        ({"GRISTMILL_HOST": "no.such.host.invalid"}, 1, "no.such.host.invalid"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    tmp_path: Path, environment: dict[str, str], code: int, expected: str
) -> None:
    with up(tmp_path / "data", **environment) as server:
        ended, log = server.ended()

    events = [line for line in log.splitlines() if not re.match(r"\d{4}-", line)]
    assert (ended, len(events)) == (code, 1), log
    assert expected in events[0]


def test_two_servers_that_start_at_once_share_what_they_make(tmp_path: Path) -> None:
    with up(tmp_path / "data") as one, up(tmp_path / "data") as two:
        one.ready()
        two.ready()

        first = [server for server in (one, two) if len(server.lines) == 2]
        assert len(first) == 1
        for server in (one, two):
            with server.client() as client:
                assert client.post("/identity/token", data={"apikey": _key(first[0])}).status_code == 200
        assert (one.end()[0], two.end()[0]) == (0, 0)


def test_a_body_over_the_limit_is_answered_though_the_client_is_still_sending(tmp_path: Path) -> None:
    with up(tmp_path / "data", GRISTMILL_MAX_BODY_BYTES="1000") as server:
        server.ready()
        with server.client() as client:
            for content in (b" " * 20_000_000, (b" " * 65_536 for _ in range(300))):
                answer = client.post("/icp4d-api/v1/authorize", content=content)
                assert answer.status_code == 413
                assert "1000 bytes" in answer.json()["errors"][0]["message"]


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with up(tmp_path / "data", GRISTMILL_GRACE_SECONDS="600") as server:
        server.ready()
        # A request that never ends keeps the server waiting.
        with socket.create_connection(("127.0.0.1", int(server.plain_url().rpartition(":")[2]))) as half:
            half.sendall(b"POST /v2/spaces HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
            half.sendall(b"12345")
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(timeout=2)
            assert server.end(signal.SIGTERM)[0] == 128 + signal.SIGTERM
