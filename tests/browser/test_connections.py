from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.lake import CLINIC, PATIENTS
from tests.browser.test_assets import SOON, new_space
from tests.browser.visits import Visits


def test_a_database_is_tested_browsed_and_read(visits: Visits, lake: Path) -> None:
    visits.expected += ["400 (Bad Request)", "409 (Conflict)"]
    space = new_space(visits, "Connected")
    page = visits.open(f"/spaces/{space}/assets", "Connected")
    page.get_by_role("link", name="New connection").click()
    expect(page.get_by_label("Password (optional)")).to_have_attribute("type", "password")
    visits.look()
    page.get_by_label("Leads to").select_option("sqlite")
    page.get_by_label("Name", exact=True).fill("clinic")
    page.get_by_label("Path", exact=True).fill("/etc/passwd")
    page.get_by_role("button", name="Test and create").click()
    expect(page.get_by_role("alert").filter(has_text="The connection was not made")).to_be_visible(timeout=SOON)
    visits.look()
    page.get_by_label("Path", exact=True).fill(str(lake / CLINIC))
    page.get_by_role("button", name="Test and create").click()
    expect(page.get_by_role("heading", name="clinic")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("It works")).to_be_visible(timeout=SOON)
    page.get_by_role("link", name="main", exact=True).click()
    expect(page).to_have_url(re.compile("path="))
    expect(page.get_by_role("row", name=re.compile("visits"))).to_be_visible(timeout=SOON)
    visits.look()
    page.get_by_role("button", name="Add as data asset: visits").click()
    expect(page.get_by_role("heading", name="visits", level=1)).to_be_visible()
    expect(page.get_by_role("columnheader", name=re.compile("^ward"))).to_be_visible(timeout=SOON)
    visits.look()


def test_a_folder_that_is_not_there_says_so_and_secrets_do_not_come_back(visits: Visits, lake: Path) -> None:
    space = new_space(visits, "Folders")
    page = visits.open(f"/spaces/{space}/new-connection?type=volumes", "New connection")
    page.get_by_label("Name", exact=True).fill("lake")
    page.get_by_label("Volume", exact=True).fill(str(lake))
    page.get_by_label("Password (optional)").fill("a secret")
    page.get_by_role("button", name="Test and create").click()
    expect(page.get_by_role("heading", name="lake", level=1)).to_be_visible(timeout=SOON)
    expect(page.get_by_text("a secret")).to_have_count(0)
    page.get_by_role("button", name=f"Add as data asset: {PATIENTS}").click(timeout=SOON)
    expect(page.get_by_text(re.compile("^400 rows, 3 columns"))).to_be_visible(timeout=SOON)
    visits.open(f"/spaces/{space}/new-connection?type=volumes", "New connection")
    page.get_by_label("Name", exact=True).fill("nowhere")
    page.get_by_label("Volume", exact=True).fill(str(lake / "missing"))
    page.get_by_role("button", name="Create without a test").click()
    expect(page.get_by_role("heading", name="nowhere", level=1)).to_be_visible()
    visits.expected += ["400 (Bad Request)", "409 (Conflict)", "404 (Not Found)"]
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("It does not work")).to_be_visible(timeout=SOON)
    visits.look()
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Volume", exact=True)).to_have_value(str(lake / "missing"))
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    visits.look()
    page.get_by_label("Name", exact=True).fill("somewhere")
    page.get_by_label("Volume", exact=True).fill(str(lake))
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", name="somewhere", level=1)).to_be_visible()
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("It works")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="lake")).to_be_visible()
    expect(page.get_by_role("link", name="somewhere")).to_have_count(0)
