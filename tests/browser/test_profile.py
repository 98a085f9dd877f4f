from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_sign_in import sign_in
from tests.browser.visits import Visits

PASSWORD = "correct horse battery"


def add_user(visits: Visits, name: str) -> None:
    body = {"name": name, "password": PASSWORD}
    answer = visits.page.request.post("/v1/users", data=body, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 201, answer.text()


def test_a_key_is_shown_once_and_revoked(visits: Visits) -> None:
    visits.expected.append("400 (Bad Request)")
    page = visits.open("/profile", "Profile")
    field = page.get_by_label("What the key is for")
    page.get_by_role("button", name="Generate key").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    visits.look()
    field.fill("nightly robot")
    page.get_by_role("button", name="Generate key").click()
    shown = page.get_by_role("status").get_by_text(re.compile("^gm-"))
    expect(shown).to_be_visible()
    secret = shown.inner_text()
    visits.look()
    assert page.request.post("/icp4d-api/v1/authorize", data={"api_key": secret}).status == 200
    page.reload()
    expect(page.get_by_role("row", name=re.compile("nightly robot"))).to_be_visible()
    expect(page.get_by_text(secret)).to_have_count(0)
    page.get_by_role("button", name="Revoke nightly robot").click()
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    visits.look()
    page.get_by_role("group", name="Revoke nightly robot?").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row", name=re.compile("nightly robot"))).to_have_count(0)
    assert page.request.post("/icp4d-api/v1/authorize", data={"api_key": secret}).status == 401


@pytest.mark.parametrize("ending", ["password", "everywhere"])
def test_a_user_makes_a_credential_changes_the_password_and_signs_out(
    visits: Visits, stranger: Visits, ending: str
) -> None:
    name = f"lee-{ending}"
    add_user(visits, name)
    stranger.expected += ["400 (Bad Request)", "401 (Unauthorized)"]
    page = stranger.open("/profile", "Sign in to Gristmill")
    sign_in(page, PASSWORD, name=name)
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_text(re.compile("Task credential, made"))).to_be_visible()
    page.get_by_role("button", name="Revoke the task credential").click()
    page.get_by_role("group", name="Revoke the task credential?").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_visible()
    if ending == "everywhere":
        expect(page.get_by_text("This browser")).to_be_visible()
        page.get_by_role("button", name="Sign out everywhere").click()
        page.get_by_role("group").get_by_role("button", name="Sign out everywhere").click()
    else:
        page.get_by_label("Password so far").fill("wrong")
        page.get_by_label("New password").fill("battery staple")
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_label("Password so far")).to_have_attribute("aria-invalid", "true")
        stranger.look()
        page.get_by_label("Password so far").fill(PASSWORD)
        page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("heading", name="Sign in to Gristmill")).to_be_visible()
    sign_in(page, PASSWORD if ending == "everywhere" else "battery staple", name=name)
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()


def test_the_inbox_has_a_page(visits: Visits) -> None:
    page = visits.open("/inbox", "Notifications")
    expect(page.get_by_role("link", name=re.compile("^Unread"))).to_be_visible()
    visits.look()
    page.get_by_role("link", name=re.compile("^Unread")).click()
    expect(page).to_have_url(re.compile("filter=unread$"))
    visits.look()
