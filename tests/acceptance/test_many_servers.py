"""Any number of servers and workers over one PostgreSQL and one bucket, each on a disk of its own."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from tests.acceptance.fleet import fleet
from tests.acceptance.rest import Json, Rest
from tests.acceptance.server import Server
from tests.acceptance.work import Work
from tests.make import eventually
from tests.postgres import Postgres
from tests.s3 import ObjectStore

pytestmark = pytest.mark.not_on_cluster("it brings a fleet of its own, over PostgreSQL and a bucket")
FUNCTION = """
import socket, sys

def score(payload):
    print("a line of the log")
    return {"predictions": [{"values": [["done"]]}]}
"""
INLINE = {"input_data": [{"values": [[1]]}]}


def test_a_run_of_one_server_is_worked_on_elsewhere_and_read_from_any(
    tmp_path: Path, postgres: Postgres, object_store: ObjectStore
) -> None:
    # Nobody polls while the test lasts: what starts was rung for.
    with fleet(tmp_path, postgres, object_store, poll_seconds="3600") as up:
        one, other = up.serve(), up.serve()
        first, second = up.work(), up.work()
        with Rest(one) as at_one:
            at_one.enter_new_space()
            with Rest(other, space_id=at_one.space_id) as at_other:
                deployment = at_one.deployment(at_one.function(FUNCTION))
                _runs(at_one, at_other, deployment)
                # A worker that stops hands on, and the one that is left hears the bell of either server.
                up.stop(first)
                _runs(at_other, at_one, deployment)
                assert second.poll() is None


def test_wake_ups_that_are_lost_are_made_up_for_by_polling(
    tmp_path: Path, postgres: Postgres, object_store: ObjectStore
) -> None:
    with fleet(tmp_path, postgres, object_store, poll_seconds="0.3") as up:
        server = up.serve()
        up.work()
        with Rest(server) as rest:
            rest.enter_new_space()
            deployment = rest.deployment(rest.function(FUNCTION))
            for _ in range(3):
                _cut_every_connection(up.settings["database_url"])
                job_id = eventually(lambda: _submitted(rest, deployment), within=20)
                assert rest.ended(str(job_id), within=30)["state"] == "completed"


def test_a_run_goes_to_the_worker_that_has_its_labels_and_says_why_it_waits(
    tmp_path: Path, postgres: Postgres, object_store: ObjectStore
) -> None:
    with fleet(tmp_path, postgres, object_store) as up:
        server = up.serve()
        up.work()
        with Rest(server) as rest:
            rest.enter_new_space()
            asset = rest.function(FUNCTION)
            deployment = rest.deployment(asset)
            hardware = {"name": "S", "labels": ["gpu", "eu"]}
            job = rest.submit(deployment, INLINE, hardware_spec=hardware)
            free = rest.submit(rest.deployment(asset), INLINE)
            assert rest.ended(free["metadata"]["id"])["state"] == "completed"
            waiting = rest.job_run(job)["waiting"]["reason"]
            assert waiting.startswith("It asks for a worker with the labels eu,gpu; none is up"), waiting
            up.work(worker_labels="gpu,large,eu")
            assert rest.ended(job["metadata"]["id"])["state"] == "completed"
            workers = rest.call("GET", "/v1/workers", expect=200)["results"]
            assert sorted(worker["labels"] for worker in workers) == [[], ["eu", "gpu", "large"]]
            assert all("3.11" in worker["environments"] or worker["environments"] for worker in workers)


def test_servers_are_replaced_one_by_one_while_runs_come_and_none_is_lost_or_doubled(
    tmp_path: Path, postgres: Postgres, object_store: ObjectStore
) -> None:
    with fleet(tmp_path, postgres, object_store, lease_seconds="5", grace_seconds="2") as up:
        servers, workers = [up.serve(), up.serve()], [up.work(), up.work()]
        with Rest(servers[0]) as rest:
            space_id = rest.enter_new_space()
        work = Work(rest)
        for number in range(2):
            _submit(work, servers[1 - number], space_id)
            up.stop(servers[number].process)
            servers[number] = up.serve()
            _submit(work, servers[number], space_id)
            up.stop(workers[number])
            workers[number] = up.work()
        with Rest(servers[0], space_id=space_id) as work.rest:
            eventually(work.is_over, within=100, every=0.2)
            work.check()
            assert len(work.states()) == 12


def _submit(work: Work, server: Server, space_id: str) -> None:
    with Rest(server, space_id=space_id) as work.rest:
        work.submit(tables=2, calls=1)


def _runs(submitted_at: Rest, read_at: Rest, deployment: str) -> None:
    job = submitted_at.submit(deployment, INLINE)
    job_id = job["metadata"]["id"]
    assert read_at.ended(job_id, within=30)["state"] == "completed"
    for rest in (submitted_at, read_at):
        found = rest.job(job_id)
        assert found["entity"]["scoring"]["predictions"] == [{"values": [["done"]]}]
        assert "a line of the log" in rest.log(found)


def _submitted(rest: Rest, deployment: str) -> str | None:
    """Submit; None where the database was away in just that moment."""
    body: Json = {"name": "job", "space_id": rest.space_id, "deployment": {"id": deployment}, "scoring": INLINE}
    answer = rest.http.post("/ml/v4/deployment_jobs", params={"space_id": rest.space_id}, json=body)
    return str(answer.json()["metadata"]["id"]) if answer.is_success else None


def _cut_every_connection(url: str) -> None:
    plain = url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
