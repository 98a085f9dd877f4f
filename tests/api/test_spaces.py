from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.people import add_user, admin, client_of

from gristmill.domain.errors import GristmillError
from gristmill.domain.user import Actor
from gristmill.service import members, spaces
from gristmill.service.context import Context
from gristmill.service.members import NewMember
from gristmill.service.spaces import NewSpace

COMPUTE = {"name": "rt", "crn": "crn:v1:bluemix:public:pm-20:us-south:a/1:2::", "type": "machine_learning"}


@pytest.fixture
def ann(context: Context) -> Iterator[TestClient]:
    _, secret = add_user(context, "ann")
    with client_of(context, secret) as made:
        yield made


def _make(client: TestClient, name: str = "s", **more: Any) -> str:
    answer = client.post("/v2/spaces", json={"name": name, **more})
    assert answer.status_code == 202
    return str(answer.json()["metadata"]["id"])


def _join(client: TestClient, space: str, who: str, role: str) -> None:
    answer = client.post(f"/v2/spaces/{space}/members", json={"members": [{"id": who, "role": role}]})
    assert answer.status_code == 200


def _replace(client: TestClient, path: str, **values: Any) -> Any:
    operations = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in values.items()]
    return client.patch(path, json=operations)


def test_a_space_is_active_in_the_answer_that_makes_it(client: TestClient) -> None:
    answer = client.post("/v2/spaces", json={"name": "flow", "description": "d", "tags": ["t1"]})

    document = answer.json()
    assert answer.status_code == 202
    assert list(document) == ["entity", "metadata"]
    assert re.fullmatch(r"[0-9a-f-]{36}", document["metadata"]["id"])
    assert document["metadata"]["url"] == f"/v2/spaces/{document['metadata']['id']}"
    assert document["metadata"]["creator_id"] == client.get("/v1/me").json()["id"]
    assert document["entity"] == {
        "name": "flow",
        "description": "d",
        "scope": {"bss_account_id": "999"},
        "stage": {"production": False},
        "type": "cpd",
        "tags": ["t1"],
        "status": {"state": "active"},
        "paused": False,
    }
    assert client.get(document["metadata"]["url"]).json() == document


def test_storage_and_compute_of_the_cloud_are_kept_and_compute_gets_a_guid(client: TestClient) -> None:
    storage = {"type": "bmcos_object_storage", "resource_crn": "crn:v1:x"}
    own = "99999999-9999-4999-8999-999999999999"
    listed = [COMPUTE, {"name": "b", "crn": f"crn:v1:cpd:a/b:{own}::"}]

    space = _make(client, storage=storage, compute=listed)
    entity = client.get(f"/v2/spaces/{space}").json()["entity"]

    assert entity["storage"] == storage
    assert entity["compute"][0] == {**COMPUTE, "guid": entity["compute"][0]["guid"]}
    assert len(entity["compute"][0]["guid"]) == 36
    assert (entity["compute"][1]["guid"], entity["compute"][1]["type"]) == (own, "machine_learning")


def test_nulls_and_unknown_members_and_parameters_do_not_matter(client: TestClient) -> None:
    body = {"name": "s", "description": None, "tags": None, "stage": None, "compute": None, "generator": "x"}

    assert client.post("/v2/spaces", params={"version": "x", "odd": "1"}, json=body).status_code == 202


@pytest.mark.parametrize("name", ["", "  ", "x" * 256, None, "nul\x00"])
def test_a_space_needs_a_name(client: TestClient, name: str | None) -> None:
    assert client.post("/v2/spaces", json={"name": name}).status_code == 400


def test_a_user_lists_the_spaces_that_it_belongs_to_page_by_page(client: TestClient, ann: TestClient) -> None:
    mine = [_make(client, f"s{number}") for number in range(5)]
    theirs = _make(ann, "s1")

    first = client.get("/v2/spaces", params={"limit": 2, "summary": "false"}).json()
    pages, found = [first], [space["metadata"]["id"] for space in first["resources"]]
    while "next" in pages[-1]:
        assert pages[-1]["next"]["href"].startswith("http://testserver/v2/spaces?")
        assert "summary=false" in pages[-1]["next"]["href"]
        pages.append(client.get(pages[-1]["next"]["href"]).json())
        found += [space["metadata"]["id"] for space in pages[-1]["resources"]]

    assert (len(pages), found) == (3, mine)
    assert [space["metadata"]["id"] for space in ann.get("/v2/spaces").json()["resources"]] == [theirs]


