from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.visits import Visits


def test_a_space_is_made_and_found_again(visits: Visits) -> None:
    page = visits.open("/", "Deployment spaces")
    page.get_by_role("link", name="New space").first.click()
    expect(page.get_by_role("heading", name="New space")).to_be_focused()
    page.get_by_label("Name", exact=True).fill("Clinic, production")
    page.get_by_label("Description").fill("What the wards use")
    visits.look()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Clinic, production")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/jobs$"))
    expect(page).to_have_title("Jobs - Clinic, production - Gristmill")
    visits.look()
    page.get_by_role("link", name="Deployment spaces").click()
    expect(page.get_by_role("row", name=re.compile("Clinic, production"))).to_contain_text("admin")
    visits.look()


def test_a_refusal_stands_at_its_field(visits: Visits) -> None:
    visits.expected.append("400 (Bad Request)")
    page = visits.open("/spaces/new", "New space")
    page.get_by_role("button", name="Create").click()
    field = page.get_by_label("Name", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    visits.look()


def test_what_is_not_there_says_so(visits: Visits) -> None:
    visits.open("/no/such/page/at/all", "There is no such page")
    visits.look()


def test_panels_open_one_at_a_time_and_close_by_key(visits: Visits) -> None:
    page = visits.open("/", "Deployment spaces")
    page.get_by_role("button", name="Switch space").click()
    visits.look()
    page.get_by_role("button", name="Notifications").click()
    expect(page.get_by_role("heading", name="Notifications")).to_be_visible()
    visits.look()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Notifications")).to_have_count(0)
