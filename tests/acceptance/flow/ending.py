"""Steps: deletion, in an order that works and in one that does not."""

from __future__ import annotations

from tests.acceptance.flow.client_flow import Flow
from tests.acceptance.flow.steps import Steps, refused
from tests.make import eventually

step = Steps()


@step("repository.delete: a model with a deployment is refused")
def _(flow: Flow) -> None:
    with refused("existing deployments"):
        flow.client.repository.delete(flow.ids["model of an object"])


@step("deletion of deployments, assets, the connection and the space")
def _(flow: Flow) -> None:
    client, ids = flow.client, flow.ids
    for name in ("model", "function", "script", "r script", "adding", "service", "drug"):
        client.deployments.delete(ids[f"{name} deployment"])
    assert client.deployments.list()["NAME"].tolist() == ["bad"]
    client.repository.delete(ids["model of an archive"], force=True)
    client.repository.delete(ids["function"], force=True)
    assert ids["model of an archive"] not in client.repository.list_models()["ID"].tolist()
    client.script.delete(ids["script"])
    client.connections.delete(ids["connection"])
    assert client.connections.list().empty
    client.spaces.delete(ids["space"])
    eventually(lambda: ids["space"] not in client.spaces.list()["ID"].tolist(), within=10, every=0.5)
