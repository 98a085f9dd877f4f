"""Being told: a real server, a mail server and a webhook that are really there, and jobs that fail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from pathlib import Path

from tests.acceptance.code_jobs import asset
from tests.acceptance.rest import Json, Rest
from tests.acceptance.server import running
from tests.conformance.sinks import http_sink, mail_sink
from tests.make import eventually

FAILING = """
def score(payload):
    raise RuntimeError("no data today")
"""
KILLED = b"""
import os, signal
print("so far so good", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
GREEDY = b"""
held = []
while True:
    held.append(bytearray(16 * 1024 * 1024))
"""
ADDRESS = "ann@example.com"


def test_a_scheduled_job_that_fails_is_told_by_mail_and_webhook(tmp_path: Path) -> None:
    """The receiver of the webhook is down for the first attempt; the second comes within a minute."""
    with mail_sink() as mails, http_sink() as hook:
        hook.status = 500
        settings = {
            "smtp_url": f"smtp://127.0.0.1:{mails.port}",
            "mail_from": "Gristmill <jobs@example.org>",
            "allowed_networks": "127.0.0.1",
        }
        with running(tmp_path / "data", **settings) as server, Rest(server) as rest:
            rest.enter_new_space()
            channel = _channel(rest, f"http://127.0.0.1:{hook.port}/hook")
            job = _scheduled_job(rest, channel["id"])
            eventually(lambda: mails.mails, within=60, every=0.2)
            eventually(lambda: _has_failed(rest, job), within=60, every=0.2)
            hook.status = 204
            eventually(lambda: _all_delivered(rest, job), within=90, every=0.2)
            inbox = rest.call("GET", "/v2/notifications", expect=200)
            log = rest.call("GET", f"/v2/jobs/{job}/deliveries", expect=200)["results"]
    (letter,), (first, second) = mails.mails, hook.requests
    event_id = letter["X-Gristmill-Event-Id"]
    assert (letter["To"], letter["Subject"], mails.recipients) == (ADDRESS, "nightly: failed", [[ADDRESS]])
    assert "no data today" in letter.get_content()
    assert [json.loads(sent.body)["event_id"] for sent in (first, second)] == [event_id, event_id]
    document = json.loads(second.body)
    assert (document["kind"], document["data"]["job_name"], document["data"]["state"]) == (
        "failed",
        "nightly",
        "failed",
    )
    _check_signature(second.headers, second.body, channel["settings"]["secret"])
    assert {row["target"]: row["attempts"] for row in log} == {channel["id"]: 2, ADDRESS: 1}
    # Recipients were named, and the owner is none of them.
    assert inbox["results"] == []


def test_runs_that_are_killed_are_told_with_their_cause(tmp_path: Path) -> None:
    """One has no time to say a word, and the other takes more memory than it may."""
    with mail_sink() as mails:
        settings = {"smtp_url": f"smtp://127.0.0.1:{mails.port}", "mail_from": "jobs@example.org"}
        with running(tmp_path / "data", **settings) as server, Rest(server) as rest:
            rest.enter_new_space()
            nodes = {"cpu": {"units": "1"}, "mem": {"size": "1Gi"}}
            rest.call("POST", "/v2/hardware_specifications", expect=201, json={"name": "small", "nodes": nodes})
            for name, code in (("killed", KILLED), ("greedy", GREEDY)):
                _start_script(rest, name, code)
            eventually(lambda: len(mails.mails) == 2, within=120, every=0.2)
    told = {letter["Subject"]: letter.get_content() for letter in mails.mails}
    assert set(told) == {"killed: failed", "greedy: failed"}
    assert "Cause: killed" in told["killed: failed"]
    assert "Cause: out_of_memory" in told["greedy: failed"]


def _start_script(rest: Rest, name: str, code: bytes) -> None:
    """Start a job of a script on the small hardware."""
    script, _ = asset(rest, "script", f"{name}.py", code)
    job = {
        "name": name,
        "asset_ref": script,
        "configuration": {"hardware_spec": {"name": "small"}},
        "notification_types": {"success": True, "failure": True},
        "notification_recipients": [ADDRESS],
    }
    made = rest.call("POST", "/v2/jobs", expect=201, json={"job": job})
    rest.call("POST", f"/v2/jobs/{made['asset_id']}/runs", expect=201)


def _channel(rest: Rest, url: str) -> Json:
    body = {"space_id": rest.space_id, "name": "hook", "type": "webhook", "settings": {"url": url}}
    return rest.call("POST", "/v2/notification_channels", expect=201, json=body)


def _has_failed(rest: Rest, job_id: str) -> bool:
    rows = rest.call("GET", f"/v2/jobs/{job_id}/deliveries", expect=200)["results"]
    return any("500" in row.get("last_error", "") for row in rows)


def _all_delivered(rest: Rest, job_id: str) -> bool:
    rows = rest.call("GET", f"/v2/jobs/{job_id}/deliveries", expect=200)["results"]
    return len(rows) == 2 and all(row["state"] == "delivered" for row in rows)


def _scheduled_job(rest: Rest, channel_id: str) -> str:
    """Make a job of a function that fails, due once in a moment; return its id."""
    deployment = rest.deployment(rest.function(FAILING))
    definition = rest.call(
        "POST",
        "/ml/v4/deployment_job_definitions",
        expect=201,
        json={
            "name": "nightly",
            "space_id": rest.space_id,
            "deployment": {"id": deployment},
            "scoring": {"input_data": [{"values": [[1]]}]},
        },
    )
    job = {
        "name": "nightly",
        "configuration": {"deployment_job_definition_id": definition["metadata"]["id"]},
        "schedule_info": {"repeat": False, "startOn": int((time.time() + 5) * 1000)},
        "notification_types": {"failure": True},
        "notification_channels": [channel_id],
        "notification_recipients": [ADDRESS],
    }
    return str(rest.call("POST", "/v2/jobs", expect=201, json={"job": job})["asset_id"])


def _check_signature(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Check it as the how-to tells its readers to."""
    given = {name.lower(): value for name, value in headers.items()}
    signed = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert f"v1,{wanted}" in given["webhook-signature"].split()
