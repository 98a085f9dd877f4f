"""Users' code at its worst: it waits, dies, cannot be loaded; and inputs at their largest."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.rest import Json, Rest, cause
from tests.acceptance.server import Server
from tests.acceptance.work import module
from tests.make import eventually

MIB = 1024**2
PAYLOAD_BYTES = 50 * MIB
GROWTH_BYTES = 100 * MIB
LENGTHS = """
class Model:
    def predict(self, rows):
        return [len(str(row[0])) for row in rows.to_numpy()]
"""
CRASHING = """
import ctypes

class Model:
    def predict(self, rows):
        print("the last words")
        ctypes.string_at(0)
"""
CURIOUS = """
def score(payload):
    import os, socket
    from pathlib import Path

    def attempt(act):
        try:
            return repr(act())
        except Exception as error:
            return "refused: " + type(error).__name__

    data, server, host, port = payload["input_data"][0]["values"][0]
    seen = [
        attempt(lambda: Path(data, "gristmill.db").read_bytes()),
        attempt(lambda: Path(data, "secret.key").read_bytes()),
        attempt(lambda: os.listdir(Path(data, "tls"))),
        attempt(lambda: os.listdir(Path(data, "runs"))),
        attempt(lambda: Path(data, "content").rmdir()),
        attempt(lambda: Path(f"/proc/{server}/environ").read_bytes()),
        attempt(lambda: os.kill(server, 15)),
        attempt(lambda: socket.create_connection((host, port), 5).close()),
    ]
    return {"predictions": [{"fields": ["seen"], "values": [[each] for each in seen]}]}
"""
BROKEN = """
class Model:
    def __getstate__(self):
        return "anything"

    def __setstate__(self, state):
        raise ValueError("I do not come back")
