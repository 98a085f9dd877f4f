from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.server import API_KEY
from tests.browser.past import NIGHTLY
from tests.browser.test_profile import PASSWORD, add_user
from tests.browser.test_sign_in import sign_in
from tests.browser.visits import Visits


def test_users_are_added_changed_and_deleted(visits: Visits) -> None:
    visits.expected += ["400 (Bad Request)", "409 (Conflict)"]
    page = visits.open("/administration/users", "Administration")
    page.get_by_label("User name").fill("two words")
    page.get_by_role("button", name="Add user").click()
    expect(page.get_by_label("User name")).to_have_attribute("aria-invalid", "true")
    visits.look()
    page.get_by_label("User name").fill("zoe")
    page.get_by_label("Password (optional)").fill(PASSWORD)
    page.get_by_role("button", name="Add user").click()
    zoe = page.get_by_role("row", name=re.compile("^zoe"))
    expect(zoe).to_be_visible()
    page.get_by_role("button", name="Make administrator: zoe").click()
    expect(zoe).to_contain_text("Administrator")
    page.get_by_role("button", name="Disable: zoe").click()
    expect(zoe).to_contain_text("Disabled")
    page.get_by_role("button", name="Reset password: zoe").click()
    page.get_by_label("New password of zoe").fill("short")
    page.get_by_role("button", name="Set password", exact=True).click()
    expect(page.get_by_label("New password of zoe")).to_have_attribute("aria-invalid", "true")
    visits.look()
    page.get_by_label("New password of zoe").fill("long enough")
    page.get_by_role("button", name="Set password", exact=True).click()
    expect(page.get_by_label("New password of zoe")).to_have_count(0)
    page.get_by_role("button", name="Delete admin").click()
    page.get_by_role("group").get_by_role("button", name="Delete").click()
    expect(page.get_by_text(re.compile("last administrator"))).to_be_visible()
    page.get_by_role("button", name="Delete zoe").click()
    page.get_by_role("group").get_by_role("button", name="Delete").click()
    expect(zoe).to_have_count(0)


@pytest.mark.parametrize(
    ("tab", "shows"),
    [
        ("workers", "Last heard of"),
        ("queue", "Nothing waits"),
        ("storage", "are free"),
        ("audit", "session.begin"),
    ],
)
def test_each_tab_tells_what_it_is_for(visits: Visits, tab: str, shows: str) -> None:
    page = visits.open(f"/administration/{tab}", "Administration")
    expect(page.get_by_text(re.compile(shows)).first).to_be_visible()
    visits.look()


def test_the_audit_log_is_filtered_by_its_address(visits: Visits) -> None:
    add_user(visits, "una")
    page = visits.open("/administration/audit", "Administration")
    page.get_by_role("searchbox", name="Action").fill("user.create")
    expect(page).to_have_url(re.compile("action=user.create"))
    expect(page.get_by_role("row", name=re.compile("una"))).to_contain_text("admin")
    page.get_by_label("Since").fill("2100-01-01")
    expect(page.get_by_text("Nothing like that was done")).to_be_visible()
    visits.look()
    page.reload()
    expect(page.get_by_text("Nothing like that was done")).to_be_visible()


def test_others_are_told_that_it_is_not_for_them(visits: Visits, stranger: Visits) -> None:
    add_user(visits, "outsider")
    page = stranger.open("/administration/users", "Sign in to Gristmill")
    sign_in(page, PASSWORD, name="outsider")
    expect(page.get_by_text("This is for administrators")).to_be_visible()
    page.get_by_role("button", name="User outsider").click()
    expect(page.get_by_role("link", name="Profile")).to_be_visible()
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    stranger.look()


def test_a_key_finds_jobs_across_spaces_and_another_lists_the_keys(visits: Visits) -> None:
    page = visits.open("/", "Deployment spaces")
    page.keyboard.press("?")
    expect(page.get_by_role("region", name="Keys")).to_be_visible()
    visits.look()
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Find by name or id")
    expect(field).to_be_focused()
    field.fill("no such thing at all")
    expect(page.get_by_text("Nothing is called like that")).to_be_visible()
    field.fill("nightly")
    expect(page.get_by_role("link", name=NIGHTLY)).to_have_attribute("href", re.compile(r"/spaces/.+/jobs/"))
    visits.look()
    page.keyboard.press("?")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)


def test_nobody_is_called_silent_who_is_at_work(visits: Visits) -> None:
    page = visits.open("/administration/workers", "Administration")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_server_without_an_engine_says_that_nobody_is_at_work(idle: Visits) -> None:
    page = idle.open("/", "Sign in to Gristmill")
    sign_in(page, API_KEY)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The scheduler is silent")
    expect(alert).to_contain_text("All workers are silent")
    expect(page.get_by_role("heading", name="Deployment spaces", level=1)).to_be_visible()
    idle.look()
