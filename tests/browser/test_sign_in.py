from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.server import API_KEY
from tests.browser.visits import Visits


def sign_in(page: Page, password: str, *, name: str = "admin") -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password or API key").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_after_signing_in_one_is_where_the_link_led_and_signing_out_ends_it(stranger: Visits) -> None:
    page = stranger.open("/spaces/new", "Sign in to Gristmill")
    stranger.look()
    sign_in(page, API_KEY)
    expect(page.get_by_role("heading", name="New space")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/console/spaces/new$"))
    page.get_by_role("button", name="User admin").click()
    stranger.look()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Gristmill")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in to Gristmill")).to_be_visible()


def test_a_wrong_password_says_so_and_too_many_say_until_when(stranger: Visits) -> None:
    stranger.expected.append("401 (Unauthorized)")
    page = stranger.open("/", "Sign in to Gristmill")
    for _ in range(5):
        with page.expect_response("**/v1/session"):
            sign_in(page, "wrong", name="eve")
        expect(page.get_by_role("alert").filter(has_text="not signed in")).to_contain_text("do not belong together")
    sign_in(page, "wrong", name="eve")
    expect(page.get_by_role("alert").filter(has_text="not signed in")).to_contain_text(
        re.compile(r"Try again after \d\d:\d\d:\d\d")
    )
    stranger.look()
