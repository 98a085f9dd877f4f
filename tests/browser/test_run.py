from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.server import Server
from tests.browser.live import Desk, desk
from tests.browser.visits import Visits

_SECONDS = 1_000
_AT_WORK = 60 * _SECONDS


@pytest.fixture(scope="module")
def at_desk(server: Server) -> Iterator[Desk]:
    """A space with live work."""
    with desk(server) as found:
        yield found


def headline(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator(".headline")).to_contain_text(text, timeout=_AT_WORK)


def test_a_running_script_is_seen_growing_and_is_canceled(visits: Visits, at_desk: Desk) -> None:
    page = visits.open(at_desk.start(at_desk.script(), "MODE=slow"), "Run of job")
    headline(page, "Running")
    log = page.get_by_role("log")
    expect(log).to_contain_text("begun with slow", timeout=_AT_WORK)
    expect(log).to_contain_text("step 5")
    expect(log).to_contain_text("step 12")
    expect(page.get_by_role("list", name="Stages").locator("[aria-current=step]")).to_contain_text("Running")
    visits.look()
    page.get_by_role("button", name="Cancel run").click()
    headline(page, "Canceled")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    visits.look()


def test_a_failed_run_tells_its_cause_and_where_its_log_does(visits: Visits, at_desk: Desk) -> None:
    page = visits.open(at_desk.start(at_desk.script(), "MODE=fail"), "Run of job")
    headline(page, "the ward is closed")
    page.get_by_role("link", name=re.compile("Line 302 of the log")).click()
    expect(page).to_have_url(re.compile("#L302$"))
    expect(page.locator("#L302")).to_be_in_viewport()
    expect(page.locator("#L302")).to_contain_text("Traceback")
    page.get_by_role("searchbox", name="Find in the log").fill("row 1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 111")).to_be_visible()
    expect(page).to_have_url(re.compile("#L3$"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#L12$"))
    expect(page.locator("#L12")).to_be_in_viewport()
    expect(page.get_by_role("checkbox", name="Follow")).not_to_be_checked()
    visits.look()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert "row 299" in download.value.path().read_text()
    page.reload()
    expect(page.locator("#L12")).to_be_in_viewport()


def test_a_models_result_stands_beside_its_input_and_its_rejected_rows_run_again(visits: Visits, at_desk: Desk) -> None:
    page = visits.open(at_desk.scored(), "Run of default job - deployment")
    headline(page, "30 of 31 rows scored · 1 rejected")
    result = page.get_by_role("region", name="First rows of the result")
    expect(result.get_by_role("columnheader", name="x input")).to_be_visible(timeout=_AT_WORK)
    expect(result.get_by_role("columnheader", name="prediction prediction")).to_be_visible()
    rejected = page.get_by_role("region", name="First rejected rows")
    expect(rejected).to_contain_text("seven")
    expect(page.get_by_role("heading", name="Predictions")).to_be_visible()
    page.get_by_text(re.compile(r"\d+ packages")).click()
    expect(page.get_by_text("patients.csv").first).to_be_visible()
    visits.look()
    first = page.url
    page.get_by_role("button", name="Re-run only these").click()
    expect(page).not_to_have_url(first)
    headline(page, "0 of 1 rows scored · 1 rejected")
    page.get_by_role("link", name="an earlier run").click()
    expect(page).to_have_url(first)


def test_a_flow_shows_its_nodes_and_is_repaired(visits: Visits, at_desk: Desk) -> None:
    page = visits.open(at_desk.start(at_desk.flow()), "Run of job")
    headline(page, "Failed")
    expect(page.get_by_role("img", name="3 nodes, 1 failed")).to_be_visible()
    nodes = page.get_by_role("list").filter(has_text="check node")
    expect(nodes.get_by_role("listitem").filter(has_text="check node")).to_contain_text("the mode is not good")
    visits.look()
    first = page.url
    page.get_by_role("button", name="Repair").click()
    expect(page).not_to_have_url(first)
    headline(page, "Failed")
    expect(page.get_by_role("listitem").filter(has_text="load node")).to_contain_text("Kept")


def test_a_run_that_is_not_there_says_so(visits: Visits, at_desk: Desk) -> None:
    visits.expected.append("404 (Not Found)")
    page = visits.open(at_desk.place("none", "none"), "Run of Job")
    expect(page.get_by_role("alert")).to_contain_text("has no run none")
    visits.look()
