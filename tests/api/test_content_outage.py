"""A content store that does not answer: requests that need it are refused so that clients repeat them."""

from __future__ import annotations

import gzip
from dataclasses import replace

from fastapi.testclient import TestClient
from tests.people import ADMIN_API_KEY, log_in

from gristmill.api.app import create_api
from gristmill.content.bucket import Bucket
from gristmill.content.s3 import S3Content
from gristmill.service.context import Context

NOBODY = Bucket.of("s3://bucket", endpoint="http://127.0.0.1:9", region="us-east-1", access_key="a", secret_key="top")


def test_a_store_that_is_away_is_told_with_a_status_that_clients_repeat(context: Context) -> None:
    with TestClient(create_api(replace(context, content=S3Content(NOBODY)))) as client:
        log_in(client, ADMIN_API_KEY)
        space = client.post("/v2/spaces", json={"name": "space"}).json()["metadata"]["id"]
        body = {"name": "f", "software_spec": {"name": "runtime-24.1-py3.11"}, "space_id": space}
        made = client.post("/ml/v4/functions", params={"space_id": space}, json=body).json()["metadata"]["id"]
        code = gzip.compress(b"def score(payload):\n    return {}\n")
        answer = client.put(f"/ml/v4/functions/{made}/code", params={"space_id": space}, content=code)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "content_unreachable")
    assert "top" not in answer.text
