"""Steps: batch deployments of models, functions and scripts."""

from __future__ import annotations

from typing import Any

from tests.acceptance.flow.client_flow import Flow
from tests.acceptance.flow.steps import Steps, refused

step = Steps()


@step("deployments.create: a model")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ConfigurationMetaNames
    meta = {names.NAME: "batch dep", names.DESCRIPTION: "d", names.TAGS: ["x"]}
    made = _create(flow, "model of an archive", "model deployment", {**meta, **_batch(flow, "S")})
    assert flow.ids["model deployment"] in flow.client.deployments.get_href(made)
    assert made["entity"]["status"]["state"] == "ready"
    assert made["entity"]["deployed_asset_type"] == "model"
    assert made["entity"]["batch"] == {"max_running": 2}
    assert made["metadata"]["tags"] == ["x"]
    assert made["entity"]["hardware_spec"]["name"] == "S"


@step("deployments.create: a function")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ConfigurationMetaNames
    made = _create(flow, "function", "function deployment", {names.NAME: "fn dep", **_batch(flow, "XS")})
    assert made["entity"]["deployed_asset_type"] == "function"


@step("deployments.create: a script, without waiting")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ConfigurationMetaNames
    meta = {names.NAME: "sc dep", **_batch(flow, "S")}
    made = _create(flow, "script", "script deployment", meta, background_mode=True)
    assert made["entity"]["deployed_asset_type"] == "py_script"


@step("deployments.create: a script in R, and functions of other forms")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ConfigurationMetaNames
    for asset in ("r script", "adding", "service"):
        meta = {names.NAME: f"{asset} dep", **_batch(flow, "S")}
        _create(flow, asset, f"{asset} deployment", meta, background_mode=True)


@step("deployments.create: a model whose content never came ends as failed")
def _(flow: Flow) -> None:
    software, space = {"id": flow.ids["software"]}, flow.ids["space"]
    body = {"name": "empty", "type": "scikit-learn_1.3", "software_spec": software, "space_id": space}
    flow.ids["empty model"] = flow.post("/ml/v4/models?version=2026-10-14", body)["metadata"]["id"]
    names = flow.client.deployments.ConfigurationMetaNames
    with refused("Deployment creation failed for deployment id"):
        flow.client.deployments.create(flow.ids["empty model"], {names.NAME: "bad", names.BATCH: {}})
    (failed,) = [each for each in _all(flow) if each["metadata"]["name"] == "bad"]
    assert failed["entity"]["status"]["state"] == "failed"
    assert "has no content" in str(failed["entity"]["status"]["failure"])


@step("deployments: details and list")
def _(flow: Flow) -> None:
    deployments = flow.client.deployments
    names = {"batch dep", "fn dep", "sc dep", "r script dep", "adding dep", "service dep", "bad"}
    assert {each["metadata"]["name"] for each in _all(flow)} == names
    paged = deployments.get_details(get_all=True, limit=1)["resources"]
    assert {each["metadata"]["name"] for each in paged} == names
    assert set(deployments.list()["NAME"]) == names
    assert set(deployments.list(include_software_spec_state=False)["NAME"]) == names
    assert deployments.get_details(flow.ids["model deployment"])["metadata"]["name"] == "batch dep"


@step("deployments.update: the name")
def _(flow: Flow) -> None:
    deployments = flow.client.deployments
    names = deployments.ConfigurationMetaNames
    changed = deployments.update(flow.ids["model deployment"], {names.NAME: "batch dep 2"})
    assert changed["metadata"]["name"] == "batch dep 2"


@step("deployments.update: the asset")
def _(flow: Flow) -> None:
    deployments = flow.client.deployments
    names = deployments.ConfigurationMetaNames
    other = flow.ids["model of an object"]
    changed = deployments.update(flow.ids["model deployment"], {names.ASSET: {"id": other}})
    assert changed["entity"]["asset"]["id"] == other


def _create(flow: Flow, asset: str, name: str, meta: dict[str, Any], **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = flow.client.deployments.create(flow.ids[asset], meta_props=meta, **options)
    flow.ids[name] = flow.client.deployments.get_id(made)
    return made


def _batch(flow: Flow, hardware: str) -> dict[str, Any]:
    names = flow.client.deployments.ConfigurationMetaNames
    return {names.BATCH: {}, names.HARDWARE_SPEC: {"name": hardware, "num_nodes": 1}}


def _all(flow: Flow) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = flow.client.deployments.get_details()["resources"]
    return found
