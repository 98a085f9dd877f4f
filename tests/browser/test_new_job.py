"""The wizard that makes jobs: step by step by keyboard, with bad input, over a reload, to a run that completes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from sklearn.linear_model import LogisticRegression

from tests.acceptance.rest import Json, Rest
from tests.acceptance.server import Server
from tests.browser.visits import Visits
from tests.make import eventually

STEPS = ("Define details", "Configure", "Schedule", "Notify", "Choose data", "Review and create")
PATIENTS = b"age,dose,ward\n47,0.5,a\n23,0.1,b\n61,0.9,a\n"


@dataclass(frozen=True)
class Clinic:
    """A space with a deployed model, two tables and a script."""

    rest: Rest
    space: str
    deployment: str
    script: str

    @property
    def jobs(self) -> list[Json]:
        """The jobs of the space."""
        found: list[Json] = self.rest.call("GET", "/v2/jobs", expect=200)["results"]
        return found

    def job(self, name: str) -> Json:
        """Return the job of this name."""
        return next(job for job in self.jobs if job["metadata"]["name"] == name)

    @property
    def definitions(self) -> int:
        """How many definitions of deployment jobs there are."""
        return len(self.rest.call("GET", "/ml/v4/deployment_job_definitions", expect=200)["resources"])

    def completes(self, job: Json) -> None:
        """Wait until the newest run of a job has completed."""
        path = f"/v2/jobs/{job['asset_id']}/runs"

        def states() -> list[str]:
            return [run["entity"]["job_run"]["state"] for run in self.rest.call("GET", path, expect=200)["results"]]

        eventually(lambda: states() == ["Completed"], within=60)


@pytest.fixture(scope="module")
def clinic(server: Server) -> Iterator[Clinic]:
    with Rest(server) as rest:
        space = rest.enter_new_space()
        fitted = LogisticRegression().fit(np.array([[20, 0.1], [70, 0.9]]), [0, 1])
        deployment = rest.deployment(rest.model(fitted, fields=[("age", "integer"), ("dose", "double")]))
        rest.data_asset("patients.csv", PATIENTS)
        rest.data_asset("wards.csv", b"ward\na\n")
        metadata = {"name": "tidy.py", "asset_type": "script", "origin_country": "us", "asset_category": "USER"}
        body = {"metadata": metadata, "entity": {"script": {"language": {"name": "python3"}}}}
        script = str(rest.call("POST", "/v2/assets", expect=201, json=body)["metadata"]["asset_id"])
        yield Clinic(rest, space, deployment, script)


def at_step(page: Page, step: str) -> None:
    """Wait until a step is open and has the focus."""
    expect(page.get_by_role("heading", name=step, level=2)).to_be_focused()


def tab_to(page: Page, label: str) -> None:
    """Go to a field or a button by the tabulator alone."""
    field, button = page.get_by_label(label, exact=True), page.get_by_role("button", name=label, exact=True)
    wanted = field.or_(button).or_(page.get_by_role("switch", name=label)).first
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"the tabulator does not reach {label}")


def next_step(page: Page, step: str) -> None:
    page.keyboard.press("Control+Enter")
    at_step(page, step)


def pick(page: Page, label: str) -> None:
    """Turn a box or choose an option by the space bar."""
    page.get_by_label(label, exact=True).press("Space")


def refused(page: Page, label: str, text: str) -> None:
    """The step stays, and says at this field why; the field has the focus."""
    field = page.get_by_label(label, exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(page.get_by_role("alert").filter(has_text=text).first).to_be_visible()


def test_a_job_is_made_by_keyboard_scheduled_and_run(visits: Visits, clinic: Clinic) -> None:
    visits.expected.append("400 (Bad Request)")
    page = visits.open(f"/spaces/{clinic.space}/new-job?deployment={clinic.deployment}", "New job")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.press("Control+Enter")
    refused(page, "Name", "Give the job a name")
    visits.look()
    page.keyboard.type("Nightly scores")
    next_step(page, "Configure")

    tab_to(page, "Add a variable")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    refused(page, "Name 1", "NAME=value")
    visits.look()
    page.keyboard.type("REGION")
    page.keyboard.press("Tab")
    page.keyboard.type("EMEA")
    pick(page, "By amount")
    tab_to(page, "Runs to keep")
    page.keyboard.press("Control+A")
    page.keyboard.type("none")
    page.keyboard.press("Control+Enter")
    refused(page, "Runs to keep", "is not a whole number from 1")
    page.keyboard.press("Control+A")
    page.keyboard.type("30")
    next_step(page, "Schedule")

    tab_to(page, "Run on a schedule")
    page.keyboard.press("Space")
    tab_to(page, "Cron expression")
    page.keyboard.press("Control+A")
    page.keyboard.type("99 2 * * *")
    page.keyboard.press("Control+Enter")
    refused(page, "Cron expression", "99")
    page.keyboard.press("Control+A")
    page.keyboard.type("30 2 * * *")
    tab_to(page, "Time zone")
    page.keyboard.press("Control+A")
    page.keyboard.type("Mars/Base")
    page.keyboard.press("Control+Enter")
    refused(page, "Time zone", "There is no time zone")
    page.keyboard.press("Control+A")
    page.keyboard.type("Europe/Berlin")
    page.get_by_label("Start (optional)").fill("2027-03-27T00:00")
    page.get_by_label("Sunday").focus()
    ticks = page.get_by_role("region", name="Next runs")
    expect(ticks).to_contain_text("Every day at 02:30 (Europe/Berlin)")
    expect(ticks.get_by_role("listitem").nth(1)).to_contain_text("02:30 does not exist on this day")
    expect(ticks.get_by_role("listitem").nth(1)).to_contain_text("Clock change")
    visits.look()
    next_step(page, "Notify")

    tab_to(page, "Notify me")
    page.keyboard.press("Space")
    tab_to(page, "A run takes too long")
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    refused(page, "Too long is more than (minutes of work)", "needs a number of minutes")
    visits.look()
    page.keyboard.type("30")
    next_step(page, "Choose data")

    tab_to(page, "age")
    page.keyboard.type("old")
    page.keyboard.press("Control+Enter")
    refused(page, "age", "the model wants a whole number")
    visits.look()
    page.keyboard.press("Control+A")
    page.keyboard.type("47")
    page.keyboard.press("Tab")
    page.keyboard.type("0.5")
    tab_to(page, "Try the first rows")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Predictions of the first rows")).to_be_visible(timeout=60_000)
    visits.look()
    next_step(page, "Review and create")

    page.reload()
    review = page.get_by_role("table", name="Review")
    for text in ("Nightly scores", "REGION", "30 runs", "Every day at 02:30 (Europe/Berlin)", "A run fails", "1 row"):
        expect(review).to_contain_text(text)
    visits.look()
    page.go_back()
    at_step(page, "Choose data")
    expect(page.get_by_label("age", exact=True)).to_have_value("47")
    next_step(page, "Review and create")
    tab_to(page, "Create and run")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/spaces/{clinic.space}/jobs/[^/]+/runs/[^/]+$"))

    job = clinic.job("Nightly scores")
    entity = job["entity"]["job"]
    assert entity["future_scheduled_runs"][:2] == ["2027-03-27T01:30:00.000Z", "2027-03-28T01:00:00.000Z"]
    assert entity["configuration"]["env_variables"] == ["REGION=EMEA"]
    assert (entity["retention_policy"]["amount"], entity["long_running_minutes"]) == (30, 30)
    clinic.completes(job)


def test_data_assets_are_matched_with_the_model_and_a_secret_is_not_kept(visits: Visits, clinic: Clinic) -> None:
    page = visits.open(f"/spaces/{clinic.space}/jobs", "space")
    page.get_by_role("link", name="New job").click()
    expect(page.get_by_role("heading", name="New job", level=1)).to_be_focused()
    page.get_by_label("Name", exact=True).fill("From a table")
    page.get_by_label("What it runs").select_option("deployment (deployed model)")
    expect(page).to_have_url(re.compile(f"deployment={clinic.deployment}"))
    next_step(page, "Configure")
    page.get_by_role("button", name="Paste a .env file").click()
    page.get_by_label("Content of a .env file").fill("# who\nexport REGION='EMEA'\n\nPASSWORD=hidden\n")
    page.get_by_role("button", name="Add 2 variables").click()
    expect(page.get_by_label("Value 1")).to_have_value("EMEA")
    page.get_by_label("Secret").nth(1).press("Space")
    visits.look()
    for step in STEPS[2:5]:
        next_step(page, step)
    pick(page, "Data assets of the space")
    pick(page, "wards.csv")
    expect(page.get_by_text("Missing: age, dose")).to_be_visible()
    pick(page, "wards.csv")
    pick(page, "patients.csv")
    expect(page.get_by_text("2 of 2 columns of the model are there")).to_be_visible()
    expect(page.get_by_text("Not used: ward")).to_be_visible()
    page.keyboard.press("Control+Enter")
    refused(page, "Name of the data asset for the results", "Name the data asset")
    visits.look()
    page.keyboard.type("scores.csv")
    next_step(page, "Review and create")

    page.reload()
    expect(page.get_by_role("heading", name="Configure", level=2)).to_be_visible()
    expect(page.get_by_label("Value 2")).to_have_value("")
    page.get_by_label("Value 2").fill("hidden")
    assert "hidden" not in page.evaluate("JSON.stringify(sessionStorage)")
    for step in STEPS[2:]:
        next_step(page, step)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page).to_have_url(re.compile(r"/jobs/[^/]+$"))
    configuration = clinic.job("From a table")["entity"]["job"]["configuration"]
    assert configuration["env_variables"] == ["REGION=EMEA"]
    assert "hidden" not in str(configuration)


def test_a_refused_job_leaves_no_definition_and_a_lost_answer_no_second_job(visits: Visits, clinic: Clinic) -> None:
    visits.expected += ["400 (Bad Request)", "ERR_FAILED"]
    page = visits.open(f"/spaces/{clinic.space}/new-job?deployment={clinic.deployment}", "New job")
    page.get_by_label("Name", exact=True).fill("Once only")
    for step in STEPS[1:5]:
        next_step(page, step)
    pick(page, "Rows as JSON")
    page.get_by_label("Input data").fill('{"input_data": [')
    page.keyboard.press("Control+Enter")
    refused(page, "Input data", "This is not JSON")
    table = {"fields": ["age", "dose"], "values": [[47, 0.5], [23, 0.1]]}
    page.get_by_label("Input data").fill(json.dumps({"input_data": [table]}))
    next_step(page, "Review and create")
    expect(page.get_by_role("table", name="Review")).to_contain_text("2 rows")
    before = clinic.definitions

    def fulfil_and_lose(route: object) -> None:
        route.fetch()  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    page.route(re.compile(r"/v2/jobs\?space_id=[^&]+$"), fulfil_and_lose, times=1)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="not known")).to_be_visible()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page).to_have_url(re.compile(r"/jobs/[^/]+$"))
    assert [job["metadata"]["name"] for job in clinic.jobs].count("Once only") == 1
    assert clinic.definitions == before + 1


def test_a_script_needs_no_data_and_a_step_opens_only_behind_complete_ones(visits: Visits, clinic: Clinic) -> None:
    page = visits.open(f"/spaces/{clinic.space}/new-job?asset={clinic.script}&step=review", "New job")
    expect(page.get_by_role("heading", name="Define details", level=2)).to_be_visible()
    expect(page).to_have_url(re.compile("step=details"))
    page.get_by_label("Name", exact=True).fill("Tidy up")
    for step in STEPS[1:]:
        next_step(page, step)
    expect(page.get_by_role("table", name="Review")).to_contain_text("tidy.py (script)")
    page.get_by_role("link", name="Edit name").click()
    at_step(page, "Define details")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Tidy up")


def test_cells_of_a_spreadsheet_are_pasted_and_many_become_json(visits: Visits, clinic: Clinic) -> None:
    page = visits.open(f"/spaces/{clinic.space}/new-job?deployment={clinic.deployment}", "New job")
    page.get_by_label("Name", exact=True).fill("Pasted")
    for step in STEPS[1:5]:
        next_step(page, step)
    expect(page.get_by_role("complementary", name="Summary")).to_contain_text("Pasted")
    paste(page, "dose\tage\n0.5\t47\n0.1\t23\n")
    expect(page.get_by_label("age", exact=True)).to_have_count(2)
    expect(page.get_by_label("age", exact=True).nth(1)).to_have_value("23")
    expect(page.get_by_label("dose", exact=True).nth(0)).to_have_value("0.5")
    visits.look()
    paste(page, "".join(f"{20 + row}\t0.{row}\r\n" for row in range(60)))
    expect(page.get_by_label("Input data")).to_have_value(re.compile(r"79,\s+0.59"))
    expect(page.get_by_role("complementary", name="Summary")).to_contain_text("61 rows")


def paste(page: Page, text: str) -> None:
    """Paste a text into the first field of the second row, or of the only one, as from a spreadsheet."""
    page.get_by_label("age", exact=True).last.evaluate(
        """(field, text) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", text);
            field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def test_a_job_is_edited_and_what_is_not_touched_stays(visits: Visits, clinic: Clinic) -> None:
    visits.expected.append("400 (Bad Request)")
    info = {"repeat": True, "timezone": "Europe/Berlin", "rule": {"cron": "30 7 * * *", "overlap": "skip"}}
    job = {"name": "Before", "asset_ref": clinic.script, "asset_ref_type": "script", "configuration": {}}
    job |= {"schedule": "30 5 * * *", "schedule_info": info, "retention_policy": {"days": 9}}
    made = clinic.rest.call("POST", "/v2/jobs", expect=201, json={"job": job})["asset_id"]
    page = visits.open(f"/spaces/{clinic.space}/jobs/{made}", "Before")
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_role("heading", name="Edit job")).to_be_focused()
    expect(page.get_by_label("Cron expression", exact=True)).to_have_value("30 7 * * *")
    expect(page.get_by_label("Days to keep")).to_have_value("9")
    page.get_by_label("Days to keep").fill("many")
    page.get_by_role("button", name="Save changes").click()
    refused(page, "Days to keep", "is not a whole number from 1")
    visits.look()
    page.get_by_label("Days to keep").fill("12")
    page.get_by_label("Name", exact=True).fill("After")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", name="After", level=1)).to_be_visible()
    entity = clinic.job("After")["entity"]["job"]
    assert entity["retention_policy"]["days"] == 12
    assert (entity["schedule_info"]["timezone"], entity["schedule_info"]["rule"]["overlap"]) == (
        "Europe/Berlin",
        "skip",
    )
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Cron expression", exact=True).fill("15 6 * * 1-5")
    page.get_by_role("switch", name="Notify me").press("Space")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", name="After", level=1)).to_be_visible()
    entity = clinic.job("After")["entity"]["job"]
    rule = entity["schedule_info"]["rule"]
    assert (rule["cron"], rule["overlap"], entity["notification_types"]["failure"]) == ("15 6 * * 1-5", "skip", True)
