"""Gristmill as a peer among its peers: `serve` and `work`, a process each; each key is a deployment of a function."""

from __future__ import annotations

import gzip
import http.client
import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench.peers.processes import free_port
from bench.peers.small_runs import PER_KEY, Start
from bench.server import Server

_FUNCTION = b"""
import time

def score(payload):
    return {"predictions": [{"values": [[time.time()]]}]}
"""
_AT_WORK = "queued,starting,running,canceling"


@contextmanager
def up(start: Start, *, two_processes: bool = True) -> Iterator[Gristmill]:
    """Start a server and a worker, which may have as many runs as the keys allow; or `gristmill up`."""
    port = free_port()
    settings = {"GRISTMILL_WORKER_SLOTS": str(start.at_once), "GRISTMILL_DATABASE_URL": start.database}
    settings["GRISTMILL_HTTP_PORT"] = str(port)
    made = Server(start.folder, **settings)
    with made.apart() if two_processes else made as server:
        space = server.new_space()
        yield Gristmill(server, port, space=space, deployments=deploy(server, space, start.keys))


def deploy(server: Server, space: str, number: int) -> list[str]:
    """Store a function that tells the time, and deploy it so many times, each to run twice at once; return the ids."""
    document = {
        "name": "nothing",
        "space_id": space,
        "software_spec": {"name": f"gristmill-py3.{sys.version_info.minor}"},
    }
    function = server.call("POST", "/ml/v4/functions", json=document)["metadata"]["id"]
    code = gzip.compress(_FUNCTION)
    server.call("PUT", f"/ml/v4/functions/{function}/code", params={"space_id": space}, content=code)
    light = _light_hardware(server, space)
    deployment = {"space_id": space, "asset": {"id": function}, "hardware_spec": {"id": light}}
    deployment["batch"] = {"max_running": PER_KEY}
    made = [server.call("POST", "/ml/v4/deployments", json={**deployment, "name": f"d{n}"}) for n in range(number)]
    return [one["metadata"]["id"] for one in made]


def _light_hardware(server: Server, space: str) -> str:
    """Make a specification of which the machine has room for all runs: the limit is to be that of the keys."""
    nodes = {"cpu": {"units": "100m"}, "mem": {"size": "256Mi"}, "num_nodes": 1}
    body = {"name": "light", "nodes": nodes}
    made = server.call("POST", "/v2/hardware_specifications", params={"space_id": space}, json=body)
    return str(made["metadata"]["asset_id"])


class Gristmill:
    """Speaks the REST API, a connection a thread."""

    def __init__(self, server: Server, port: int, *, space: str, deployments: Sequence[str]) -> None:
        self._address = f"127.0.0.1:{port}"
        self._headers = {"Authorization": server.client.headers["authorization"], "Content-Type": "application/json"}
        self._space, self._deployments = space, deployments
        self._own = threading.local()

    def submit(self, key: int) -> str:
        """Submit a deployment job."""
        body = {
            "name": "job",
            "space_id": self._space,
            "deployment": {"id": self._deployments[key]},
            "scoring": {"input_data": [{"values": [[1]]}]},
        }
        return str(self._call("POST", "/ml/v4/deployment_jobs", body)["metadata"]["id"])

    def ended(self, number: int) -> bool:  # noqa: ARG002 - the list knows
        """Ask the list for a job that has not."""
        path = f"/ml/v4/deployment_jobs?space_id={self._space}&state={_AT_WORK}&limit=1"
        return not self._call("GET", path)["resources"]

    def begun(self, runs: Sequence[str]) -> list[float]:
        """Read the times that the functions returned."""
        return [self._begun(run) for run in runs]

    def _begun(self, run: str) -> float:
        scoring = self._call("GET", f"/ml/v4/deployment_jobs/{run}?space_id={self._space}")["entity"]["scoring"]
        assert scoring["status"]["state"] == "completed", scoring["status"]
        return float(scoring["predictions"][0]["values"][0][0])

    def _call(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - any JSON
        # The standard library's client: it takes the least of the processors that are to be measured.
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(self._address, timeout=60)
        connection: http.client.HTTPConnection = self._own.connection
        connection.request(method, path, json.dumps(body) if body else None, self._headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text
        return json.loads(text)
