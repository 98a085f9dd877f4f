"""Secrets that are recognised, given to a real server wherever it takes one, and then looked for everywhere else."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

import psutil
from tests.acceptance.rest import Json, Rest
from tests.acceptance.server import Server, running
from tests.acceptance.test_kinds import asset, ended, job, look, started
from tests.conformance.sinks import http_sink, mail_sink
from tests.make import eventually

_SIGNING = base64.b64encode(b"canary-of-the-webhooks-signature").decode()
CANARIES = {
    "the first API key": "canary-admin-key-5d1f0f7e",
    "a password": "canary password a1b2c3d4",
    "a connection's password": "canary-connection-9e8d7c6b",
    "a connection's secret key": "canary-access-key-77aa66bb",
    "a secret variable": "canary-variable-0a9b8c7d",
    "the signing secret of a webhook": _SIGNING,
    "the URL of a webhook": "canary-token-in-a-url-31415926",
    "the password of the mail server": "canary-mail-27182818",
}
# It says its secret wherever a program can, while it waits for somebody to look at the processes.
SCRIPT = b"""
import os, sys, time
secret = os.environ["SECRET"]
print("I say", secret, flush=True)
print(secret, file=sys.stderr, flush=True)
time.sleep(3)
raise ValueError("it is " + secret)
"""


def test_a_secret_is_nowhere_but_where_it_was_given(tmp_path: Path) -> None:
    with http_sink() as hook, mail_sink() as mails:
        settings = {
            "admin_api_key": CANARIES["the first API key"],
            "smtp_url": f"smtp://user:{_of('the password of the mail server')}@127.0.0.1:{mails.port}",
            "mail_from": "Gristmill <jobs@example.org>",
            "allowed_networks": "127.0.0.1",
        }
        # A receiver that repeats what it knows.
        hook.status, hook.body = 500, f"{_SIGNING} {_of('the URL of a webhook')}".encode()
        with running(tmp_path / "data", **settings) as server:
            answers, given = _story(server, hook.port)
        _look_for(given, "an answer", "\n".join(answers).encode())
        _look_for(given, "what the server said", server.said.read_bytes())
        for path in server.data_dir.rglob("*"):
            if path.is_file():
                _look_for(given, str(path.relative_to(server.data_dir)), path.read_bytes())


def _story(server: Server, port: int) -> tuple[list[str], dict[str, str]]:
    """Give every secret, let a run fail and be told of; return all answers, and the secrets, made ones included."""
    answers: list[str] = []
    with Rest(server, api_key=_of("the first API key")) as rest:
        rest.http.event_hooks["response"] = [lambda answer: answers.append(answer.read().decode(errors="replace"))]
        rest.enter_new_space()
        rest.call("POST", "/v1/users", expect=201, json={"name": "ann", "password": _of("a password")})
        rest.call("PATCH", "/v1/users/admin", expect=200, json={"email": "admin@example.com"})
        made = rest.http.post("/v1/api_keys", json={"name": "shown once"}).json()["api_key"]
        answers.clear()
        (first,) = rest.call("GET", "/v1/task_credentials", expect=200)["credentials"]
        rest.call("DELETE", f"/v1/task_credentials/{first['id']}", expect=204)
        rest.call("POST", "/v1/task_credentials", expect=201, json={"secret": {"api_key": made}})
        _wrong_ones(rest)
        _connections(rest)
        channel = _channel(rest, port)
        run = _failed_run(server, rest, channel, {**CANARIES, "an API key": made})
        path = f"/v2/jobs/{run['entity']['job_run']['job_ref']}"
        eventually(lambda: _tried(rest, path), within=60, every=0.2)
        for read in ("", "/runs", f"/runs/{run['asset_id']}", "/deliveries", "/changes"):
            rest.http.get(f"{path}{read}")
        for read in ("logs", "log", "log_lines", "history", "specification", "results", "stream"):
            rest.http.get(f"{path}/runs/{run['asset_id']}/{read}")
        for read in ("/v1/audit_events", "/v1/api_keys", "/v1/users", "/v2/notifications", "/v1/task_credentials"):
            rest.http.get(read)
    return answers, {**CANARIES, "an API key": made}


def _wrong_ones(rest: Rest) -> None:
    """Be refused with secrets in what was sent."""
    wrong = {"username": "ann", "password": [_of("a password")]}
    rest.http.post("/v1/session", json=wrong, headers={"Sec-Fetch-Site": "same-origin"})
    rest.http.post("/icp4d-api/v1/authorize", json={"username": "ann", "api_key": _of("a password")})
    rest.http.post("/v1/users", json={"name": 1, "password": _of("a password")})


def _connections(rest: Rest) -> None:
    database = {"host": "127.0.0.1", "database": "d", "username": "u", "password": _of("a connection's password")}
    bucket = {
        "bucket": "b",
        "url": "http://127.0.0.1:9",
        "access_key": "a",
        "secret_key": _of("a connection's secret key"),
    }
    for kind, properties in (("postgresql", database), ("amazons3", bucket)):
        body = {"name": kind, "datasource_type": kind, "properties": properties}
        made = rest.call("POST", "/v2/connections", expect=201, params={"test": "false"}, json=body)
        path = f"/v2/connections/{made['metadata']['asset_id']}"
        rest.http.get(path, params={"space_id": rest.space_id})
        rest.http.post(f"{path}/test", params={"space_id": rest.space_id})
        rest.http.get(f"{path}/assets", params={"space_id": rest.space_id})


def _channel(rest: Rest, port: int) -> str:
    url = f"http://127.0.0.1:{port}/hook?token={_of('the URL of a webhook')}"
    settings = {"url": url, "secret": f"whsec_{_SIGNING}"}
    body = {"space_id": rest.space_id, "name": "hook", "type": "webhook", "settings": settings}
    channel_id = str(rest.call("POST", "/v2/notification_channels", expect=201, json=body)["id"])
    rest.http.post(f"/v2/notification_channels/{channel_id}/test")
    return channel_id


def _failed_run(server: Server, rest: Rest, channel: str, given: dict[str, str]) -> Json:
    script, _ = asset(rest, "script", "s.py", SCRIPT)
    job_id = job(rest, script, secret_env_variables=[f"SECRET={_of('a secret variable')}"])
    wanted = [
        {"op": "add", "path": "/entity/job/notification_types", "value": {"failure": True}},
        {"op": "add", "path": "/entity/job/notification_channels", "value": [channel]},
        {"op": "add", "path": "/entity/job/notification_recipients", "value": ["ann@example.com"]},
    ]
    rest.call("PATCH", f"/v2/jobs/{job_id}", expect=200, json=wanted)
    run = started(rest, job_id)
    eventually(lambda: look(rest, run)["state"] == "Running", within=60)
    _look_for(given, "the list of processes", _command_lines(server))
    assert ended(rest, run)["state"] == "Failed"
    return run


def _tried(rest: Rest, path: str) -> bool:
    rows = rest.call("GET", f"{path}/deliveries", expect=200)["results"]
    return len(rows) == 2 and all(row["attempts"] for row in rows)


def _command_lines(server: Server) -> bytes:
    lines = []
    for process in (psutil.Process(server.process.pid), *server.descendants()):
        with contextlib.suppress(psutil.NoSuchProcess):
            lines.append(" ".join(process.cmdline()))
    assert len(lines) > 1
    return "\n".join(lines).encode()


def _look_for(given: dict[str, str], place: str, content: bytes) -> None:
    assert [(name, place) for name, secret in given.items() if secret.encode() in content] == []


def _of(name: str) -> str:
    return CANARIES[name]
