from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.past import NIGHTLY, WARD
from tests.browser.visits import Visits


def test_jobs_are_told_at_a_glance(visits: Visits, past_space: str) -> None:
    page = visits.open(f"/spaces/{past_space}", "shop")
    nightly = page.get_by_role("row", name=re.compile(NIGHTLY))
    expect(nightly).to_contain_text("Failed")
    expect(nightly).to_contain_text("Every day at 02:00")
    expect(nightly).to_contain_text("Europe/Berlin")
    expect(nightly.get_by_role("img", name="Last 14 runs: 2 failed")).to_be_visible()
    ward = page.get_by_role("row", name=re.compile(WARD))
    expect(ward).to_contain_text("slower than 1 min 40 s")
    expect(ward.get_by_role("cell").last).to_have_text("1")
    visits.look()


def test_filters_and_search_are_in_the_address(visits: Visits, past_space: str) -> None:
    page = visits.open(f"/spaces/{past_space}/jobs", "shop")
    page.get_by_role("link", name="Failing 1").click()
    expect(page).to_have_url(re.compile(r"\?filter=failing$"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="All 2").click()
    page.get_by_role("searchbox", name="Find a job").fill("ward")
    expect(page).to_have_url(re.compile(r"\?name=ward$"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.reload()
    expect(page.get_by_role("row", name=re.compile(WARD))).to_be_visible()
    page.get_by_role("searchbox", name="Find a job").fill("nothing like it")
    expect(page.get_by_text("No job is like that")).to_be_visible()
    visits.look()
    page.get_by_role("link", name="Show all jobs").click()
    expect(page.get_by_role("row")).to_have_count(3)


def test_what_fails_needs_attention_in_the_list_of_spaces(visits: Visits, past_space: str) -> None:
    page = visits.open("/", "Deployment spaces")
    expect(page.get_by_role("link", name="shop")).to_have_attribute("href", re.compile(past_space))
    visits.look()


def test_the_timeline_has_a_lane_a_job(visits: Visits, past_space: str) -> None:
    page = visits.open(f"/spaces/{past_space}/jobs", "shop")
    page.get_by_role("link", name="Timeline").click()
    expect(page).to_have_url(re.compile(r"view=timeline$"))
    table = page.get_by_role("table", name="Timeline")
    expect(table.get_by_role("row")).to_have_count(3)
    expect(table).to_contain_text("now:")
    nightly = table.get_by_role("row", name=re.compile(NIGHTLY))
    expect(nightly.get_by_role("img", name=re.compile("to come"))).to_be_visible()
    visits.look()
    nightly.get_by_role("link", name=NIGHTLY).click()
    expect(page.get_by_role("heading", name=NIGHTLY, level=1)).to_be_visible()
