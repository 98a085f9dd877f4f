"""Who may read metrics, and what requests leave in them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families
from tests.people import add_user, client_of
from tests.ports import free_port

from gristmill import watch
from gristmill.api.app import create_api
from gristmill.service import metrics
from gristmill.service.context import Context
from gristmill.settings import CannotStart, Settings

TOKEN = "a-token-for-prometheus"


@pytest.fixture
def prometheus(context: Context) -> Iterator[TestClient]:
    """A client that brings the token of Prometheus and nothing else."""
    with TestClient(create_api(metrics.metered(context), metrics_token=TOKEN)) as made:
        made.headers["Authorization"] = f"Bearer {TOKEN}"
        yield made


def test_the_token_opens_metrics_and_nothing_else(prometheus: TestClient) -> None:
    answer = prometheus.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "gristmill_database_up 1.0" in answer.text
    for path in ("/v2/spaces", "/v1/queue"):
        assert prometheus.get(path).status_code == 401
    for wrong in ("Bearer another-token", "Bearer ", TOKEN[:-1], ""):
        assert prometheus.get("/metrics", headers={"Authorization": wrong}).status_code == 401


def test_without_a_token_administrators_read_them(context: Context, client: TestClient) -> None:
    assert client.get("/metrics").status_code == 200
    _, key = add_user(context, "eve")
    with client_of(context, key) as eve:
        assert eve.get("/metrics").status_code == 403
        eve.headers["Authorization"] = "Bearer None"
        assert eve.get("/metrics").status_code == 401


def test_requests_are_counted_by_their_route(prometheus: TestClient) -> None:
    for path in ("/healthz", "/healthz", "/nothing/here", "/v2/spaces/4711"):
        prometheus.get(path)
    prometheus.request("BREW", "/healthz")
    counted = {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(prometheus.get("/metrics").text)
        for sample in family.samples
        if sample.name == "gristmill_http_requests_total"
    }
    assert counted == {
        ("GET", "/healthz", "200"): 2,
        ("GET", "none", "404"): 1,
        ("GET", "/v2/spaces/{space_id}", "401"): 1,
        ("other", "/healthz", "405"): 1,
    }


def test_open_metrics_for_those_who_ask_for_it(prometheus: TestClient) -> None:
    answer = prometheus.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    names = {family.name for family in open_metrics(answer.text)}  # type: ignore[no-untyped-call]
    assert {"gristmill_claims", "gristmill_http_requests"} <= names


def test_a_port_of_its_own_answers_without_a_token_and_one_that_is_taken_is_told(context: Context) -> None:
    settings = Settings(metrics_port=free_port())
    metered = metrics.metered(context)
    stop = watch.serve_metrics(metered, settings)
    answer = httpx.get(f"http://127.0.0.1:{settings.metrics_port}/metrics")
    assert "gristmill_database_up 1.0" in answer.text
    with pytest.raises(CannotStart, match=f"Port {settings.metrics_port} of 127.0.0.1 .* --metrics-port"):
        watch.serve_metrics(metered, settings)
    stop()
    assert watch.serve_metrics(metered, Settings()) is not None


def test_a_request_has_an_id_that_its_refusal_repeats(prometheus: TestClient) -> None:
    given = prometheus.get("/v2/spaces", headers={"X-Request-Id": "from-my-script.1"})
    assert (given.headers["x-request-id"], given.json()["trace"]) == ("from-my-script.1", "from-my-script.1")
    made = prometheus.get("/v2/spaces", headers={"X-Request-Id": "no\tgood id"})
    assert len(made.headers["x-request-id"]) == 32
    assert made.json()["trace"] == made.headers["x-request-id"]
