"""Channels, the inbox, the delivery log and what a job wants, over the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.make import eventually
from tests.make_outlets import RecordingOutlets, unavailable
from tests.make_work import Shop, open_shop
from tests.people import ADMIN_API_KEY, add_user, client_of, log_in

from gristmill.api.app import create_api
from gristmill.domain.event import Event, EventKind
from gristmill.domain.notification import NotificationType
from gristmill.domain.user import Actor
from gristmill.engine.notifier import Notifier
from gristmill.service import members
from gristmill.service.context import Context
from gristmill.service.members import NewMember
from gristmill.store import events

CHANNELS = "/v2/notification_channels"
HOOK = {"url": "https://hooks.example.com/T0/secret-path?token=hush"}


@pytest.fixture
def outlets() -> RecordingOutlets:
    return RecordingOutlets()


@pytest.fixture
def context(context: Context, outlets: RecordingOutlets) -> Context:
    """The context of every test, with ways out that write down."""
    return replace(context, outlets=outlets)


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    with TestClient(create_api(context)) as made:
        log_in(made, ADMIN_API_KEY)
        yield made


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def make_channel(client: TestClient, shop: Shop, *, expect: int = 201, **members_: Any) -> Any:
    body = {"space_id": shop.space_id, "name": "hook", "type": "webhook", "settings": HOOK, **members_}
    answer = client.post(CHANNELS, json=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


def make_job(client: TestClient, shop: Shop, *, expect: int = 201, **members_: Any) -> Any:
    job = {"name": "nightly", "asset_ref": shop.script(), "configuration": {}, **members_}
    answer = client.post("/v2/jobs", params={"space_id": shop.space_id}, json={"job": job})
    assert answer.status_code == expect, answer.text
    return answer.json()


def patch(client: TestClient, path: str, *operations: tuple[str, Any], expect: int = 200) -> Any:
    wanted = [
        {"op": "remove", "path": where} if value is ... else {"op": "replace", "path": where, "value": value}
        for where, value in operations
    ]
    answer = client.patch(path, json=wanted)
    assert answer.status_code == expect, answer.text
    return answer.json()


def refused_field(answer: Any) -> str:
    return str(answer["errors"][0]["target"]["name"])


def test_the_secret_of_a_webhook_is_shown_once_and_kept_encrypted(
    client: TestClient, shop: Shop, context: Context
) -> None:
    made = make_channel(client, shop)
    secret = made["settings"]["secret"]
    assert secret.startswith("whsec_")
    path = f"{CHANNELS}/{made['id']}"
    shown = client.get(path).text + client.get(CHANNELS, params={"space_id": shop.space_id}).text
    assert not [hidden for hidden in (secret, "hush", "secret-path") if hidden in shown]
    assert client.get(path).json()["settings"] == {"url": "https://hooks.example.com/..."}
    with context.database.snapshot() as connection:
        rows = [str(row) for row in connection.exec_driver_sql("SELECT * FROM channels")]
    assert len(rows) == 1
    assert not [hidden for hidden in (secret, "hush", "secret-path") if hidden in rows[0]]
    again = patch(client, path, ("/settings/secret", ...))
    assert again["settings"]["secret"] not in {secret, None}
    assert "secret" not in patch(client, path, ("/name", "other"))["settings"]


def test_channels_are_listed_paged_changed_and_deleted(client: TestClient, shop: Shop) -> None:
    made = [make_channel(client, shop, name=f"hook {number}")["id"] for number in range(3)]
    scope = {"space_id": shop.space_id, "limit": 2}
    first = client.get(CHANNELS, params=scope).json()
    assert (first["total_rows"], [row["id"] for row in first["results"]]) == (3, made[:2])
    second = client.get(CHANNELS, params={**scope, "next": json.dumps(first["next"])}).json()
    assert [row["id"] for row in second["results"]] == made[2:]
    assert patch(client, f"{CHANNELS}/{made[0]}", ("/name", "hook 2"), expect=409)
    assert patch(client, f"{CHANNELS}/{made[0]}", ("/name", "renamed"))["name"] == "renamed"
    assert client.delete(f"{CHANNELS}/{made[0]}").status_code == 204
    assert client.get(f"{CHANNELS}/{made[0]}").status_code == 404


@pytest.mark.parametrize(
    ("members_", "field"),
    [
        ({"type": "pigeon"}, "type"),
        ({"name": "  "}, "name"),
        ({"settings": {}}, "settings.url"),
        ({"settings": {"url": "ftp://example.com"}}, "settings.url"),
        ({"settings": {"url": "https://"}}, "settings.url"),
        ({"settings": {"url": "https://example.com:port/"}}, "settings.url"),
        ({"settings": {"url": "https://127.0.0.1/"}}, "settings.url"),
        ({"settings": {**HOOK, "secret": "whsec_short"}}, "settings.secret"),
        ({"settings": {"url": "https://hooks.example.com/..."}}, "settings.url"),
        ({"settings": {**HOOK, "secret": 7}}, "settings.secret"),
        ({"settings": {**HOOK, "method": "PUT"}}, "settings.method"),
        ({"type": "email", "settings": {"addresses": []}}, "settings.addresses"),
        ({"type": "email", "settings": {"addresses": ["ann@example.com", "x"]}}, "settings.addresses[1]"),
        ({"type": "email", "settings": {"addresses": ["a@b\r\nBcc: c@d"]}}, "settings.addresses[0]"),
        ({"type": "apprise", "settings": {"url": "no url"}}, "settings.url"),
        ({"space_id": None}, "space_id"),
    ],
)
def test_what_is_wrong_with_a_channel_is_named_and_none_is_made(
    client: TestClient, shop: Shop, members_: dict[str, Any], field: str
) -> None:
    assert refused_field(make_channel(client, shop, expect=400, **members_)) == field
    assert client.get(CHANNELS, params={"space_id": shop.space_id}).json()["total_rows"] == 0


def test_an_e_mail_channel_needs_a_mail_server(client: TestClient, shop: Shop, outlets: RecordingOutlets) -> None:
    outlets.sends_mail = False
    wanted = {"type": "email", "settings": {"addresses": ["ann@example.com"]}}
    assert refused_field(make_channel(client, shop, expect=400, **wanted)) == "type"
    refused = make_job(client, shop, expect=400, notification_recipients=["ann@example.com"])
    assert refused_field(refused) == "notification_recipients[0]"


def test_viewers_look_editors_change_and_strangers_see_nothing(
    client: TestClient, shop: Shop, context: Context
) -> None:
    made = make_channel(client, shop)
    viewer, viewer_key = add_user(context, "vera")
    _, stranger_key = add_user(context, "sam")
    members.add(context, shop.actor, shop.space_id, [NewMember(id=viewer.user_id, role="viewer")])
    path = f"{CHANNELS}/{made['id']}"
    with client_of(context, viewer_key) as vera:
        assert vera.get(path).status_code == 200
        assert make_channel(vera, shop, expect=403, name="mine")
        answers = [vera.delete(path), vera.post(f"{path}/test"), vera.patch(path, json=[])]
        assert [answer.status_code for answer in answers] == [403, 403, 403]
    with client_of(context, stranger_key) as sam:
        answers = [sam.get(path), sam.delete(path), sam.post(f"{path}/test")]
        assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_a_test_message_says_what_happened(client: TestClient, shop: Shop, outlets: RecordingOutlets) -> None:
    made = make_channel(client, shop, type="email", settings={"addresses": ["a@example.com", "b@example.com"]})
    outlets.failures["b@example.com"] = [unavailable("451 try later")]
    answer = client.post(f"{CHANNELS}/{made['id']}/test").json()
    assert (answer["delivered"], answer["error"]) == (False, "451 try later")
    assert [(row["target"], row["delivered"]) for row in answer["results"]] == [
        ("a@example.com", True),
        ("b@example.com", False),
    ]
    assert client.post(f"{CHANNELS}/{made['id']}/test").json()["delivered"] is True
    hook = make_channel(client, shop, name="other")
    client.post(f"{CHANNELS}/{hook['id']}/test")
    assert outlets.settings[-1]["secret"] == hook["settings"]["secret"]
    assert outlets.settings[-1]["url"] == HOOK["url"]


def test_a_jobs_wishes_come_back_as_they_were_given(client: TestClient, shop: Shop) -> None:
    channel = make_channel(client, shop)["id"]
    wanted: dict[str, Any] = {
        "notification_types": {**{str(name): True for name in NotificationType}, "success": False},
        "notification_channels": [channel],
        "notification_recipients": ["ann@example.com", shop.actor.user_id],
        "long_running_minutes": 30,
        "not_started_minutes": 5,
    }
    made = make_job(client, shop, **wanted)
    path = f"/v2/jobs/{made['asset_id']}"
    shown = client.get(path).json()["entity"]["job"]
    assert {name: shown[name] for name in wanted} == wanted
    assert shown["enable_notifications"] is True
    changed = patch(client, path, ("/entity/job/notification_types", {"failure": True}))["entity"]["job"]
    assert changed["notification_types"] == {"failure": True}
    assert changed["notification_channels"] == [channel]
    changed = patch(client, path, ("/entity/job/notification_channels", ...), ("/entity/job/long_running_minutes", 7))
    assert changed["entity"]["job"]["notification_channels"] == []
    assert changed["entity"]["job"]["long_running_minutes"] == 7
    off = patch(client, path, ("/entity/job/enable_notifications", False))["entity"]["job"]
    assert (off["enable_notifications"], off["notification_types"]) == (False, {})
    on = patch(client, path, ("/entity/job/enable_notifications", True))["entity"]["job"]
    assert on["notification_types"] == {"failure": True, "success": True, "warning": True}


@pytest.mark.parametrize(
    ("members_", "field"),
    [
        ({"notification_types": {"sucess": True}}, "notification_types.sucess"),
        ({"notification_types": {"success": "yes"}}, "notification_types.success"),
        ({"notification_types": {"long_running": True}}, "long_running_minutes"),
        ({"notification_types": {"not_started": True}}, "not_started_minutes"),
        ({"long_running_minutes": 0}, "long_running_minutes"),
        ({"not_started_minutes": -1}, "not_started_minutes"),
        ({"notification_channels": ["nowhere"]}, "notification_channels[0]"),
        ({"notification_recipients": ["nobody"]}, "notification_recipients[0]"),
        ({"notification_recipients": ["a@example.com", "a@b c"]}, "notification_recipients[1]"),
    ],
)
def test_what_is_wrong_with_a_jobs_wishes_is_named_and_changes_nothing(
    client: TestClient, shop: Shop, members_: dict[str, Any], field: str
) -> None:
    assert refused_field(make_job(client, shop, expect=400, **members_)) == field
    made = make_job(client, shop)
    path = f"/v2/jobs/{made['asset_id']}"
    operations = [(f"/entity/job/{name}", value) for name, value in members_.items()]
    assert refused_field(patch(client, path, *operations, expect=400)) == field
    assert client.get(path).json()["metadata"]["version"] == 0


def test_a_channel_of_another_space_is_not_taken(client: TestClient, shop: Shop, context: Context) -> None:
    other = make_channel(client, open_shop(context))["id"]
    refused = make_job(client, shop, expect=400, notification_channels=[other])
    assert refused_field(refused) == "notification_channels[0]"


def happened(context: Context, shop: Shop, number: int, **members_: Any) -> Event:
    """Record an event for the owner's inbox."""
    audience = {"owner_id": shop.actor.user_id, "notification": {"failure": True}}
    told: dict[str, Any] = {
        "subject": f"test/{number}",
        "kind": EventKind.FAILED,
        "space_id": shop.space_id,
        "at": context.now(),
        "document": {"job_name": f"job {number}", "cause": {"code": "killed", "message": "It was killed."}},
        "audience": audience,
        **members_,
    }
    event = Event(**told)
    with context.database.transaction() as connection:
        events.record(connection, [event])
    return event


