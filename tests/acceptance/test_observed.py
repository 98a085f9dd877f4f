"""A server that is watched in every way: Prometheus scrapes it, a collector gets its spans, a backend its lineage."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.parser import text_string_to_metric_families
from sklearn.linear_model import LogisticRegression
from tests.acceptance.rest import Rest, output, reference
from tests.acceptance.server import Server, running
from tests.conformance.sinks import HttpSink, http_sink
from tests.engine.told.openlineage import check
from tests.make import eventually
from tests.ports import free_port

TRACE = "0af7651916cd43dd8448eb211c80319c"
ABOVE = "b7ad6b7169203331"
TOKEN = "a-token-for-prometheus"
ROWS = 25_000
_TELLS_ITS_SPAN = """
def score(payload):
    import os
    return {"predictions": [{"fields": ["span"], "values": [[os.environ.get("TRACEPARENT")]]}]}
"""


@dataclass(frozen=True)
class Watched:
    """A server, its user, and who watches; ``metrics_url`` is the port for metrics alone."""

    server: Server
    rest: Rest
    collector: HttpSink
    backend: HttpSink
    metrics_url: str

    def spans(self) -> list[Span]:
        """Return every span that has arrived."""
        found = [ExportTraceServiceRequest.FromString(request.body) for request in self.collector.requests]
        scopes = [scope for each in found for resource in each.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    def samples(self, text: str) -> dict[tuple[str, ...], float]:
        """Return the samples of an answer, each by its name and the values of its labels."""
        families = text_string_to_metric_families(text)
        samples = [sample for family in families for sample in family.samples]
        return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A server that has scored a table, and run a function for a client that traces, to whom a row was too much."""
    port = free_port()
    with http_sink() as collector, http_sink() as backend:
        settings = {
            "traces": f"http://127.0.0.1:{collector.port}",
            "lineage": f"http://127.0.0.1:{backend.port}/api/v1/lineage",
            "log_format": "json",
            "log_level": "debug",
            "metrics_token": TOKEN,
            "metrics_port": str(port),
        }
        with running(tmp_path_factory.mktemp("watched") / "data", **settings) as server, Rest(server) as rest:
            rest.enter_new_space()
            found = Watched(server, rest, collector, backend, f"http://127.0.0.1:{port}/metrics")
            _score_a_table(rest)
            _ask_for_the_span(rest)
            yield found


def _score_a_table(rest: Rest) -> None:
    estimator = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    model = rest.deployment(rest.model(estimator, fields=[("x", "double")]))
    table = rest.data_asset("table.csv", b"x\n" + b"1\n" * (ROWS - 1) + b"none\n")
    asked = {"input_data_references": [reference(table)], "output_data_reference": output("scores.csv")}
    job = rest.submit(model, {**asked, "error_threshold": 1})
    assert rest.ended(job["metadata"]["id"])["state"] == "completed"


def _ask_for_the_span(rest: Rest) -> None:
    function = rest.deployment(rest.function(_TELLS_ITS_SPAN))
    rest.http.headers["traceparent"] = f"00-{TRACE}-{ABOVE}-01"
    rest.http.headers["X-Request-Id"] = "my-request"
    asked = {"input_data": [{"fields": ["a"], "values": [[1]]}]}
    job = rest.submit(function, asked)
    for name in ("traceparent", "X-Request-Id"):
        del rest.http.headers[name]
    assert rest.ended(job["metadata"]["id"])["state"] == "completed"
    predictions = rest.job(job["metadata"]["id"])["entity"]["scoring"]["predictions"]
    rest.http.headers["X-Span"] = predictions[0]["values"][0][0]


def test_prometheus_reads_what_was_done(watched: Watched) -> None:
    answer = watched.rest.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    found = watched.samples(answer.raise_for_status().text)
    assert found["gristmill_runs_ended_total", "model", "completed"] == 1
    assert found["gristmill_runs_ended_total", "function", "completed"] == 1
    # The function's one row, and all of the table but one.
    assert found["gristmill_rows_total", "scored"] == ROWS
    assert found["gristmill_rows_total", "rejected"] == 1
    assert found["gristmill_run_wait_seconds_count",] == 2
    assert found["gristmill_run_start_seconds_count",] == 2
    assert 0 < found["gristmill_run_duration_seconds_sum", "model", "completed"] < 60
    assert found["gristmill_runs", "completed"] == 2
    assert found["gristmill_claims",] == 0
    assert found["gristmill_workers", "heard"] == 1
    assert found["gristmill_http_requests_total", "POST", "/ml/v4/deployment_jobs", "202"] == 2
    assert found["gristmill_content_bytes", "data_asset"] > ROWS
    assert found["process_resident_memory_bytes",] > 2**20


