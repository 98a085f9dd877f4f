"""The whole story, in the console alone: from signing in to a job on a schedule, and to being told that it failed."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.lake import MODEL, PATIENTS
from tests.browser.test_assets import upload
from tests.browser.test_new_job import next_step, pick
from tests.browser.test_profile import PASSWORD, add_user
from tests.browser.test_sign_in import sign_in
from tests.browser.visits import Visits

_AT_WORK = 90_000
_A_MINUTE = 150_000
"""Milliseconds: until the next minute has begun, and a run of it has ended."""


def test_somebody_without_a_terminal_does_the_whole_mission(visits: Visits, stranger: Visits, lake: Path) -> None:
    add_user(visits, "nurse")
    page = stranger.open("/", "Sign in to Gristmill")
    sign_in(page, PASSWORD, name="nurse")
    expect(page.get_by_role("heading", name="Deployment spaces")).to_be_visible()
    stranger.open("/profile", "Profile")
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_text(re.compile("Task credential, made"))).to_be_visible()

    space = _a_space(stranger)
    upload(stranger, space, lake / PATIENTS)
    _a_deployment(stranger, space, lake)
    _a_job_that_runs_at_once(stranger)
    stranger.look()
    _a_job_that_fails_each_minute(stranger, space, lake)
    _is_told(stranger)
    stranger.look()


def _a_space(visits: Visits) -> str:
    page = visits.open("/spaces/new", "New space")
    page.get_by_label("Name", exact=True).fill("Mission")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Mission")).to_be_visible()
    return page.url.split("/spaces/")[1].split("/")[0]


def _a_deployment(visits: Visits, space: str, lake: Path) -> None:
    page = visits.open(f"/spaces/{space}/new-asset?type=wml_model", "Upload")
    page.locator("input[type=file]").set_input_files(lake / MODEL)
    page.get_by_label("Columns of the input").fill("AGE integer\nDOSE double")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="risk", level=1)).to_be_visible(timeout=_AT_WORK)
    page.get_by_role("link", name="Create deployment").click()
    page.get_by_label("Name", exact=True).fill("risk of patients")
    page.get_by_role("button", name="Create deployment").click()
    expect(page.get_by_role("heading", name="risk of patients")).to_be_visible()


def _a_job_that_runs_at_once(visits: Visits) -> None:
    page = visits.page
    page.get_by_role("link", name="New job").click()
    page.get_by_label("Name", exact=True).fill("Risk of all patients")
    for step in ("Configure", "Schedule", "Notify", "Choose data"):
        next_step(page, step)
    pick(page, "Data assets of the space")
    pick(page, PATIENTS)
    page.get_by_label("Name of the data asset for the results").fill("risks.csv")
    next_step(page, "Review and create")
    page.get_by_role("button", name="Create and run").click()
    expect(page).to_have_url(re.compile(r"/runs/[^/]+$"))
    _ends(page, "Completed")
    expect(page.get_by_role("table", name=re.compile("rows")).first).to_contain_text("patient 0")


def _a_job_that_fails_each_minute(visits: Visits, space: str, lake: Path) -> None:
    script = lake / "broken.py"
    script.write_text("raise SystemExit('the ward is closed')\n")
    page = upload(visits, space, script, kind="script")
    page.get_by_role("link", name="New job").click()
    page.get_by_label("Name", exact=True).fill("Each minute")
    next_step(page, "Configure")
    next_step(page, "Schedule")
    page.get_by_role("switch", name="Run on a schedule").press("Space")
    page.get_by_label("Cron expression", exact=True).fill("* * * * *")
    next_step(page, "Notify")
    page.get_by_role("switch", name="Notify me").press("Space")
    expect(page.get_by_label("A run fails", exact=True)).to_be_checked()
    next_step(page, "Choose data")
    next_step(page, "Review and create")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="Each minute", level=1)).to_be_visible()


def _is_told(visits: Visits) -> None:
    """The bell rings, and leads to the run and to its cause; the job is paused then."""
    page = visits.page
    job = page.url
    bell = page.get_by_role("button", name=re.compile(r"^Notifications, \d+ unread$"))
    expect(bell).to_be_visible(timeout=_A_MINUTE)
    bell.click()
    page.get_by_role("link", name=re.compile("Each minute")).first.click()
    _ends(page, re.compile("the ward is closed"))
    page.goto(job)
    page.get_by_role("button", name="Pause").first.click()
    expect(page.get_by_role("button", name="Resume").first).to_be_visible()


def _ends(page: Page, how: str | re.Pattern[str]) -> None:
    expect(page.locator(".headline")).to_contain_text(how, timeout=_AT_WORK)
