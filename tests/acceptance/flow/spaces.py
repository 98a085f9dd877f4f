"""Steps: the client, spaces and their members, task credentials."""

from __future__ import annotations

from tests.acceptance.flow.client_flow import Flow
from tests.acceptance.flow.steps import Steps, refused

step = Steps()
NOWHERE = "00000000-0000-0000-0000-000000000000"


@step("client")
def _(flow: Flow) -> None:
    flow.connect()
    assert flow.client.ICP_PLATFORM_SPACES is (flow.mode == "cpd")
    if flow.mode == "cpd":
        assert flow.client.CPD_version == 5.3


@step("spaces.store and wait")
def _(flow: Flow) -> None:
    spaces = flow.client.spaces
    names = spaces.ConfigurationMetaNames
    wanted: dict[str, object] = {names.NAME: f"{flow.mode} space", names.DESCRIPTION: "d", names.TAGS: ["t1"]}
    if flow.mode == "cloud":
        storage = "crn:v1:bluemix:public:cloud-object-storage:global:a/1:2::"
        wanted[names.STORAGE] = {"resource_crn": storage}
        wanted[names.COMPUTE] = {"name": "rt", "crn": "crn:v1:bluemix:public:pm-20:us-south:a/1:2::"}
    made = spaces.store(wanted, background_mode=False)
    flow.ids["space"] = spaces.get_id(made)
    assert made["entity"]["status"]["state"] == "active"
    assert (made["entity"]["name"], made["entity"]["tags"]) == (f"{flow.mode} space", ["t1"])


@step("spaces.get_details")
def _(flow: Flow) -> None:
    found = flow.client.spaces.get_details(flow.ids["space"])
    assert found["entity"]["description"] == "d"
    if flow.mode == "cloud":
        assert found["entity"]["compute"][0]["type"] == "machine_learning"


@step("spaces: all details, list, id by name")
def _(flow: Flow) -> None:
    spaces = flow.client.spaces
    everything = spaces.get_details(limit=1, get_all=True)["resources"]
    assert flow.ids["space"] in [space["metadata"]["id"] for space in everything]
    assert flow.ids["space"] in spaces.list()["ID"].tolist()
    assert spaces.get_id_by_name(f"{flow.mode} space") == flow.ids["space"]


@step("spaces.update")
def _(flow: Flow) -> None:
    spaces = flow.client.spaces
    spaces.update(flow.ids["space"], {spaces.ConfigurationMetaNames.NAME: f"{flow.mode} space 2"})
    assert spaces.get_details(flow.ids["space"])["entity"]["name"] == f"{flow.mode} space 2"


@step("spaces: a member from creation to deletion")
def _(flow: Flow) -> None:
    spaces, space = flow.client.spaces, flow.ids["space"]
    names = spaces.MemberMetaNames
    spaces.create_member(space, {names.MEMBERS: [{"id": "u2", "type": "user", "role": "editor"}]})
    assert spaces.get_member_details(space, "u2")["role"] == "editor"
    assert sorted(spaces.list_members(space)["ROLE"]) == ["admin", "editor"]
    spaces.update_member(space, "u2", {names.MEMBER: {"role": "viewer"}})
    assert spaces.get_member_details(space, "u2")["role"] == "viewer"
    spaces.delete_member(space, "u2")
    assert spaces.list_members(space)["ROLE"].tolist() == ["admin"]


@step("set.default_space")
def _(flow: Flow) -> None:
    assert flow.client.set.default_space(flow.ids["space"]) == "SUCCESS"
    assert flow.client.default_space_id == flow.ids["space"]


@step("set.default_space: an unknown one is refused")
def _(flow: Flow) -> None:
    try:
        with refused("CannotSetProjectOrSpace"):
            flow.client.set.default_space(NOWHERE)
    finally:
        flow.client.set.default_space(flow.ids["space"])


@step("task_credentials: none to begin with", mode="cloud")
def _(flow: Flow) -> None:
    assert flow.client.task_credentials.list().empty


@step("task_credentials from storing to deletion, and again", mode="cloud")
def _(flow: Flow) -> None:
    credentials = flow.client.task_credentials
    stored = credentials.store(name="tc", description="x")
    credential_id = credentials.get_id(stored)
    assert credentials.list()["NAME"].tolist() == ["tc"]
    found = credentials.get_details(credential_id)
    assert (found["name"], found["description"]) == ("tc", "x")
    assert "secret" not in found
    listed = credentials.get_details(space_id=flow.ids["space"])["resources"]
    assert [one["id"] for one in listed] == [credential_id]
    credentials.delete(credential_id)
    assert credentials.list().empty
    credentials.store()
    assert len(credentials.list()) == 1


@step("task_credentials are for the cloud", mode="cpd")
def _(flow: Flow) -> None:
    with refused("Task credentials is only available for Cloud"):
        flow.client.task_credentials.list()
