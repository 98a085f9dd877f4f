"""Steps: exports and imports of spaces, parameter sets, the trash."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.acceptance.flow.client_flow import CSV, Flow
from tests.acceptance.flow.steps import Steps
from tests.make import eventually

step = Steps()


@step("export_assets: start, details, list, content, delete")
def _(flow: Flow) -> None:
    exports, space = flow.client.export_assets, {"space_id": flow.ids["space"]}
    names = exports.ConfigurationMetaNames
    export_id = exports.get_id(exports.start({names.NAME: "ex", names.ALL_ASSETS: True}, **space))
    _completed(lambda: exports.get_details(export_id, **space))
    assert exports.list(**space)["NAME"].tolist() == ["ex"]
    exports.get_exported_content(export_id, file_path=str(flow.work / "ex.zip"), **space)
    with zipfile.ZipFile(flow.work / "ex.zip") as archive:
        assert archive.testzip() is None
        assert CSV.encode() in [archive.read(name) for name in archive.namelist()]
    exports.delete(export_id, **space)
    assert exports.list(**space).empty


@step("import_assets: start, details, list, delete")
def _(flow: Flow) -> None:
    imports, assets = flow.client.import_assets, flow.client.data_assets
    space = {"space_id": flow.ids["space"]}
    before = Counter(assets.list()["NAME"])
    import_id = imports.get_id(imports.start(str(flow.work / "ex.zip"), **space))
    _completed(lambda: imports.get_details(import_id, **space))
    assert imports.list(**space)["ID"].tolist() == [import_id]
    assert set(assets.list()["NAME"]) == set(before)
    imports.delete(import_id, **space)
    assert imports.list(**space).empty


@step("parameter_sets: create, details, list, id by name, update, delete")
def _(flow: Flow) -> None:
    sets = flow.client.parameter_sets
    names = sets.ConfigurationMetaNames
    parameter = {"name": "p", "prompt": "p", "type": "string", "value": "v"}
    created = sets.create({names.NAME: "ps", names.DESCRIPTION: "d", names.PARAMETERS: [parameter]})
    set_id = created["metadata"]["asset_id"]
    assert sets.get_details(set_id)["entity"]["parameter_set"]["parameters"] == [parameter]
    assert sets.list()["NAME"].tolist() == ["ps"]
    assert sets.get_id_by_name("ps") == set_id
    sets.update(set_id, "d2", "description")
    assert sets.get_details(set_id)["entity"]["parameter_set"]["description"] == "d2"
    sets.delete(set_id)
    assert sets.list().empty


@step("trashed_assets: list, details, purge", mode="cpd")
def _(flow: Flow) -> None:
    trash = flow.client.trashed_assets
    listed = set(trash.list()["ASSET_ID"])
    assert listed == {each["metadata"]["asset_id"] for each in trash.get_details()["resources"]}
    trash.purge_all()
    assert trash.list().empty


def _completed(look: Callable[[], dict[str, Any]]) -> None:
    def is_completed() -> bool:
        status = look()["entity"]["status"]
        assert status["state"] != "failed", status
        return bool(status["state"] == "completed")

    eventually(is_completed, within=30, every=0.2)
