"""Spaces with a bit of everything, and the people of the authorisation matrix, in a database that tests copy."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.acceptance.test_kinds import zipped
from tests.api.assets import wire
from tests.api.authorization_rules import Person
from tests.api.test_run_insights import predicting
from tests.engine.test_resume import killed_at
from tests.engine.test_rows import profile, rejecting
from tests.make_outlets import RecordingOutlets
from tests.make_work import COMPLETED, Script, ScriptedLauncher, Shop
from tests.people import ADMIN_API_KEY, add_user, admin
from tests.unit.flow.documents import code_node, document

from gristmill.api.app import create_api
from gristmill.content.folder import FolderContent
from gristmill.data.places import Places
from gristmill.domain.asset import AssetType
from gristmill.domain.user import Actor
from gristmill.engine.execution import Execution
from gristmill.engine.notifier import Notifier
from gristmill.service import api_keys, claims, members, sessions, spaces, task_credentials, tokens, users
from gristmill.service.context import Context
from gristmill.service.members import NewMember
from gristmill.service.secrets import Secrets
from gristmill.service.spaces import NewSpace
from gristmill.store.database import Database
from gristmill_runner import protocol

PASSWORD = "correct horse battery"
ROWS = {"input_data": [{"fields": ["a", "b"], "values": [[1, 2], [3, 4]]}]}
_LEASE = timedelta(seconds=30)
_FAILED = protocol.Result(version=1, outcome="failed", python="3.11", cause={"code": "node_failed", "message": "b did"})
_ROLES = {
    Person.VIEWER: "viewer",
    Person.OPERATOR: "job_operator",
    Person.EDITOR: "editor",
}
Ids = Mapping[str, str]


@dataclass(frozen=True)
class World:
    """Two spaces that share no member: ``own`` and ``foreign`` name the same things in each."""

    context: Context
    database: Path
    own: Ids
    foreign: Ids
    tokens: Mapping[Person, str]
    keys: Mapping[Person, str]
    cookies: Mapping[Person, str]

    @contextmanager
    def copied(self, app: FastAPI, path: Path) -> Iterator[Path]:
        """Let the app work on a fresh copy of the database."""
        shutil.copy(self.database, path)
        database = Database(f"sqlite:///{path}")
        app.state.context = replace(self.context, database=database)
        try:
            yield path
        finally:
            database.close()


def make_world(template: Path, folder: Path) -> World:
    """Make both spaces and all people in a copy of the migrated database."""
    path = folder / "world.db"
    shutil.copy(template, path)
    context = _context(path, folder)
    users.bootstrap(context, ADMIN_API_KEY)
    people = {person: add_user(context, person.value) for person in (*_ROLES, Person.STRANGER, Person.OWNER)}
    own = _furnished(context, *people[Person.OWNER])
    for person, role in _ROLES.items():
        member = NewMember(id=people[person][0].user_id, role=role)
        members.add(context, people[Person.OWNER][0], own["space_id"], [member])
        task_credentials.store(context, people[person][0], name="t", description="", api_key=people[person][1])
    foreigner = add_user(context, "foreigner")
    foreign = _furnished(context, *foreigner)
    own |= _waiting(context, *people[Person.OWNER], own)
    foreign |= _waiting(context, *foreigner, foreign)
    Notifier(context).step()
    own, foreign = _with_events(path, own), _with_events(path, foreign)
    keys = {person: key for person, (_, key) in people.items()} | {Person.ADMINISTRATOR: ADMIN_API_KEY}
    given = {person: tokens.for_api_key(context, key, mode="cpd").value for person, key in keys.items()}
    names = {Person.ADMINISTRATOR: users.FIRST_ADMINISTRATOR}
    cookies = {
        person: sessions.sign_in(context, names.get(person, person.value), key)[1] for person, key in keys.items()
    }
    _settle(context)
    return World(context, path, own, foreign, given, keys, cookies)


def dump(path: Path, *, leaving_out: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Return every row of every table, as text."""
    connection = sqlite3.connect(path)
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = [name for (name,) in names if name not in leaving_out]
        return {name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))) for name in tables}
    finally:
        connection.close()