def test_u2_the_inbox_counts_what_it_lists(client: TestClient, shop: Shop, context: Context) -> None:
    made = [happened(context, shop, number).id for number in range(5)]
    Notifier(context).step()
    first = client.get("/v2/notifications", params={"limit": 2}).json()
    assert (first["unread_count"], first["total_rows"], len(first["results"])) == (5, 5, 2)
    listed = list(first["results"])
    page = first
    while "next" in page:
        page = client.get("/v2/notifications", params={"limit": 2, "next": json.dumps(page["next"])}).json()
        listed += page["results"]
    assert [row["event_id"] for row in listed] == made[::-1]
    assert (listed[0]["title"], listed[0]["read"]) == ("job 4: failed", False)
    assert "It was killed." in listed[0]["text"]
    read = client.post(f"/v2/notifications/{made[0]}/read").json()
    assert read["read"] is True
    assert client.post(f"/v2/notifications/{made[0]}/read").json()["read_at"] == read["read_at"]
    unread = client.get("/v2/notifications", params={"unread": True}).json()
    assert unread["unread_count"] == unread["total_rows"] == len(unread["results"]) == 4
    assert client.post("/v2/notifications/read_all").json() == {"read": 4}
    assert client.get("/v2/notifications").json()["unread_count"] == 0
    assert client.get("/v2/notifications", params={"next": '{"start": "x"}'}).status_code == 400