"""


def test_what_a_function_prints_can_be_read_while_it_runs(rest: Rest, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    deployment = rest.deployment(rest.function(_waiting(go_on)))
    job = rest.submit(deployment, {"input_data": [{"values": [[1], [2]]}]})
    job_id = job["metadata"]["id"]
    eventually(lambda: "I wait for a file" in rest.log(rest.job(job_id)), within=30)
    assert rest.state(job_id) == "running"
    go_on.touch()
    assert rest.ended(job_id)["state"] == "completed"
    assert rest.job(job_id)["entity"]["scoring"]["predictions"] == [{"fields": ["n"], "values": [[2]]}]
    assert rest.log(rest.job(job_id))[-2:] == ["I wait for a file", "there it is"]


def test_a_run_that_is_canceled_ends_at_once(rest: Rest, tmp_path: Path) -> None:
    deployment = rest.deployment(rest.function(_waiting(tmp_path / "never")))
    job_id = rest.submit(deployment, {"input_data": [{"values": [[1]]}]})["metadata"]["id"]
    eventually(lambda: "I wait for a file" in rest.log(rest.job(job_id)), within=30)
    rest.call("DELETE", f"/ml/v4/deployment_jobs/{job_id}", expect=204)
    status = rest.ended(job_id, within=15)
    assert status["state"] == "canceled", status
    assert "failure" not in status
    # The run's place is free again.
    again = [rest.submit(deployment, {"input_data": [{"values": [[1]]}]})["metadata"]["id"] for _ in range(3)]
    eventually(lambda: [rest.state(each) for each in again].count("running") == 2, within=30)
    for each in again:
        rest.call("DELETE", f"/ml/v4/deployment_jobs/{each}", expect=204, params={"hard_delete": "true"})


def test_a_model_that_crashes_fails_alone(rest: Rest) -> None:
    deployment = rest.deployment(_stored(rest, "crashing", CRASHING))
    job_id = rest.submit(deployment, {"input_data": [{"values": [[1]]}]})["metadata"]["id"]
    code, message = cause(rest.ended(job_id))
    assert code == "segmentation_fault"
    assert "SIGSEGV" in message
    assert "the last words" in rest.log(rest.job(job_id))


def test_a_model_that_cannot_be_loaded_fails_within_seconds_and_says_why(rest: Rest) -> None:
    deployment = rest.deployment(_stored(rest, "broken", BROKEN))
    job_id = rest.submit(deployment, {"input_data": [{"values": [[1]]}]})["metadata"]["id"]
    code, message = cause(rest.ended(job_id, within=15))
    assert code == "model_load_failed"
    assert "I do not come back" in message
    log = rest.log(rest.job(job_id))
    assert "Traceback (most recent call last):" in log
    assert any("__setstate__" in line for line in log), log


def test_a_model_whose_package_is_missing_names_it(rest: Rest) -> None:
    deployment = rest.deployment(_stored(rest, "elsewhere", LENGTHS, travels=False))
    job_id = rest.submit(deployment, {"input_data": [{"values": [[1]]}]})["metadata"]["id"]
    code, message = cause(rest.ended(job_id, within=15))
    assert code == "model_load_failed"
    assert "elsewhere" in message


def test_user_code_reaches_nothing_of_the_server_but_its_api(server: Server, rest: Rest) -> None:
    host, port = server.url.removeprefix("https://").split(":")
    row = [str(server.data_dir), server.process.pid, host, int(port)]
    curious = rest.function(CURIOUS)
    for network, reached in ((True, "None"), (False, "refused: ConnectionRefusedError")):
        deployment = rest.deployment(curious, network=network)
        job_id = rest.submit(deployment, {"input_data": [{"values": [row]}]})["metadata"]["id"]
        assert rest.ended(job_id)["state"] == "completed"
        job = rest.job(job_id)
        values = [value for (value,) in job["entity"]["scoring"]["predictions"][0]["values"]]
        assert [value for value in values[:-1] if not value.startswith("refused: ")] == []
        assert values[-1] == reached
        run = rest.job_run(job)
        assert {"landlock", "pidns", "mountns", "capabilities"} <= set(run["isolation"])
        assert ("netns" in run["isolation"]) is not network
        assert run["peak_memory_bytes"] > MIB
        assert run["cpu_seconds"] > 0


def test_a_large_payload_streams_through_the_server(server: Server, rest: Rest) -> None:
    deployment = rest.deployment(_stored(rest, "wide", LENGTHS))
    row = json.dumps(["x" * 1000, 1.5, 2.5]).encode()
    rows = PAYLOAD_BYTES // len(row)
    with _growth(server) as growth:
        answer = rest.call(
            "POST", "/ml/v4/deployment_jobs", expect=202, content=_payload(rest, deployment, row, rows=rows)
        )
        status = rest.ended(answer["metadata"]["id"], within=120)
    assert status["state"] == "completed", status
    assert status["progress"]["rows_done"] == rows
    assert max(growth) < GROWTH_BYTES, f"{max(growth) / MIB:.0f} MiB more"


def test_a_body_over_the_limit_is_refused_before_it_is_read(server: Server, rest: Rest) -> None:
    host, port = server.url.removeprefix("https://").split(":")
    trust = ssl.create_default_context(cafile=str(server.ca))
    head = (
        f"POST /ml/v4/deployment_jobs HTTP/1.1\r\nHost: {host}\r\nContent-Length: {2**40}\r\n"
        f"Authorization: {rest.http.headers['Authorization']}\r\nExpect: 100-continue\r\n\r\n"
    )
    plain = socket.create_connection((host, int(port)), timeout=10)
    with trust.wrap_socket(plain, server_hostname=host) as secured:
        secured.sendall(head.encode())
        answer = secured.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413"), answer


def _waiting(path: Path) -> str:
    return f"""
import time
from pathlib import Path

def score(payload):
    print("I wait for a file")
    while not Path({str(path)!r}).exists():
        time.sleep(0.02)
    print("there it is")
    return {{"predictions": [{{"fields": ["n"], "values": [[len(payload["input_data"][0]["values"])]]}}]}}
"""


def _stored(rest: Rest, name: str, source: str, *, travels: bool = True) -> str:
    """Store an instance of the class ``Model`` in the module's source; the source travels with it, or stays at home."""
    with module(name, source) as made:
        return rest.model(made.Model(), modules={name: source} if travels else {})


def _payload(rest: Rest, deployment: str, row: bytes, *, rows: int) -> Iterator[bytes]:
    begin: Json = {"name": "large", "space_id": rest.space_id, "deployment": {"id": deployment}}
    yield json.dumps(begin).encode()[:-1] + b', "scoring": {"input_data": [{"fields": ["a", "b", "c"], "values": ['
    block = (row + b",") * 1000
    for _ in range(rows // 1000):
        yield block
    yield (row + b",") * (rows % 1000 - 1) + row + b"]}]}}"


@contextmanager
def _growth(server: Server) -> Iterator[list[int]]:
    """Watch how much memory the server takes more than now, in bytes."""
    before, seen, over = server.resident_bytes(), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            seen.append(server.resident_bytes() - before)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()
