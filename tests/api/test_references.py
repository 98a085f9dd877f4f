"""References that cannot be, refused when a job is submitted: the member is named, and nothing is queued."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire
from tests.make_work import open_shop

from gristmill.domain.asset import AssetType
from gristmill.service.context import Context
from gristmill.store import runs

IN, OUT = "scoring.input_data_references[0]", "scoring.output_data_reference"


class Setting:
    """A space with connections and connected assets, and what is deployed in it."""

    def __init__(self, context: Context, client: TestClient) -> None:
        self.client, self.shop = client, open_shop(context)
        self.ids = {
            "database": wire.connection(client, self.shop.space_id),
            "store": self._connection("generics3", {"bucket": "own", "secret_key": "s"}),
            "buckets": self._connection("generics3", {}),
            "web": self._connection("http", {"url": "https://example.com/data.csv"}),
            "db2": self._connection("db2", {}),
            "local": self.shop.data_asset("in.csv", b"a\n1\n"),
        }
        self.ids["empty"] = str(wire.asset(client, self.shop.space_id)["asset_id"])
        self.ids["connected"] = self._connected("database", "/public/t")
        self.ids["pathless"] = self._connected("database", "/")

    def submit(self, kind: AssetType, source: Any, target: Any) -> Any:
        scoring = {"input_data_references": [source], **({"output_data_reference": target} if target else {})}
        body = {
            "name": "j",
            "space_id": self.shop.space_id,
            "deployment": {"id": self.shop.deploy(kind=kind).id},
            "scoring": scoring,
        }
        return self.client.post("/ml/v4/deployment_jobs", json=body)

    def connection(self, name: str, **location: Any) -> dict[str, Any]:
        return {"type": "connection_asset", "connection": {"id": self.ids[name]}, "location": location}

    def asset(self, name: str, **location: Any) -> dict[str, Any]:
        return {"type": "data_asset", "location": {"href": f"/v2/assets/{self.ids[name]}", **location}}

    def _connection(self, kind: str, properties: dict[str, str]) -> str:
        body = {"name": kind, "datasource_type": kind, "properties": properties}
        made = self.client.post("/v2/connections", params={"space_id": self.shop.space_id}, json=body)
        return str(made.json()["metadata"]["asset_id"])

    def _connected(self, connection: str, path: str) -> str:
        space_id = self.shop.space_id
        asset_id = str(wire.asset(self.client, space_id)["asset_id"])
        body = {"asset_type": "data_asset", "name": "c", "connection_id": self.ids[connection], "connection_path": path}
        place = f"/v2/assets/{asset_id}/attachments"
        made = self.client.post(place, params={"space_id": space_id}, json={**body, "is_remote": True})
        assert made.status_code == 201, made.text
        return asset_id


@pytest.fixture
def setting(context: Context, client: TestClient) -> Setting:
    return Setting(context, client)


TABLE = {"table_name": "t"}
CASES: list[tuple[str, Any, Any, str, str]] = [
    ("no connection", ("?", TABLE), None, f"{IN}.connection.id", "connection_not_found"),
    ("no id", {"type": "connection_asset", "location": TABLE}, None, f"{IN}.connection.id", "invalid_request"),
    ("a type that is only stored", ("db2", TABLE), None, f"{IN}.connection.id", "data_type_unsupported"),
    ("no table", ("database", {"schema_name": "s"}), None, f"{IN}.location.table_name", "invalid_request"),
    ("no bucket", ("buckets", {"file_name": "f"}), None, f"{IN}.location.bucket", "invalid_request"),
    ("a container", {"type": "container", "location": {}}, None, f"{IN}.type", "reference_type_unsupported"),
    ("nothing behind", "empty", None, f"{IN}.location", "asset_without_content"),
    ("a path to nothing", "pathless", None, f"{IN}.location.table_name", "invalid_request"),
    ("no location", {"type": "data_asset", "location": 1}, None, f"{IN}.location", "invalid_request"),
    (
        "a secret in a reference",
        {"type": "s3", "connection": {"secret_access_key": "s"}, "location": {}},
        None,
        f"{IN}.connection.secret_access_key",
        "invalid_request",
    ),
    ("a template", "local", {"location": {"name": "${day}"}}, f"{OUT}.location.name", "unknown_template"),
    ("no name", "local", {"location": {}}, f"{OUT}.location.name", "invalid_request"),
    ("the web", "local", ("web", {}), f"{OUT}.location", "invalid_request"),
    (
        "a mode",
        "local",
        ("database", {**TABLE, "write_mode": "merge"}),
        f"{OUT}.location.write_mode",
        "invalid_request",
    ),
    (
        "append",
        "local",
        ("store", {"file_name": "f", "write_mode": "append"}),
        f"{OUT}.location.write_mode",
        "invalid_request",
    ),
    (
        "a template of tables",
        "local",
        ("database", {"table_name": "${x}"}),
        f"{OUT}.location.table_name",
        "unknown_template",
    ),
]


@pytest.mark.parametrize(("source", "target", "field", "code"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_what_cannot_be_is_refused(setting: Setting, source: Any, target: Any, field: str, code: str) -> None:
    answer = setting.submit(AssetType.MODEL, _reference(setting, source), _reference(setting, target))
    assert answer.status_code == 400, answer.text
    error = wire.error(answer)
    assert (error["target"]["name"], error["code"]) == (field, code)


def test_a_script_leaves_files_and_no_table(setting: Setting) -> None:
    answer = setting.submit(AssetType.SCRIPT, setting.asset("local"), setting.connection("database", **TABLE))
    assert (answer.status_code, wire.error(answer)["code"]) == (400, "table_of_files")
    answer = setting.submit(AssetType.SCRIPT, setting.asset("local"), setting.asset("connected"))
    assert (answer.status_code, wire.error(answer)["code"]) == (400, "table_of_files")


def test_code_makes_of_its_references_what_it_likes(setting: Setting, context: Context) -> None:
    fine = [
        setting.connection("database", **TABLE),
        setting.connection("db2"),
        setting.asset("connected"),
        {"type": "container", "location": {"path": "x"}},
    ]
    for kind in (AssetType.SCRIPT, AssetType.FUNCTION):
        for reference in fine:
            answer = setting.submit(kind, reference, None)
            assert answer.status_code == 202, answer.text
        missing = {"type": "connection_asset", "connection": {"id": "gone"}, "location": {}}
        assert wire.error(setting.submit(kind, missing, None))["code"] == "connection_not_found"
    # What a function is told to write to is its own business, too.
    answer = setting.submit(AssetType.FUNCTION, fine[0], setting.connection("database", **TABLE))
    assert answer.status_code == 202, answer.text
    run_id = answer.json()["entity"]["platform_job"]["run_id"]
    with context.database.snapshot() as connection:
        spec = runs.spec(connection, run_id)
    assert (spec.connected_inputs, spec.connected_output, spec.output_left) == ((), None, True)


def test_references_are_frozen_with_the_run(setting: Setting, context: Context) -> None:
    target = setting.asset("connected", write_mode="truncate")
    answer = setting.submit(AssetType.MODEL, setting.connection("store", file_name="f.csv"), target)
    assert answer.status_code == 202, answer.text
    with context.database.snapshot() as connection:
        spec = runs.spec(connection, answer.json()["entity"]["platform_job"]["run_id"])
    assert spec.connected_output
    assert (spec.connected_output.data.name, spec.connected_output.write_mode) == ("public.t", "truncate")
    assert [(each.position, each.data.file) for each in spec.connected_inputs] == [(0, "f.csv")]
    assert type(spec).of(spec.document()) == spec


def _reference(setting: Setting, given: Any) -> Any:
    """Return the reference of a short form: the name of an asset, or a connection with a location."""
    if isinstance(given, tuple):
        setting.ids.setdefault("?", "00000000-0000-0000-0000-000000000000")
        return setting.connection(given[0], **given[1])
    return setting.asset(given) if isinstance(given, str) and given in setting.ids else given
