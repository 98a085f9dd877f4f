"""Lineage: each change of a run is told to OpenLineage once it is committed, by the outbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gristmill.deliver.lineage import FileLineage, HttpLineage
from gristmill.domain.lineage import LineageSource
from gristmill.domain.run import RunState
from gristmill.service import deliveries, events, inbox
from gristmill.service.context import Context
from gristmill.service.deliveries import LEASE as SENDING
from gristmill_runner import protocol
from tests.conformance.sinks import HttpSink, http_sink
from tests.engine.conftest import Works
from tests.engine.told.faults import canceled_while_it_waits
from tests.engine.told.openlineage import check
from tests.engine.told.watched import notify, watch
from tests.make_outlets import RecordingOutlets
from tests.make_work import COMPLETED

KEY = "a-key-for-marquez"


@pytest.fixture
def backend() -> Iterator[HttpSink]:
    """A place that takes events over HTTP."""
    with http_sink() as sink:
        yield sink


@pytest.fixture
def context(context: Context, backend: HttpSink, outlets: RecordingOutlets) -> Context:
    """The context of the ring, which keeps lineage."""
    outlets.lineage = HttpLineage(f"http://127.0.0.1:{backend.port}/api/v1/lineage", KEY)
    return replace(context, database=context.database.keeping_lineage(LineageSource("mill", "0.1.0")))


def told(backend: HttpSink) -> list[dict[str, Any]]:
    """Return the events that arrived, each held against the specification."""
    found = [json.loads(request.body) for request in backend.requests]
    for event in found:
        check(event)
    return sorted(found, key=lambda event: (event["eventTime"], event["eventType"] != "START"))


def test_a_run_is_told_from_its_start_to_its_output(works: Works, backend: HttpSink) -> None:
    def script(directory: Path) -> protocol.Result:
        (directory / "outputs" / "scores.csv").write_text("prediction\n1\n")
        rows = protocol.Rows(read=1, scored=1, rejected=0, not_attempted=0, resumed=0)
        return {**COMPLETED, "outputs": ["outputs/scores.csv"], "rows": rows}

    shop = works.shop
    works.launcher.script = script
    works.launcher.gate.set()
    asset_id = shop.data_asset("drugs.csv", b"a,b\n1,2\n")
    reference = {"type": "data_asset", "location": {"href": f"/v2/assets/{asset_id}"}}
    output = {"type": "data_asset", "location": {"name": "scores.csv"}}
    submitted = shop.submit(shop.deploy(), input_references=[reference], output_reference=output)
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    notify(shop.context)
    ended = shop.look(submitted.run.deployment_job_id)
    assert ended.run.state is RunState.COMPLETED

    began, completed = told(backend)
    assert [began["eventType"], completed["eventType"]] == ["START", "COMPLETE"]
    assert backend.requests[0].path == "/api/v1/lineage"
    assert backend.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert {event["run"]["runId"] for event in (began, completed)} == {submitted.run.id}
    assert began["job"]["name"] == f"shop.default job - d.{submitted.run.job_id[:8]}"
    assert began["job"]["facets"]["jobType"]["jobType"] == "MODEL"
    model = completed["run"]["facets"]["gristmill_asset"]
    assert (model["id"], model["type"]) == (ended.spec.asset_id, "scikit-learn_1.9")
    assert model["revision"] == ended.spec.asset_revision
    [source] = completed["inputs"]
    assert (source["namespace"], source["name"]) == ("mill", f"{shop.space_id}/{asset_id}")
    assert source["facets"]["gristmill_dataset"]["name"] == "drugs.csv"
    assert ended.result
    [written] = completed["outputs"]
    assert written["name"] == f"{shop.space_id}/{ended.result.output_asset_id}"
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert written["facets"]["version"]["datasetVersion"] == ended.result.output_key
    assert began["outputs"] == []


def test_a_failure_and_a_cancel_are_told_and_nobody_else_hears(
    works: Works, backend: HttpSink, outlets: RecordingOutlets
) -> None:
    shop, deployment = works.shop, works.shop.deploy()
    cause = protocol.Cause(code="model_failed", message="No such column.")
    works.launcher.script = lambda _directory: {**COMPLETED, "outcome": "failed", "cause": cause}
    works.launcher.gate.set()
    shop.submit(deployment)
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    canceled_while_it_waits(watch(works))
    notify(shop.context)
    # No more than two go to one place at once.
    notify(shop.context)
    kinds = [event["eventType"] for event in told(backend)]
    assert sorted(kinds) == ["ABORT", "FAIL", "START"]
    failed = next(event for event in told(backend) if event["eventType"] == "FAIL")
    assert failed["run"]["facets"]["errorMessage"]["message"] == "model_failed: No such column."
    # The job that failed asks for nothing: its events are for lineage alone.
    assert {message.document["job_name"] for _, message in outlets.told} == {"nightly"}
    assert all("lineage" not in message.document for _, message in outlets.told)
    entries = inbox.page(shop.context, shop.actor, limit=50)[0].items
    assert {entry.event.document["job_name"] for entry in entries} <= {"nightly"}


def test_a_backend_that_is_down_gets_it_later_and_a_killed_sender_loses_nothing(
    works: Works, backend: HttpSink
) -> None:
    canceled_while_it_waits(watch(works))
    context = works.shop.context
    backend.status = 503
    notify(context)
    assert len(backend.requests) == 1
    backend.status = 201
    works.clock.advance(hours=1)
    # Taken up by a sender that dies with it.
    events.route(context)
    assert [each.target for each in deliveries.take(context, free=1, at_work={"e-mail": 9})] == ["openlineage"]
    notify(context)
    assert len(backend.requests) == 1
    works.clock.advance(seconds=SENDING.total_seconds())
    notify(context)
    first, second = told(backend)
    assert first == second


def test_a_file_takes_a_line_an_event(tmp_path: Path) -> None:
    sink = FileLineage(tmp_path / "lineage.jsonl")
    for number in range(2):
        sink.send({"eventType": "START", "number": number})
    lines = (tmp_path / "lineage.jsonl").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [0, 1]


def test_no_secret_is_in_the_reason_of_a_failure(backend: HttpSink) -> None:
    backend.status, backend.body = 401, f"who is {KEY}?".encode()
    sink = HttpLineage(f"http://127.0.0.1:{backend.port}/", KEY)
    with pytest.raises(Exception, match=r"answered 401: who is \*\*\*") as refused:
        sink.send({})
    assert not isinstance(refused.value, httpx.HTTPError)