def test_the_port_for_metrics_asks_for_no_token_and_tells_the_same(watched: Watched) -> None:
    found = watched.samples(httpx.get(watched.metrics_url).raise_for_status().text)
    assert found["gristmill_runs_ended_total", "model", "completed"] == 1
    assert found["gristmill_database_up",] == 1


def test_a_trace_leads_from_the_request_through_the_child_to_the_result(watched: Watched) -> None:
    spans = eventually(lambda: _whole(watched, TRACE), within=20, every=0.2)
    request = spans["POST /ml/v4/deployment_jobs"]
    assert request.parent_span_id.hex() == ABOVE
    run = spans["run"]
    assert run.parent_span_id == request.span_id
    told = {each.key: each.value for each in run.attributes}
    assert told["gristmill.run.kind"].string_value == "function"
    parts = {"queue", "stage", "child", "finish"}
    assert {name for name in spans if spans[name].parent_span_id == run.span_id} == parts
    for name in parts:
        assert run.start_time_unix_nano <= spans[name].start_time_unix_nano, name
        assert spans[name].end_time_unix_nano <= run.end_time_unix_nano, name
    # What the user's code found: its own spans would be beneath the run's.
    assert watched.rest.http.headers["X-Span"] == f"00-{TRACE}-{run.span_id.hex()}-01"


def test_chunks_are_spans_beneath_the_child(watched: Watched) -> None:
    eventually(lambda: sum(span.name == "run" for span in watched.spans()) == 2, within=20, every=0.2)
    chunks = [span for span in watched.spans() if span.name == "score chunk"]
    [child] = {span.parent_span_id for span in chunks}
    assert child in {span.span_id for span in watched.spans() if span.name == "child"}
    assert sum(span.attributes[0].value.int_value for span in chunks) == ROWS
    assert all(span.status.code != Status.STATUS_CODE_ERROR for span in watched.spans())


def test_lineage_tells_where_the_scores_came_from(watched: Watched) -> None:
    eventually(lambda: len(_events(watched)) == 4, within=20, every=0.2)
    for event in _events(watched):
        check(event)
    [scored] = [event for event in _events(watched) if event["eventType"] == "COMPLETE" and event["inputs"]]
    [table], [scores] = scored["inputs"], scored["outputs"]
    assert table["facets"]["gristmill_dataset"]["name"] == "table.csv"
    assert scores["facets"]["gristmill_dataset"]["name"] == "scores.csv"
    assert scores["outputFacets"]["outputStatistics"]["rowCount"] == ROWS - 1
    assert scored["run"]["facets"]["gristmill_run"]["rows"] == {"read": ROWS, "scored": ROWS - 1, "rejected": 1}
    assert len(scored["run"]["facets"]["gristmill_asset"]["sha256"]) == 64


def test_log_lines_are_json_with_the_request_and_its_trace(watched: Watched) -> None:
    lines = [json.loads(line) for line in watched.server.said.read_text().splitlines() if line.startswith("{")]
    [mine] = [line for line in lines if line.get("request") == "my-request" and line["event"] == "request.answered"]
    assert (mine["route"], mine["status"]) == ("/ml/v4/deployment_jobs", 202)
    assert mine["trace"] == TRACE
    assert time.time() - 600 < datetime.fromisoformat(mine["time"]).timestamp() <= time.time()
    assert {line["level"] for line in lines} <= {"DEBUG", "INFO", "WARNING"}, lines


def _whole(watched: Watched, trace: str) -> dict[str, Span]:
    """Return the spans of a trace by their names, once that of its run has ended."""
    found = {span.name: span for span in watched.spans() if span.trace_id.hex() == trace}
    return found if "run" in found else {}


def _events(watched: Watched) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in watched.backend.requests]