def _context(path: Path, folder: Path) -> Context:
    (folder / "staging").mkdir()
    (folder / "open").mkdir()
    sqlite3.connect(folder / "open/data.db").close()
    return Context(
        database=Database(f"sqlite:///{path}"),
        content=FolderContent(folder / "content"),
        secrets=Secrets(b"a secret key for tests, and only for tests"),
        data_dir=folder,
        outlets=RecordingOutlets(),
        places=Places(folders=(folder / "open",)),
    )


def _settle(context: Context) -> None:
    """Write everything into the one file that tests copy."""
    with context.database.snapshot() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    context.database.close()


@contextmanager
def _room(context: Context, actor: Actor, key: str, space_id: str) -> Iterator[_Room]:
    with TestClient(create_api(context)) as client:
        client.headers["Authorization"] = f"Bearer {tokens.for_api_key(context, key, mode='cpd').value}"
        yield _Room(Shop(context, actor, space_id), client)


def _waiting(context: Context, actor: Actor, key: str, ids: Ids) -> dict[str, str]:
    with _room(context, actor, key, ids["space_id"]) as room:
        return room.waiting(ids)


def _furnished(context: Context, actor: Actor, key: str) -> dict[str, str]:
    space = spaces.create(context, actor, NewSpace(name=f"space of {actor.user_name}"))
    other, _ = add_user(context, f"member-{actor.user_name}")
    members.add(context, actor, space.id, [NewMember(id=other.user_id, role="editor")])
    with _room(context, actor, key, space.id) as room:
        ids = {"space_id": space.id, "other_member": other.user_id, **_personal(context, actor, key)}
        for furnish in (room.assets, room.archives, room.specifications, room.deployments, room.jobs, room.runs):
            ids |= furnish(ids)
    return ids


def _personal(context: Context, actor: Actor, key: str) -> dict[str, str]:
    """Things that are somebody's, and of no space; and users who may go without a loss."""
    other, secret = api_keys.create(context, actor, name="another")
    credential = task_credentials.store(context, actor, name="t", description="", api_key=key)
    spare = users.create(context, admin(context), name=f"spare-{actor.user_name}", password=PASSWORD)
    sessions.sign_in(context, spare.name, PASSWORD)
    return {
        "user_id": actor.user_id,
        "user_name": actor.user_name,
        "key": key,
        "key_id": other.id,
        "key_secret": secret,
        "credential_id": credential.id,
        "spare_user": spare.id,
        "spare_name": spare.name,
        "member_id": actor.user_id,
    }


def _with_events(path: Path, ids: Ids) -> dict[str, str]:
    connection = sqlite3.connect(path)
    (event_id,) = connection.execute("SELECT event_id FROM inbox WHERE user_id = ?", (ids["user_id"],)).fetchone()
    connection.close()
    return {**ids, "event_id": event_id}


def _signature(link: str) -> str:
    return parse_qs(urlsplit(link).query)["signature"][0]