def test_a_list_is_filtered_by_name_type_member_and_role(client: TestClient, ann: TestClient) -> None:
    one, two = _make(client, "one"), _make(client, "two", type="wca")
    _join(client, two, "ann", "editor")
    user_id = ann.get("/v1/me").json()["id"]

    def listed(**query: str) -> list[str]:
        return [space["metadata"]["id"] for space in client.get("/v2/spaces", params=query).json()["resources"]]

    assert listed(name="one") == [one]
    assert listed(name="on") == []
    assert listed(type="wca") == [two]
    assert listed(member=user_id) == [two]
    assert listed(member=user_id, roles="admin") == []
    assert listed(roles="admin,editor") == [one, two]


def test_a_start_that_no_page_gave_is_refused(client: TestClient) -> None:
    assert client.get("/v2/spaces", params={"start": "rubbish"}).status_code == 400


def test_a_space_is_changed_by_json_patch(client: TestClient) -> None:
    space = _make(client, "old")

    answer = _replace(client, f"/v2/spaces/{space}", name="new", description="d", tags=["a", "b"])

    assert answer.status_code == 200
    entity = client.get(f"/v2/spaces/{space}").json()["entity"]
    assert (entity["name"], entity["description"], entity["tags"]) == ("new", "d", ["a", "b"])
    client.patch(f"/v2/spaces/{space}", json=[{"op": "add", "path": "/stage/production", "value": True}])
    _replace(client, f"/v2/spaces/{space}", **{"stage/name": "live"})
    assert client.get(f"/v2/spaces/{space}").json()["entity"]["stage"] == {"production": True, "name": "live"}
    client.patch(f"/v2/spaces/{space}", json=[{"op": "remove", "path": "/description"}])
    assert client.get(f"/v2/spaces/{space}").json()["entity"]["description"] == ""


@pytest.mark.parametrize(
    ("path", "value"),
    [("/colour", "red"), ("/storage", {}), ("/name", 5), ("/name", ""), ("/tags", "a"), ("/tags", [1]), ("/stage", 1)],
)
def test_a_patch_that_cannot_be_names_its_path_and_changes_nothing(
    client: TestClient, path: str, value: object
) -> None:
    space = _make(client, "s")

    operations = [
        {"op": "replace", "path": "/description", "value": "changed"},
        {"op": "replace", "path": path, "value": value},
    ]
    answer = client.patch(f"/v2/spaces/{space}", json=operations)

    assert answer.status_code == 400
    assert path.strip("/") in answer.json()["errors"][0]["message"] or path == "/name"
    assert client.get(f"/v2/spaces/{space}").json()["entity"]["description"] == ""


def test_an_outsider_finds_no_space_at_all(client: TestClient, ann: TestClient) -> None:
    space = _make(client)

    for answer in (
        ann.get(f"/v2/spaces/{space}"),
        _replace(ann, f"/v2/spaces/{space}", name="x"),
        ann.delete(f"/v2/spaces/{space}"),
        ann.get(f"/v2/spaces/{space}/members"),
        ann.get(f"/v2/spaces/{space}/members/admin"),
        ann.post(f"/v2/spaces/{space}/members", json={"members": [{"id": "ann", "role": "admin"}]}),
    ):
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["code"] == "space_not_found"


@pytest.mark.parametrize("role", ["editor", "viewer", "job_operator"])
def test_a_member_who_is_no_admin_sees_the_space_and_cannot_change_it(
    client: TestClient, ann: TestClient, role: str
) -> None:
    space = _make(client)
    _join(client, space, "ann", role)

    assert ann.get(f"/v2/spaces/{space}").status_code == 200
    assert ann.get(f"/v2/spaces/{space}/members").status_code == 200
    for answer in (
        _replace(ann, f"/v2/spaces/{space}", name="x"),
        ann.delete(f"/v2/spaces/{space}"),
        ann.post(f"/v2/spaces/{space}/members", json={"members": [{"id": "ann", "role": "admin"}]}),
        _replace(ann, f"/v2/spaces/{space}/members/ann", role="admin"),
        ann.delete(f"/v2/spaces/{space}/members/admin"),
    ):
        assert answer.status_code == 403
        assert role in answer.json()["errors"][0]["message"]


def test_a_deleted_space_is_gone_at_once(client: TestClient) -> None:
    space = _make(client)

    assert client.delete(f"/v2/spaces/{space}").status_code == 202

    assert client.get(f"/v2/spaces/{space}").status_code == 404
    assert client.get("/v2/spaces").json()["resources"] == []
    assert client.delete(f"/v2/spaces/{space}").status_code == 404


