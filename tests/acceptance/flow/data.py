"""Steps: data assets, connections, folder assets."""

from __future__ import annotations

from pathlib import Path

from ibm_watsonx_ai.utils.enums import AssetDuplicateAction
from tests.acceptance.flow.client_flow import CSV, Flow
from tests.acceptance.flow.steps import Steps, refused

step = Steps()


@step("data_assets: create, details, list, content, download")
def _(flow: Flow) -> None:
    assets = flow.client.data_assets
    created = assets.create("input.csv", str(flow.file("in.csv", CSV)))
    flow.ids["data"] = assets.get_id(created)
    flow.ids["data href"] = assets.get_href(created)
    assert flow.ids["data"] in flow.ids["data href"]
    assert assets.get_details(flow.ids["data"])["metadata"]["size"] == len(CSV)
    for found in (assets.get_details(), assets.get_details(get_all=True)):
        assert [each["metadata"]["name"] for each in found["resources"]] == ["input.csv"]
    assert assets.list()["NAME"].tolist() == ["input.csv"]
    assert assets.get_content(flow.ids["data"]) == CSV.encode()
    assets.download(flow.ids["data"], str(flow.work / "in_back.csv"))
    assert (flow.work / "in_back.csv").read_text() == CSV


@step("data_assets.create: a duplicate replaces, delete")
def _(flow: Flow) -> None:
    assets = flow.client.data_assets
    for text in ("first\n", "second\n"):
        path = flow.file("dup.csv", text)
        created = assets.create("dup.csv", str(path), duplicate_action=AssetDuplicateAction.REPLACE)
    assert assets.list()["NAME"].tolist().count("dup.csv") == 1
    assert assets.get_content(assets.get_id(created)) == b"second\n"
    assets.delete(assets.get_id(created))
    assert "dup.csv" not in assets.list()["NAME"].tolist()


@step("connections: types, create, details, list")
def _(flow: Flow) -> None:
    connections = flow.client.connections
    assert {"postgresql", "db2"} <= set(connections.list_datasource_types()["NAME"])
    names = connections.ConfigurationMetaNames
    properties = {"host": "h", "port": "5432", "username": "u", "password": "p", "database": "d"}
    postgresql = connections.get_datasource_type_id_by_name("postgresql")
    created = connections.create(
        {names.NAME: "pg", names.DESCRIPTION: "d", names.DATASOURCE_TYPE: postgresql, names.PROPERTIES: properties}
    )
    flow.ids["connection"] = connections.get_id(created)
    found = connections.get_details(flow.ids["connection"])
    assert (found["entity"]["name"], found["entity"]["datasource_type"]) == ("pg", postgresql)
    assert found["entity"]["properties"]["host"] == "h"
    assert found["entity"]["properties"].get("password") != "p"
    assert len(connections.get_details()["resources"]) == 1
    assert connections.list()["NAME"].tolist() == ["pg"]


@step("connections.create: unknown properties are refused, the right ones are told")
def _(flow: Flow) -> None:
    connections = flow.client.connections
    names = connections.ConfigurationMetaNames
    db2 = connections.get_datasource_type_id_by_name("db2")
    with refused("The following properties are correct"):
        connections.create({names.NAME: "bad", names.DATASOURCE_TYPE: db2, names.PROPERTIES: {"bad": 1}})


@step("data_assets.store: connected data")
def _(flow: Flow) -> None:
    assets = flow.client.data_assets
    names = assets.ConfigurationMetaNames
    stored = assets.store(
        {
            names.NAME: "connected",
            names.DESCRIPTION: "d",
            names.CONNECTION_ID: flow.ids["connection"],
            names.DATA_CONTENT_NAME: "public/t1",
        }
    )
    flow.ids["connected data"] = assets.get_id(stored)
    attachment = assets.get_details(flow.ids["connected data"])["attachments"][0]
    assert attachment["connection_path"] == "public/t1"
    assert attachment["connection_id"] == flow.ids["connection"]


@step("data_assets.store: a file")
def _(flow: Flow) -> None:
    assets = flow.client.data_assets
    names = assets.ConfigurationMetaNames
    path = str(flow.work / "in.csv")
    stored = assets.store({names.NAME: "stored.csv", names.DATA_CONTENT_NAME: path})
    assert assets.get_content(assets.get_id(stored)) == Path(path).read_bytes()


@step("folder_assets: create, list, details, delete")
def _(flow: Flow) -> None:
    folders = flow.client.folder_assets
    created = folders.create("fld", "/bucket/folder", flow.ids["connection"])
    assert folders.list()["NAME"].tolist() == ["fld"]
    found = folders.get_details(folders.get_id(created))
    assert found["entity"]["folder_asset"]["connection_path"] == "/bucket/folder"
    folders.delete(folders.get_id(created))
    assert folders.list().empty
