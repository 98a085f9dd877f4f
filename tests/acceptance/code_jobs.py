"""Jobs of user code over the wire: from the asset of a script, notebook or package to what its runs leave."""

from __future__ import annotations

from typing import Any

import httpx
from tests.acceptance.rest import Json, Rest
from tests.make import eventually

ENDED = frozenset({"Completed", "CompletedWithWarnings", "Failed", "Canceled"})


def asset(rest: Rest, kind: str, name: str, content: bytes, *, expect: int = 200, **entity: Any) -> tuple[str, Json]:
    """Store an asset with content; return its id and what the upload answered."""
    body = {"metadata": {"name": name, "asset_type": kind}, "entity": {kind: entity}}
    asset_id = str(rest.call("POST", "/v2/assets", expect=201, json=body)["metadata"]["asset_id"])
    place = f"/v2/assets/{asset_id}/attachments"
    attachment = rest.call("POST", place, expect=201, json={"asset_type": kind, "name": name, "mime": "text/plain"})
    uploaded = rest.http.put(httpx.URL(attachment["url1"]), files={"file": (name, content, "file")})
    assert uploaded.status_code // 100 == expect // 100, uploaded.text
    if uploaded.is_success:
        rest.call("POST", f"{place}/{attachment['attachment_id']}/complete", expect=200)
    return asset_id, uploaded.json() if uploaded.content else {}


def job(rest: Rest, asset_id: str, **configuration: Any) -> str:
    """Make a job of a self-contained asset; return its id."""
    body = {"job": {"name": "job", "asset_ref": asset_id, "configuration": configuration}}
    return str(rest.call("POST", "/v2/jobs", expect=201, json=body)["asset_id"])


def started(rest: Rest, job_id: str, *, expect: int = 201, **configuration: Any) -> Json:
    """Start a run of a job; return the answer."""
    body = {"job_run": {"configuration": configuration}}
    return rest.call("POST", f"/v2/jobs/{job_id}/runs", expect=expect, json=body)


def look(rest: Rest, run: Json) -> Json:
    """Return a run as it is now."""
    path = f"/v2/jobs/{run['entity']['job_run']['job_ref']}/runs/{run['asset_id']}"
    found: Json = rest.call("GET", path, expect=200)["entity"]["job_run"]
    return found


def ended(rest: Rest, run: Json, *, within: float = 90) -> Json:
    """Wait for a run's end; return the run."""
    eventually(lambda: look(rest, run)["state"] in ENDED, within=within, every=0.1)
    return look(rest, run)


def log(rest: Rest, run: Json) -> list[str]:
    """Return the lines of a run's log."""
    path = f"/v2/jobs/{run['entity']['job_run']['job_ref']}/runs/{run['asset_id']}/logs"
    return list(rest.call("GET", path, expect=200)["results"])


def results(rest: Rest, run: Json) -> dict[str, httpx.Response]:
    """Return the files that a run left, by name."""
    path = f"/v2/jobs/{run['entity']['job_run']['job_ref']}/runs/{run['asset_id']}/results"
    listed = rest.call("GET", path, expect=200)
    assert listed["total_count"] == len(listed["results"])
    found = {file["name"]: rest.http.get(file["href"]).raise_for_status() for file in listed["results"]}
    assert all(len(found[file["name"]].content) == file["size"] for file in listed["results"])
    return found