def test_members_are_added_by_name_or_id_and_found_by_either(client: TestClient, ann: TestClient) -> None:
    space, user_id = _make(client), ann.get("/v1/me").json()["id"]
    body = {"members": [{"id": "ann", "type": "user", "role": "editor", "state": "active"}]}

    answer = client.post(f"/v2/spaces/{space}/members", json=body)

    expected = {"id": user_id, "name": "ann", "type": "user", "role": "editor", "state": "active"}
    assert (answer.status_code, answer.json()) == (200, {"resources": [expected]})
    assert client.get(f"/v2/spaces/{space}/members/ann").json() == expected
    assert client.get(f"/v2/spaces/{space}/members/{user_id}").json() == expected
    again = {"members": [{"id": user_id, "role": "editor"}]}
    assert client.post(f"/v2/spaces/{space}/members", json=again).status_code == 200
    other = {"members": [{"id": user_id, "role": "admin"}]}
    assert client.post(f"/v2/spaces/{space}/members", json=other).status_code == 409


def test_an_unknown_user_is_named_with_the_way_out_and_nobody_is_added(client: TestClient, ann: TestClient) -> None:
    space = _make(client)
    assert ann

    body = {"members": [{"id": "ann", "role": "viewer"}, {"id": "nobody", "role": "viewer"}]}
    answer = client.post(f"/v2/spaces/{space}/members", json=body)

    message = answer.json()["errors"][0]["message"]
    assert answer.status_code == 400
    assert "'nobody'" in message
    assert "/v1/users" in message
    assert len(client.get(f"/v2/spaces/{space}/members").json()["resources"]) == 1


@pytest.mark.parametrize("wrong", [{"role": "owner"}, {"role": "viewer", "state": "asleep"}])
def test_an_unknown_role_or_state_is_refused(client: TestClient, ann: TestClient, wrong: dict[str, str]) -> None:
    space = _make(client)
    assert ann

    answer = client.post(f"/v2/spaces/{space}/members", json={"members": [{"id": "ann", **wrong}]})

    assert answer.status_code == 400


def test_a_members_role_and_state_are_patched_and_count_at_once(client: TestClient, ann: TestClient) -> None:
    space = _make(client)
    _join(client, space, "ann", "admin")
    assert _replace(ann, f"/v2/spaces/{space}", name="by ann").status_code == 200

    answer = _replace(client, f"/v2/spaces/{space}/members/ann", role="viewer", state="active")
    assert (answer.status_code, answer.json()["role"]) == (200, "viewer")
    assert _replace(ann, f"/v2/spaces/{space}", name="again").status_code == 403
    _replace(client, f"/v2/spaces/{space}/members/ann", state="pending")
    assert ann.get(f"/v2/spaces/{space}").status_code == 404
    assert _replace(client, f"/v2/spaces/{space}/members/ann", name="x").status_code == 400
    assert _replace(client, f"/v2/spaces/{space}/members/nobody", role="admin").status_code == 404
    assert client.delete(f"/v2/spaces/{space}/members/ann").status_code == 204
    assert client.delete(f"/v2/spaces/{space}/members/ann").status_code == 404


def test_the_last_admin_stays_admin(client: TestClient, ann: TestClient) -> None:
    space = _make(client)
    _join(client, space, "ann", "editor")

    for answer in (
        client.delete(f"/v2/spaces/{space}/members/admin"),
        _replace(client, f"/v2/spaces/{space}/members/admin", role="editor"),
        _replace(client, f"/v2/spaces/{space}/members/admin", state="pending"),
    ):
        assert answer.status_code == 409
    _replace(client, f"/v2/spaces/{space}/members/ann", role="admin")
    assert ann.delete(f"/v2/spaces/{space}/members/admin").status_code == 204
    assert client.get(f"/v2/spaces/{space}").status_code == 404


def test_two_admins_who_demote_each_other_at_once_leave_one(context: Context) -> None:
    first = admin(context)
    second, _ = add_user(context, "second")
    space = spaces.create(context, first, NewSpace(name="s"))
    members.add(context, first, space.id, [NewMember(id="second", role="admin")])

    def demote(pair: tuple[Actor, str]) -> bool:
        try:
            members.change(context, pair[0], space.id, pair[1], {"role": "viewer"})
        except GristmillError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(demote, [(first, "second"), (second, "admin")]))

    assert sorted(done) == [False, True]


def test_members_are_paged_by_relative_links_and_filtered(context: Context, client: TestClient) -> None:
    space = _make(client)
    for name in ("bob", "cem", "dee"):
        add_user(context, name)
        _join(client, space, name, "viewer")

    first = client.get(f"/v2/spaces/{space}/members", params={"limit": 3}).json()
    assert first["next"]["href"].startswith(f"/v2/spaces/{space}/members?")
    second = client.get(first["next"]["href"]).json()

    names = [member["name"] for member in first["resources"] + second["resources"]]
    assert names == ["admin", "bob", "cem", "dee"]
    assert "next" not in second
    admins = client.get(f"/v2/spaces/{space}/members", params={"role": "admin"}).json()["resources"]
    assert [member["name"] for member in admins] == ["admin"]
