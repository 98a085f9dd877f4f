from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.acceptance.server import Server
from tests.browser.live import desk
from tests.browser.past import NIGHTLY
from tests.browser.visits import Visits


def test_a_job_tells_how_it_is_and_leads_to_its_runs(visits: Visits, past_space: str) -> None:
    page = visits.open(f"/spaces/{past_space}/jobs", "shop")
    page.get_by_role("link", name=NIGHTLY).click()
    expect(page.get_by_role("heading", name=NIGHTLY, level=1)).to_be_visible()
    expect(page.get_by_text("Success of the last 17")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Waiting and working time of 17 runs, 2 failed"))).to_be_visible()
    expect(page.get_by_role("heading", name="Next runs")).to_be_visible()
    expect(page.get_by_text("Europe/Berlin").first).to_be_visible()
    visits.look()
    page.get_by_role("link", name="Failed", exact=True).click()
    expect(page).to_have_url(re.compile("states=Failed"))
    runs = page.get_by_role("table", name="Runs")
    expect(runs.get_by_role("row")).to_have_count(3)
    runs.get_by_role("checkbox").first.check(force=True)
    runs.get_by_role("checkbox").last.check(force=True)
    expect(page.get_by_role("region", name="Values of both runs")).to_contain_text("The table patients is gone.")
    visits.look()
    runs.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name=f"Run of {NIGHTLY}")).to_be_visible()
    expect(page.locator(".headline")).to_contain_text("The table patients is gone.")


def test_a_job_is_paused_resumed_and_its_changes_are_told(visits: Visits, past_space: str) -> None:
    page = visits.open(f"/spaces/{past_space}/jobs", "shop")
    page.get_by_role("link", name=NIGHTLY).click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: none of these will run.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    changes = page.get_by_role("list").filter(has_text="made")
    expect(changes).to_contain_text("paused: true → false")


def test_a_job_is_run_with_changes_and_deleted(visits: Visits, server: Server) -> None:
    visits.expected.append("400 (Bad Request)")
    with desk(server) as at_desk:
        job = at_desk.script()
        page = visits.open(f"{at_desk.path}/jobs/{job}", "job")
        expect(page.get_by_text("No runs yet")).to_be_visible()
        visits.look()
        page.get_by_role("button", name="Run with changes").click()
        variables = page.get_by_label("Environment variables of this run")
        variables.fill("no equals sign")
        page.get_by_role("button", name="Run", exact=True).click()
        expect(variables).to_have_attribute("aria-invalid", "true")
        visits.look()
        variables.fill("MODE=fail")
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.get_by_role("heading", name="Run of job")).to_be_visible()
        expect(page.locator(".headline")).to_contain_text("the ward is closed", timeout=60_000)
        page.get_by_role("navigation", name="Breadcrumbs").get_by_role("link", name="job").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        visits.look()
        page.get_by_role("button", name="Delete the job and its runs").click()
        expect(page).to_have_url(re.compile("/jobs$"))
        expect(page.get_by_text("No jobs yet")).to_be_visible()
