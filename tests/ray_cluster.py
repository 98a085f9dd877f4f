"""A real Ray cluster on this machine for tests: a head and a second node, each a raylet with processes of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from gristmill.launch.environments import Environment
from gristmill.launch.ray import RayLauncher
from gristmill.launch.ray_cluster import SETTINGS, Cluster
from tests.hosts import Host
from tests.ports import free_port

_START_SECONDS = 90.0
_STORE_BYTES = 80_000_000  # little less is allowed
_WORKER_PORTS = 200
SILENCE_SECONDS = 3.0
_QUICK = {"RAY_prestart_worker_first_driver": "0"}  # each would import Ray, for nothing


@dataclass
class RayNode:
    """A node: the process that started all others, and where it says so."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_ready(self) -> None:
        """Wait until it is a node of its cluster."""
        give_up = time.monotonic() + _START_SECONDS
        while b"Ray runtime started" not in self.log.read_bytes():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"no Ray node started: {self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def pids(self) -> list[int]:
        """Return the numbers of all of its processes."""
        return [self.process.pid, *(child.pid for child in psutil.Process(self.process.pid).children(recursive=True))]

    def has(self, pid: int) -> bool:
        """Tell whether a process is one of this node's."""
        return pid in self.pids()

    def kill(self) -> None:
        """End the machine, as it were: all of its processes at once, without a word."""
        for number in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait()


class RayCluster:
    """A cluster with a head of two processors; ``add`` gives it more nodes. This process may be its driver."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._nodes: list[RayNode] = []
        # Token authentication, as clusters have that were started without further thought.
        os.environ.update({**SETTINGS, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})
        self.address = f"{_own_address()}:{free_port()}"
        head = ["--head", f"--port={self.address.rpartition(':')[2]}", f"--node-ip-address={_own_address()}"]
        self._start([*head, "--include-dashboard=false", f"--temp-dir={directory / 'ray'}"], cpus=2, gib=2)

    def add(self, *, cpus: int, gib: int, host: Host | None = None) -> RayNode:
        """Start another node, on a machine of its own if there is a ``host``."""
        own = [f"--node-ip-address={host.address}"] if host else []
        return self._start([f"--address={self.address}", *own], cpus=cpus, gib=gib, within=host.enter if host else ())

    def processes(self) -> list[psutil.Process]:
        """Return all processes of its nodes, and of what works there."""
        alive = [node.process.pid for node in self._nodes if node.process.poll() is None]
        return [process for pid in alive for process in psutil.Process(pid).children(recursive=True)]

    def close(self) -> None:
        """End every process."""
        for node in reversed(self._nodes):
            if node.process.poll() is None:
                node.kill()

    def _start(self, words: list[str], *, cpus: int, gib: int, within: Sequence[str] = ()) -> RayNode:
        number = len(self._nodes)
        log = self._directory / f"node-{number}.log"
        # Below those that the kernel gives to anybody, and beside those of Ray's own parts.
        first = 11_000 + (os.getpid() % 20) * 1_000 + number % 5 * _WORKER_PORTS
        more = [f"--num-cpus={cpus}", f"--memory={gib * 2**30}", f"--object-store-memory={_STORE_BYTES}"]
        ports = [f"--min-worker-port={first}", f"--max-worker-port={first + _WORKER_PORTS - 1}"]
        command = [*within, str(Path(sys.executable).with_name("ray")), "start", "--block", "--disable-usage-stats"]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, *words, *more, *ports],
                env={**os.environ, **_QUICK},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        node = RayNode(process, log)
        self._nodes.append(node)
        node.wait_until_ready()
        return node


@contextlib.contextmanager
def launching(cluster: Cluster, directory: Path, environment: Environment) -> Iterator[RayLauncher]:
    """Have a launcher that takes a node for lost after three seconds; the connection stays."""
    connection = Cluster(cluster.ray, ours=False)
    made = RayLauncher(connection, directory=directory, environment=environment, silence_seconds=SILENCE_SECONDS)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def running_ray() -> Iterator[RayCluster]:
    """Run a cluster of two nodes; the second has three processors and 9 GiB."""
    directory = Path(tempfile.mkdtemp(prefix="ray-"))  # sockets need short names
    cluster = None
    try:
        cluster = RayCluster(directory)
        cluster.add(cpus=3, gib=9)
        yield cluster
    finally:
        if cluster is not None:
            cluster.close()
        shutil.rmtree(directory, ignore_errors=True)


def _own_address() -> str:
    """Return this machine's own address: Ray takes a loopback one for another machine's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
