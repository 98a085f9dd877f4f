"""Data behind connections: a real PostgreSQL and a real object store, over the wire and over the real client."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.linear_model import LogisticRegression
from tests.acceptance.code_jobs import asset, ended, job, started
from tests.acceptance.rest import Json, Rest, cause
from tests.acceptance.server import API_KEY, Server, environment, running, start
from tests.conformance.data.relay import relay
from tests.make import eventually
from tests.postgres import Postgres
from tests.s3 import ObjectStore
from typer.testing import CliRunner, Result

from gristmill.cli.main import application

ROWS = 1_000
SLOW_MODEL_ROWS = 40
STORY_SECONDS = 240


@dataclass(frozen=True)
class Clinic:
    """A database of a user, and what is in it."""

    postgres: Postgres
    url: str

    @property
    def name(self) -> str:
        return self.url.partition("@/")[2].partition("?")[0]

    @property
    def properties(self) -> dict[str, str]:
        return {"host": str(self.postgres.directory), "username": "postgres", "database": self.name}

    def rows(self, query: str) -> list[Any]:
        with psycopg.connect(host=str(self.postgres.directory), user="postgres", dbname=self.name) as connection:
            return connection.execute(query.encode()).fetchall()

    def do(self, *statements: str) -> None:
        with psycopg.connect(host=str(self.postgres.directory), user="postgres", dbname=self.name) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture(scope="module")
def clinic(postgres: Postgres) -> Iterator[Clinic]:
    made = Clinic(postgres, postgres.new_empty_database())
    made.do(
        "CREATE TABLE patients (id int PRIMARY KEY, a double precision, b double precision)",
        f"INSERT INTO patients SELECT n, n % 5, n % 3 FROM generate_series(1, {ROWS}) n",
    )
    yield made
    postgres.drop(made.url)


@pytest.fixture(scope="module")
def settings(postgres: Postgres) -> dict[str, str]:
    """What lets a server reach the two: a socket in a folder, and loopback."""
    return {"data_folders": str(postgres.directory), "allowed_networks": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def server(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server") / "data", **settings) as started:
        yield started


@pytest.fixture(scope="module")
def model() -> LogisticRegression:
    inputs = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    return LogisticRegression().fit(inputs, [0, 0, 1, 1])


@pytest.fixture(scope="module")
def deployment(rest: Rest, model: LogisticRegression) -> str:
    return rest.deployment(rest.model(model, fields=(("a", "double"), ("b", "double"))))


def connection(rest: Rest, kind: str, properties: dict[str, str]) -> str:
    body = {"name": kind, "datasource_type": kind, "properties": properties}
    made = rest.call("POST", "/v2/connections", expect=201, json=body, params={"test": "true"})
    return str(made["metadata"]["asset_id"])


def behind(connection_id: str, **location: str) -> Json:
    return {"type": "connection_asset", "connection": {"id": connection_id}, "location": location}


def test_a_table_is_scored_into_a_table(rest: Rest, clinic: Clinic, deployment: str, model: LogisticRegression) -> None:
    connection_id = connection(rest, "postgresql", clinic.properties)
    scoring = {
        "input_data_references": [behind(connection_id, schema_name="public", table_name="patients")],
        "output_data_reference": behind(connection_id, schema_name="public", table_name="scores"),
    }
    job = rest.submit(deployment, scoring)
    status = rest.ended(job["metadata"]["id"])
    assert status["state"] == "completed", status
    found = clinic.rows("SELECT id, a, b, prediction FROM scores ORDER BY id")
    assert len(found) == ROWS
    inputs = pd.DataFrame([row[1:3] for row in found], columns=["a", "b"])
    assert [row[3] for row in found] == model.predict(inputs).tolist()
    said = "\n".join(rest.log(job))
    assert f"Read input: table public.patients of connection postgresql: {ROWS:,} rows" in said
    assert "Writing the results to public.scores." in said
    location = rest.job(job["metadata"]["id"])["entity"]["scoring"]["output_data_reference"]["location"]
    assert location == {"schema_name": "public", "table_name": "scores"}


def test_an_empty_table_gives_an_empty_table(rest: Rest, clinic: Clinic, deployment: str) -> None:
    clinic.do("CREATE TABLE nobody (id int, a double precision, b double precision)")
    connection_id = connection(rest, "postgresql", clinic.properties)
    scoring = {
        "input_data_references": [behind(connection_id, path="/public/nobody")],
        "output_data_reference": behind(connection_id, path="/public/none_of_them", write_mode="truncate"),
    }
    status = rest.ended(rest.submit(deployment, scoring)["metadata"]["id"])
    assert status["state"] == "completed", status
    assert clinic.rows("SELECT id, a, b FROM none_of_them") == []


def test_the_command_line_from_a_connection_to_its_scores(
    server: Server, rest: Rest, clinic: Clinic, deployment: str, tmp_path: Path
) -> None:
    variables = {
        "GRISTMILL_URL": server.url,
        "GRISTMILL_CA": str(server.ca),
        "GRISTMILL_API_KEY": API_KEY,
        "GRISTMILL_SPACE": rest.space_id,
        "GRISTMILL_CONFIG_DIR": str(tmp_path),
        "GRISTMILL_CONNECTION_PASSWORD": "not asked for by this database",
    }

    def ran(*arguments: str) -> Result:
        return CliRunner().invoke(application, arguments, env=variables, prog_name="gristmill")

    def does(*arguments: str) -> str:
        ended = ran(*arguments)
        assert ended.exit_code == 0, f"{arguments}: {ended.output} {ended.exception}"
        return ended.stdout

    properties = [f"--property={name}={value}" for name, value in clinic.properties.items()]
    does("connection", "create", "clinic", "--type", "postgresql", *properties, "--secret", "password")
    wrong = ran("connection", "create", "wrong", "--type", "postgresql", *properties, "--property=port=1")
    assert (wrong.exit_code, "cannot be reached" in wrong.output or "refused" in wrong.output) == (1, True), (
        wrong.output
    )
    assert "clinic" in does("connection", "list")
    assert "wrong" not in does("connection", "list")
    assert "not asked for" not in does("connection", "get", "clinic", "--output", "json")
    assert "The connection clinic works." in does("connection", "test", "clinic")
    assert "/public/patients" in does("connection", "browse", "clinic", "/public")
    assert "stored only" in does("connection", "types")
    work = ("--from", "clinic:/public/patients", "--to", "clinic:/public/by_command", "--write-mode", "truncate")
    does("job", "create", "weekly", "--deployment", deployment, *work)
    assert "by_command" in does("job", "start", "weekly")
    assert "by_command" in does("job", "run", deployment, *work)
    assert clinic.rows("SELECT count(*) FROM by_command") == [(ROWS,)]
    does("connection", "delete", "clinic", "--yes")
    assert ran("job", "start", "weekly").exit_code == 1


def test_results_that_could_not_be_written_are_kept_for_a_repair(rest: Rest, clinic: Clinic, deployment: str) -> None:
    clinic.do("CREATE TABLE narrow (id int)")
    connection_id = connection(rest, "postgresql", clinic.properties)
    scoring = {
        "input_data_references": [behind(connection_id, path="/public/patients")],
        "output_data_reference": behind(connection_id, path="/public/narrow"),
    }
    job = rest.submit(deployment, scoring)
    status = rest.ended(job["metadata"]["id"])
    code, message = cause(status)
    assert code == "data_mismatch"
    assert "The results cannot be written to public.narrow of connection postgresql" in message
    assert f"{ROWS:,} of {ROWS:,} rows are kept" in message
    assert clinic.rows("SELECT * FROM narrow") == []
    clinic.do("DROP TABLE narrow")
    place = job["entity"]["platform_job"]
    repaired = rest.call("POST", f"/v2/jobs/{place['job_id']}/runs/{place['run_id']}/repair", expect=201, json={})
    job_id = repaired["entity"]["job_run"]["runtime_job_id"]
    assert rest.ended(job_id)["state"] == "completed"
    assert clinic.rows("SELECT count(*) FROM narrow") == [(ROWS,)]
    assert rest.job_run(rest.job(job_id))["rows"]["resumed"] == ROWS


def test_an_object_is_scored_into_an_object(
    rest: Rest, object_store: ObjectStore, deployment: str, model: LogisticRegression
) -> None:
    bucket = object_store.new_bucket()
    inputs = pd.DataFrame({"a": [0.0, 3.0], "b": [1.0, 0.0]})
    object_store.store(bucket).put("in/patients.csv", inputs.to_csv(index=False).encode())
    connection_id = connection(rest, "generics3", object_store.properties(bucket))
    scoring = {
        "input_data_references": [behind(connection_id, file_name="in/patients.csv")],
        "output_data_reference": behind(connection_id, file_name="out/${run_id}.csv"),
    }
    job = rest.submit(deployment, scoring)
    status = rest.ended(job["metadata"]["id"])
    assert status["state"] == "completed", status
    name = f"out/{job['entity']['platform_job']['run_id']}.csv"
    found = pd.read_csv(io.BytesIO(bytes(object_store.store(bucket).get(name).bytes())))
    assert found["prediction"].tolist() == model.predict(inputs).tolist()
    location = rest.job(job["metadata"]["id"])["entity"]["scoring"]["output_data_reference"]["location"]
    assert location == {"file_name": name}


LARGE_OUTPUT = """
import os
with open(os.environ["BATCH_OUTPUT_DIR"] + "/large", "wb") as file:
    for _ in range(40):
        file.write(os.urandom(2**20))
