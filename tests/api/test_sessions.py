"""Sessions of browsers: the cookie, what it opens, from where, and for how long; guessing made slow."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.people import ADMIN_API_KEY, admin, client_of

from gristmill.api.app import create_api
from gristmill.domain.lockout import FREE_FAILURES, FREE_FROM_ADDRESS
from gristmill.service import lockouts, users
from gristmill.service.context import Context

PASSWORD = "correct horse battery"
HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(context: Context) -> Iterator[TestClient]:
    """A browser that is not signed in; there is a user ann with a password."""
    users.create(context, admin(context), name="ann", password=PASSWORD)
    with TestClient(create_api(context)) as made:
        yield made


def sign_in(browser: TestClient, password: str = PASSWORD, *, name: str = "ann", **headers: str) -> Any:
    return browser.post("/v1/session", json={"username": name, "password": password}, headers=headers or HERE)


def later(context: Context, **by: float) -> Context:
    now = context.now() + timedelta(**by)
    return replace(context, clock=lambda: now)


def test_a_browser_signs_in_works_and_signs_out(browser: TestClient) -> None:
    assert browser.get("/v1/session").json()["user"] is None
    answer = sign_in(browser)
    assert answer.status_code == 201
    assert answer.json()["user"]["name"] == "ann"
    assert answer.headers["cache-control"] == "no-store"
    assert browser.get("/v1/session").json()["user"]["name"] == "ann"
    assert browser.post("/v2/spaces", json={"name": "s"}, headers=HERE).status_code == 202
    secret = browser.cookies["gristmill"]
    assert browser.delete("/v1/session", headers=HERE).status_code == 204
    assert "gristmill" not in browser.cookies
    browser.cookies.set("gristmill", secret)
    refused = browser.get("/v2/spaces")
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["code"] == "signed_out"


def test_scripts_and_other_sites_do_not_get_the_cookie(context: Context, browser: TestClient) -> None:
    cookie = sign_in(browser).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    with TestClient(create_api(context, public_url="https://gristmill.example.com")) as secured:
        cookie = sign_in(secured).headers["set-cookie"]
    assert cookie.startswith("__Host-gristmill=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_act_with_the_cookie(browser: TestClient, headers: dict[str, str]) -> None:
    sign_in(browser)
    refused = browser.post("/v2/spaces", json={"name": "s"}, headers=headers)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "foreign_request")
    assert browser.delete("/v1/session", headers=headers).status_code == 403
    assert sign_in(browser, **headers).status_code == 403
    assert browser.get("/v2/spaces", headers=headers).status_code == 200


def test_the_same_origin_is_enough_where_a_browser_says_no_more(browser: TestClient) -> None:
    sign_in(browser)
    made = browser.post("/v2/spaces", json={"name": "s"}, headers={"Origin": "http://testserver"})
    assert made.status_code == 202


def test_a_token_works_from_anywhere_whatever_cookie_is_there(context: Context) -> None:
    with client_of(context, ADMIN_API_KEY) as client:
        client.cookies.set("gristmill", "stale")
        made = client.post("/v2/spaces", json={"name": "s"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert made.status_code == 202


def test_an_api_key_of_the_user_is_as_good_as_a_password(browser: TestClient) -> None:
    assert sign_in(browser, ADMIN_API_KEY, name="admin").status_code == 201
    assert sign_in(browser, ADMIN_API_KEY, name="ann").status_code == 401


def test_a_session_ends_by_itself(context: Context, browser: TestClient) -> None:
    sign_in(browser)
    for hours, signed_in in ((11.9, True), (12.1, False)):
        with TestClient(create_api(later(context, hours=hours))) as then:
            then.cookies.update(browser.cookies)
            assert (then.get("/v1/session").json()["user"] is not None) is signed_in


@pytest.mark.parametrize("change", [{"password": "another password"}, {"disabled": True}])
def test_a_new_password_or_being_disabled_ends_sessions(
    context: Context, browser: TestClient, change: dict[str, Any]
) -> None:
    sign_in(browser)
    users.change(context, admin(context), "ann", change)
    assert browser.get("/v2/spaces").status_code == 401


def test_revoking_the_key_ends_its_session(browser: TestClient) -> None:
    sign_in(browser, ADMIN_API_KEY, name="admin")
    [key] = browser.get("/v1/api_keys").json()["resources"]
    browser.delete(f"/v1/api_keys/{key['id']}", headers=HERE)
    assert browser.get("/v2/spaces").status_code == 401


def test_guessing_is_stopped_and_says_until_when(context: Context, browser: TestClient) -> None:
    for _ in range(FREE_FAILURES):
        assert sign_in(browser, "wrong").json()["errors"][0]["code"] == "authentication_failed"
    refused = sign_in(browser)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (401, "locked_out")
    assert 0 < int(refused.headers["retry-after"]) <= 30
    assert "Try again after" in refused.json()["errors"][0]["message"]
    # The other door is shut too; keys alone are not guessed at.
    login = {"username": "ann", "password": PASSWORD}
    assert browser.post("/icp4d-api/v1/authorize", json=login).status_code == 401
    assert browser.post("/icp4d-api/v1/authorize", json={"api_key": ADMIN_API_KEY}).status_code == 200
    with TestClient(create_api(later(context, seconds=31))) as then:
        assert sign_in(then).status_code == 201


def test_a_right_password_makes_up_for_wrong_ones(browser: TestClient) -> None:
    for _ in range(2):
        for _ in range(FREE_FAILURES - 1):
            sign_in(browser, "wrong")
        assert sign_in(browser).status_code == 201


def test_names_that_nobody_has_look_like_others(browser: TestClient) -> None:
    seen = [sign_in(browser, "wrong", name="nobody").json()["errors"][0]["code"] for _ in range(FREE_FAILURES + 1)]
    assert seen == ["authentication_failed"] * FREE_FAILURES + ["locked_out"]


def test_guesses_from_one_address_are_stopped_whatever_the_name(context: Context, browser: TestClient) -> None:
    here = replace(context, address="testclient")
    for number in range(FREE_FROM_ADDRESS - 1):
        lockouts.attempt(here, f"user{number}", lambda: None)
    # Passwords come by GET too.
    basic = base64.b64encode(b"somebody:wrong").decode()
    wrong = browser.get("/v1/preauth/validateAuth", headers={"Authorization": f"Basic {basic}"})
    assert wrong.status_code == 401
    refused = sign_in(browser)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (429, "too_many_sign_ins")
    assert 0 < int(refused.headers["retry-after"]) <= 30
    # It is kept in the database: another server, or one that was started again, knows it. Others come from elsewhere.
    with TestClient(create_api(context)) as restarted:
        assert sign_in(restarted).status_code == 429
    with TestClient(create_api(context), client=("192.0.2.7", 1)) as elsewhere:
        assert sign_in(elsewhere).status_code == 201
    with TestClient(create_api(later(context, seconds=31))) as then:
        assert sign_in(then).status_code == 201


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_wrong_keys_do_not_fill_the_audit_log_and_hinder_no_right_one(context: Context, browser: TestClient) -> None:
    def ask(key: str) -> Any:
        return browser.post("/icp4d-api/v1/authorize", json={"api_key": key})

    assert {ask("wrong").status_code for _ in range(FREE_FROM_ADDRESS)} == {401}
    refused = ask("wrong")
    assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
    assert ask(ADMIN_API_KEY).status_code == 200
    assert sign_in(browser).status_code == 201
    with client_of(context, ADMIN_API_KEY) as client:
        events = client.get("/v1/audit_events", params={"action": "session.begin", "limit": 200}).json()["results"]
    assert [event["outcome"] for event in events].count("refused") == FREE_FROM_ADDRESS


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_can_choose_the_secret_of_another_ones_session(browser: TestClient) -> None:
    planted = "a secret that an attacker knows"
    browser.cookies.set("gristmill", planted)
    assert sign_in(browser).status_code == 201
    first = {each.value for each in browser.cookies.jar} - {planted}
    assert len(first) == 1
    assert first.isdisjoint({sign_in(browser).cookies["gristmill"]})
    browser.cookies.clear()
    browser.cookies.set("gristmill", planted)
    assert browser.get("/v1/session").json()["user"] is None
    assert browser.get("/v2/spaces").status_code == 401


def test_guesses_side_by_side_count_each(browser: TestClient) -> None:
    with ThreadPoolExecutor(FREE_FAILURES) as pool:
        list(pool.map(lambda _: sign_in(browser, "wrong"), range(FREE_FAILURES)))
    assert sign_in(browser).json()["errors"][0]["code"] == "locked_out"