@dataclass(frozen=True)
class _Room:
    """Furnishes one space through the API, as its admin."""

    shop: Shop
    client: TestClient

    def post(self, path: str, body: Any, *, inside: bool = True, **options: Any) -> Any:
        params = {"space_id": self.shop.space_id} if inside else {}
        answer = self.client.post(path, params=params, json=body, **options)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json() if answer.content else None

    def assets(self, ids: Ids) -> dict[str, str]:
        client, space_id = self.client, ids["space_id"]
        model_id = wire.model(client, space_id)["metadata"]["id"]
        wire.put_model(client, space_id, model_id, wire.tar_gz({"m.pkl": wire.PICKLE}))
        path = wire.data_asset(client, space_id)
        bare = wire.asset(client, space_id, metadata={"name": "bare.csv"})["asset_id"]
        link = self.post(f"/v2/assets/{bare}/attachments", {"asset_type": "data_asset", "name": "bare.csv"})
        trashed = wire.data_asset(client, space_id, name="trashed.csv")
        assert client.delete(f"/v2/assets/{trashed}", params={"space_id": space_id}).status_code == 204
        file = str(self.shop.context.places.folders[0] / "data.db")
        connection = {"name": "files", "datasource_type": "sqlite", "properties": {"path": file}}
        members_ = {"name": "ps", "parameters": [{"name": "region", "type": "string", "value": "EMEA"}]}
        found = client.get(f"/v2/assets/{path}", params={"space_id": space_id}).json()["attachments"][0]["id"]
        sent = wire.asset(client, space_id, metadata={"name": "sent.csv"})["asset_id"]
        declared = self.post(f"/v2/assets/{sent}/attachments", {"asset_type": "data_asset", "name": "sent.csv"})
        assert client.put(declared["url1"], content=b"a\n1\n").status_code == 201
        read = client.get(f"/v2/assets/{path}/attachments/{found}", params={"space_id": space_id}).json()["url"]
        return {
            "model": model_id,
            "function": wire.function(client, space_id, b"def score(x):\n    return x\n"),
            "bare_model": wire.model(client, space_id)["metadata"]["id"],
            "bare_function": wire.function(client, space_id),
            "script": self.shop.script(),
            "sent": sent,
            "sent_attachment": declared["attachment_id"],
            "asset_id": path,
            "attachment_id": found,
            "read_signature": _signature(read),
            "bare": bare,
            "bare_attachment": link["attachment_id"],
            "write_signature": _signature(link["url1"]),
            "trashed": trashed,
            "connection_id": self.post("/v2/connections", connection)["metadata"]["asset_id"],
            "parameter_set": self.post("/v2/parameter_sets", {"parameter_set": members_})["metadata"]["asset_id"],
        }

    def archives(self, ids: Ids) -> dict[str, str]:
        wanted = {"name": "ex", "assets": {"asset_ids": [ids["asset_id"]]}}
        export_id = self.post("/v2/asset_exports", wanted)["metadata"]["id"]
        params = {"space_id": ids["space_id"]}
        content = self.client.get(f"/v2/asset_exports/{export_id}/content", params=params).content
        (self.shop.context.data_dir / "export.zip").write_bytes(content)
        headers = {"content-type": "application/zip"}
        imported = self.client.post("/v2/asset_imports", params=params, content=content, headers=headers)
        return {"export_id": export_id, "import_id": imported.json()["metadata"]["id"]}

    def specifications(self, ids: Ids) -> dict[str, str]:
        made = self.post("/v2/package_extensions", {"name": "pe", "type": "conda_yml"})
        extension_id, signature = made["metadata"]["asset_id"], _signature(made["entity"]["package_extension"]["href"])
        spare = self.post("/v2/package_extensions", {"name": "spare", "type": "conda_yml"})
        spare_link = spare["entity"]["package_extension"]["href"]
        path = f"/signed/package_extension/{extension_id}"
        sent = self.client.put(path, params={"signature": signature}, content=b"dependencies:\n- pip:\n  - numpy\n")
        assert sent.status_code == 201, sent.text
        base = {"guid": "f47ae1c3-198e-5718-b59d-2ea471561e9e"}
        software = {
            "name": "custom",
            "base_software_specification": base,
            "package_extensions": [{"guid": extension_id}],
        }
        hardware = {"name": "small", "nodes": {"cpu": {"units": "1"}, "mem": {"size": "1Gi"}}}
        whole = self.post("/v2/package_extensions", {"name": "whole", "type": "conda_yml"})
        whole_id, link = whole["metadata"]["asset_id"], whole["entity"]["package_extension"]["href"]
        assert self.client.put(link, content=b"name: x\n").status_code == 201
        self.post(f"/v2/package_extensions/{whole_id}/upload_complete", None)
        params = {"space_id": ids["space_id"]}
        read = self.client.get(f"/v2/package_extensions/{whole_id}", params=params).json()
        return {
            "extension_id": extension_id,
            "spare_extension": spare["metadata"]["asset_id"],
            "spare_signature": _signature(spare_link),
            "whole_extension": whole_id,
            "whole_signature": _signature(read["entity"]["package_extension"]["href"]),
            "software": self.post("/v2/software_specifications", software)["metadata"]["asset_id"],
            "hardware": self.post("/v2/hardware_specifications", hardware)["metadata"]["asset_id"],
        }

    def deployments(self, _ids: Ids) -> dict[str, str]:
        deployment = self.shop.deploy(batch={"max_running": 50})
        kept = {"name": "kept", "deployment": {"id": deployment.id}, "scoring": ROWS}
        return {
            "deployment_id": deployment.id,
            "deployed_asset": deployment.asset_id,
            "idle_deployment": self.shop.deploy().id,
            "definition_id": self.post("/ml/v4/deployment_job_definitions", kept)["metadata"]["id"],
            "idle_definition": self.post("/ml/v4/deployment_job_definitions", kept)["metadata"]["id"],
        }

    def jobs(self, ids: Ids) -> dict[str, str]:
        hook = {"name": "hook", "type": "webhook", "settings": {"url": "https://hooks.example.com/x"}}
        flow = {"sample.pipeline": json.dumps(document(code_node("a"), code_node("b", after=["a"])))}
        content = zipped({**flow, "a.py": "", "b.py": ""})
        flow_id = self.shop._asset(AssetType.FLOW, name="flow.zip", content=content)
        told = {"notification_types": {"success": True, "failure": True}}
        by_definition = {"deployment_job_definition_id": ids["definition_id"]}
        return {
            "channel_id": self.post("/v2/notification_channels", hook)["id"],
            "job_id": self._job("nightly", asset_ref=ids["script"], **told),
            "flow_job": self._job("flow", asset_ref=flow_id),
            "model_job": self._job("model", configuration=by_definition),
        }

    def runs(self, ids: Ids) -> dict[str, str]:
        return {
            "run_id": self._ran(ids["job_id"], _leaves_a_page),
            "flow_run": self._ran(ids["flow_job"], _half_a_flow),
            "killed_run": self._ran(ids["model_job"], killed_at(1)),
            "shown_run": self._ran(ids["model_job"], predicting),
            "model_run": self._ran(ids["model_job"], rejecting(1, profile=profile(0.5))),
        }

    def waiting(self, ids: Ids) -> dict[str, str]:
        """Queue what nobody plays any more."""
        waiting = {"name": "waits", "deployment": {"id": ids["deployment_id"]}, "scoring": ROWS}
        return {
            "waiting_run": self._started(ids["job_id"]),
            "deployment_job_id": self.post("/ml/v4/deployment_jobs", waiting)["metadata"]["id"],
        }

    def _job(self, name: str, **members_: Any) -> str:
        wanted = {"job": {"name": name, "configuration": {}, **members_}}
        return str(self.post("/v2/jobs", wanted)["asset_id"])

    def _started(self, job_id: str) -> str:
        return str(self.post(f"/v2/jobs/{job_id}/runs", {"job_run": {}}, inside=False)["asset_id"])

    def _ran(self, job_id: str, script: Script) -> str:
        run_id = self._started(job_id)
        self._play_all(script)
        return run_id

    def _play_all(self, script: Script) -> None:
        launcher = ScriptedLauncher(script)
        launcher.gate.set()
        context = self.shop.context
        while assignment := claims.take(context, context.new_id(), lease=_LEASE):
            Execution(context, launcher, assignment).run()


def _leaves_a_page(directory: Path) -> protocol.Result:
    (directory / "results").mkdir()
    (directory / "results/page.html").write_text("<script>alert(1)</script>")
    (directory / "results/rows.csv").write_text("a,b\n1,2\n")
    (directory / "run.log").write_text("a line\n")
    return COMPLETED


def _half_a_flow(directory: Path) -> protocol.Result:
    (directory / "nodes/0/outputs/batch").mkdir(parents=True)
    (directory / "nodes/0/outputs/batch/x.csv").write_text("x\n1\n")
    lines = [
        {"node": node, "state": state, "at": "2026-11-23T10:00:00Z"}
        for node, state in (("a", "running"), ("a", "completed"), ("b", "running"), ("b", "failed"))
    ]
    (directory / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return _FAILED