"""


def test_cancel_is_heard_while_an_object_is_put_and_leaves_nothing_of_it(rest: Rest, object_store: ObjectStore) -> None:
    bucket, port = object_store.new_bucket(), int(object_store.url.rpartition(":")[2])
    with relay(port, holds=lambda first: b"partNumber=" in first) as slow:
        properties = {**object_store.properties(bucket), "url": f"http://127.0.0.1:{slow.port}"}
        place = behind(connection(rest, "generics3", properties), bucket=bucket, file_name="large.zip")
        script, _ = asset(rest, "script", "s.py", LARGE_OUTPUT.encode())
        run = started(rest, job(rest, script, scoring={"output_data_reference": place}))
        eventually(lambda: object_store.unfinished_uploads(bucket), within=60)
        rest.call("POST", f"/v2/jobs/{run['entity']['job_run']['job_ref']}/runs/{run['asset_id']}/cancel", expect=204)
        assert ended(rest, run, within=2)["state"] == "Canceled"
        eventually(lambda: not object_store.unfinished_uploads(bucket), within=2)
    assert object_store.store(bucket).list().collect() == []


def test_a_connected_data_asset_is_read_and_written(rest: Rest, clinic: Clinic, deployment: str) -> None:
    connection_id = connection(rest, "postgresql", clinic.properties)

    def asset(name: str, path: str) -> Json:
        metadata = {"name": name, "asset_type": "data_asset"}
        made = rest.call("POST", "/v2/assets", expect=201, json={"metadata": metadata, "entity": {"data_asset": {}}})
        asset_id = made["metadata"]["asset_id"]
        body = {"asset_type": "data_asset", "name": name, "connection_id": connection_id, "connection_path": path}
        rest.call("POST", f"/v2/assets/{asset_id}/attachments", expect=201, json={**body, "is_remote": True})
        return {"type": "data_asset", "location": {"href": f"/v2/assets/{asset_id}?space_id={rest.space_id}"}}

    scoring = {
        "input_data_references": [asset("patients", "/public/patients")],
        "output_data_reference": asset("connected scores", "/public/connected_scores"),
    }
    job = rest.submit(deployment, scoring)
    status = rest.ended(job["metadata"]["id"])
    assert status["state"] == "completed", status
    assert clinic.rows("SELECT count(*) FROM connected_scores") == [(ROWS,)]


def test_what_is_behind_connections_is_browsed(rest: Rest, clinic: Clinic) -> None:
    connection_id = connection(rest, "postgresql", clinic.properties)
    found = rest.call("GET", f"/v2/connections/{connection_id}/assets", expect=200, params={"path": "/public"})
    assert ("patients", "table") in [(entry["name"], entry["type"]) for entry in found["assets"]]
    wrong = {**clinic.properties, "database": "nowhere"}
    body = {"name": "wrong", "datasource_type": "postgresql", "properties": wrong}
    refused = rest.call("POST", "/v2/connections", expect=404, json=body, params={"test": "true"})
    assert "there is no database of this name" in refused["errors"][0]["message"]


def test_a9_a_server_that_is_killed_while_it_writes_adds_no_row_twice(
    clinic: Clinic, settings: dict[str, str], model: LogisticRegression, tmp_path: Path
) -> None:
    """Killed when the rows are committed, or just before: the next server finds which, and ends the run."""
    server = start(tmp_path / "data", **settings, lease_seconds="5")
    try:
        with Rest(server) as rest:
            rest.enter_new_space()
            deployment = rest.deployment(rest.model(model, fields=(("a", "double"), ("b", "double"))))
            connection_id = connection(rest, "postgresql", clinic.properties)
            scoring = {
                "input_data_references": [behind(connection_id, schema_name="public", table_name="patients")],
                "output_data_reference": behind(connection_id, schema_name="public", table_name="killed"),
            }
            space_id, jobs = rest.space_id, [rest.submit(deployment, scoring)["metadata"]["id"] for _ in range(5)]
            eventually(lambda: _there(clinic), within=60, every=0.001)
        server.kill()
        server = start(tmp_path / "data", **settings, lease_seconds="5")
        with Rest(server, space_id=space_id) as rest:
            ended = [rest.ended(job, within=90) for job in jobs]
            assert [status["state"] for status in ended] == ["completed"] * 5, ended
        assert clinic.rows("SELECT id, count(*) FROM killed GROUP BY id HAVING count(*) <> 5") == []
        assert clinic.rows("SELECT count(*) FROM killed") == [(5 * ROWS,)]
    finally:
        server.kill()


def _there(clinic: Clinic) -> bool:
    return clinic.rows("SELECT to_regclass('public.killed') IS NOT NULL") == [(True,)]


def test_the_story_over_the_real_client(
    server: Server, clinic: Clinic, object_store: ObjectStore, model: LogisticRegression, tmp_path: Path
) -> None:
    bucket = object_store.new_bucket()
    object_store.store(bucket).put("patients.csv", b"a,b\n0,1\n3,0\n")
    command = [
        *(sys.executable, "-m", "tests.acceptance.sdk_connected", "--url", server.url, "--verify", str(server.ca)),
        *("--database", clinic.name, "--socket", str(clinic.postgres.directory)),
        *("--store", object_store.url, "--bucket", bucket),
    ]
    variables = environment({"API_KEY": API_KEY})
    ran = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, timeout=STORY_SECONDS, check=False)
    assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()
    found = clinic.rows("SELECT a, b, prediction FROM weekly ORDER BY id")
    assert len(found) == ROWS
    inputs = np.array([row[:2] for row in found])
    assert [row[2] for row in found] == model.predict(pd.DataFrame(inputs, columns=["a", "b"])).tolist()
    scores = pd.read_csv(io.BytesIO(bytes(object_store.store(bucket).get("scores.csv").bytes())))
    assert scores["prediction"].tolist() == [0, 1]