def test_what_has_just_happened_is_in_the_inbox_that_is_read_next(
    client: TestClient, shop: Shop, context: Context
) -> None:
    event = happened(context, shop, 1)
    for _ in range(2):
        (row,) = client.get("/v2/notifications").json()["results"]
        assert row["event_id"] == event.id
    Notifier(context).step()
    assert client.get("/v2/notifications").json()["unread_count"] == 1


def test_an_inbox_is_its_users_own(client: TestClient, shop: Shop, context: Context) -> None:
    event = happened(context, shop, 1)
    Notifier(context).step()
    _, key = add_user(context, "ann")
    with client_of(context, key) as ann:
        assert ann.get("/v2/notifications").json()["results"] == []
        assert ann.post(f"/v2/notifications/{event.id}/read").status_code == 404
        assert ann.post("/v2/notifications/read_all").json() == {"read": 0}
    assert client.get("/v2/notifications").json()["unread_count"] == 1


def test_the_delivery_log_tells_what_was_sent_and_why_not(
    client: TestClient, shop: Shop, context: Context, outlets: RecordingOutlets
) -> None:
    channel = make_channel(client, shop)["id"]
    job = make_job(client, shop, notification_types={"canceled": True}, notification_channels=[channel])
    path = f"/v2/jobs/{job['asset_id']}"
    outlets.failures[HOOK["url"]] = [unavailable()]
    for _ in range(2):
        run = client.post(f"{path}/runs", json={}).json()["asset_id"]
        assert client.post(f"{path}/runs/{run}/cancel").status_code == 204
    notifier = Notifier(context)
    notifier.step()
    eventually(lambda: notifier.idle, within=5)
    log = client.get(f"{path}/deliveries").json()
    assert (log["total_rows"], sorted(row["state"] for row in log["results"])) == (2, ["delivered", "waiting"])
    row = next(row for row in log["results"] if row["state"] == "waiting")
    assert (row["target"], row["channel_name"], row["kind"], row["attempts"]) == (channel, "hook", "canceled", 1)
    assert row["last_error"] == "503 Service Unavailable"
    assert row["next_attempt_at"]
    first = client.get(f"{path}/deliveries", params={"limit": 1}).json()
    second = client.get(f"{path}/deliveries", params={"limit": 1, "next": json.dumps(first["next"])}).json()
    assert {first["results"][0]["id"], second["results"][0]["id"]} == {row["id"] for row in log["results"]}
    assert "next" not in second


def test_users_set_their_own_e_mail_address_and_nothing_else(client: TestClient, context: Context) -> None:
    actor, key = add_user(context, "ann")
    assert isinstance(actor, Actor)
    with client_of(context, key) as ann:
        changed = ann.patch(f"/v1/users/{actor.user_id}", json={"email": "ann@example.com"})
        assert (changed.status_code, changed.json()["email"]) == (200, "ann@example.com")
        assert ann.get("/v1/me").json()["email"] == "ann@example.com"
        bad = ann.patch("/v1/users/ann", json={"email": "ann at home"})
        assert (bad.status_code, refused_field(bad.json())) == (400, "email")
        assert ann.patch("/v1/users/admin", json={"email": "ann@example.com"}).status_code == 403
        more = ann.patch("/v1/users/ann", json={"email": "x@example.com", "administrator": True})
        assert more.status_code == 403
    assert client.get("/v1/users/ann").json()["email"] == "ann@example.com"
    assert client.patch("/v1/users/ann", json={"email": ""}).json()["email"] == ""
