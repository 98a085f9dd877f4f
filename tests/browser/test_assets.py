from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.acceptance.server import API_KEY
from tests.browser.lake import MODEL, NOTES, PATIENTS, SCRIPT
from tests.browser.visits import Visits

SOON = 30_000


def new_space(visits: Visits, name: str) -> str:
    """Make a space in the console; return its id."""
    page = visits.open("/spaces/new", "New space")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return page.url.split("/spaces/")[1].split("/")[0]


def upload(visits: Visits, space: str, file: Path, *, kind: str = "data_asset", heading: str | None = None) -> Page:
    """Upload a file; its page is there then."""
    page = visits.open(f"/spaces/{space}/new-asset?type={kind}", "Upload")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name=heading or file.name, level=1)).to_be_visible(timeout=SOON)
    return page


def test_nothing_is_uploaded_before_the_servers_lists_are_there(visits: Visits) -> None:
    space, held = new_space(visits, "Slow lists"), list[Route]()
    visits.page.route(re.compile("/v2/software_specifications"), lambda route: held.append(route))
    page = visits.open(f"/spaces/{space}/new-asset?type=script", "Upload")
    send = page.get_by_role("button", name="Upload")
    expect(send).to_be_disabled()
    assert held, "the lists were not asked for"
    for route in held:
        route.continue_()
    expect(send).to_be_enabled()
    expect(page.get_by_label("Software specification")).to_have_value(re.compile("."))


def test_data_is_uploaded_previewed_frozen_and_deleted(visits: Visits, lake: Path) -> None:
    space = new_space(visits, "Data only")
    page = visits.open(f"/spaces/{space}/assets", "Data only")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    visits.look()
    page.get_by_role("link", name="Upload").click()
    expect(page.get_by_role("heading", name="Upload")).to_be_focused()
    page.locator("input[type=file]").set_input_files(lake / PATIENTS)
    expect(page.get_by_label("Name", exact=True)).to_have_value(PATIENTS)
    visits.look()
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text(re.compile(r"^400 rows, 3 columns"))).to_be_visible(timeout=SOON)
    rows = page.get_by_role("region", name="Preview")
    expect(rows.get_by_role("columnheader", name="AGE int64")).to_be_visible()
    expect(rows.get_by_role("row")).to_have_count(51)
    page.get_by_role("button", name="Freeze a revision").click()
    expect(page.get_by_text("Revision 1")).to_be_visible()
    visits.look()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.path().read_bytes() == (lake / PATIENTS).read_bytes()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("It goes to the trash")).to_be_visible()
    visits.look()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    page.get_by_role("link", name="Trash").click()
    expect(page.get_by_role("table", name="Trash")).to_contain_text(PATIENTS)
    visits.look()
    page.get_by_role("button", name=f"Restore: {PATIENTS}").click()
    expect(page.get_by_text("The trash is empty")).to_be_visible()
    page.get_by_role("link", name="Assets", exact=True).last.click()
    expect(page.get_by_role("table", name="Assets")).to_contain_text(PATIENTS)


def test_what_is_no_model_is_refused_at_the_file_and_leaves_nothing(visits: Visits, lake: Path) -> None:
    visits.expected.append("400 (Bad Request)")
    space = new_space(visits, "Refused")
    page = visits.open(f"/spaces/{space}/new-asset?type=wml_model", "Upload")
    page.get_by_role("button", name="Upload").click()
    file = page.locator("input[type=file]")
    expect(file).to_be_focused()
    expect(file).to_have_attribute("aria-invalid", "true")
    file.set_input_files(lake / NOTES)
    expect(page.get_by_label("Type of model")).to_have_value(re.compile("^scikit-learn_"))
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("This is no model of type scikit-learn").last).to_be_visible()
    expect(file).to_be_focused()
    visits.look()
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()


def test_a_script_leads_to_a_job_and_filters_are_in_the_address(visits: Visits, lake: Path) -> None:
    space = new_space(visits, "Mixed")
    page = upload(visits, space, lake / SCRIPT, kind="script")
    expect(page.get_by_role("link", name="New job")).to_have_attribute("href", re.compile(r"/new-job\?asset="))
    visits.look()
    upload(visits, space, lake / PATIENTS)
    visits.open(f"/spaces/{space}/assets", "Mixed")
    page.get_by_role("link", name="Scripts 1").click()
    expect(page).to_have_url(re.compile(r"\?type=script$"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="All 2").click()
    page.get_by_role("searchbox", name="Find an asset").fill("PATIENTS")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("searchbox", name="Find an asset").fill("no such thing")
    expect(page.get_by_text("No asset is like that")).to_be_visible()


def test_a_file_can_be_dropped(visits: Visits, past_space: str) -> None:
    page = visits.open(f"/spaces/{past_space}/new-asset", "Upload")
    dropped = page.evaluate_handle(
        "() => { const all = new DataTransfer(); all.items.add(new File(['a\\n1\\n'], 'dropped.csv')); return all }"
    )
    page.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    expect(page.get_by_text("dropped.csv, 4 bytes")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("dropped.csv")


def test_a_model_is_deployed_run_and_its_output_found(visits: Visits, lake: Path, data_dir: Path) -> None:
    visits.expected.append("400 (Bad Request)")
    space = new_space(visits, "Scoring")
    page = upload(visits, space, lake / PATIENTS)
    data = page.url.rsplit("/", 1)[1]
    page = visits.open(f"/spaces/{space}/new-asset?type=wml_model", "Upload")
    page.locator("input[type=file]").set_input_files(lake / MODEL)
    expect(page.get_by_label("Name", exact=True)).to_have_value("risk")
    page.get_by_label("Columns of the input").fill("AGE integer\nDOSE double")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Schema of the input: 2 columns")).to_be_visible(timeout=SOON)
    visits.look()
    page.get_by_role("link", name="Create deployment").click()
    limit = page.get_by_label("Runs at the same time")
    limit.fill("0")
    page.get_by_role("button", name="Create deployment").click()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Name", exact=True).fill("risk of patients")
    page.get_by_role("button", name="Create deployment").click()
    expect(limit).to_have_attribute("aria-invalid", "true")
    visits.look()
    limit.fill("1")
    page.get_by_role("button", name="Create deployment").click()
    expect(page.get_by_role("heading", name="risk of patients")).to_be_visible()
    expect(page.get_by_role("img", name="0 of 1 running, 0 waiting")).to_be_visible()
    expect(page.get_by_role("link", name="New job")).to_have_attribute("href", re.compile(r"/new-job\?deployment="))
    expect(page.get_by_role("region", name="Snippet")).to_contain_text('"fields":["AGE","DOSE"]')
    visits.look()
    run_snippet(page, data_dir)
    submit(page, space, data)
    _the_output_is_found(visits, space)


def run_snippet(page: Page, data_dir: Path) -> None:
    """Run the Python that the page of a deployment offers."""
    said = data_dir.with_name(f"{data_dir.name}.said").read_text()
    found = re.search(r"ready at (https://\S+) \(CA: (.+)\)", said)
    assert found
    server = {"GRISTMILL_URL": found[1], "GRISTMILL_CA": found[2]}
    known = {**os.environ, **server, "GRISTMILL_USER": "admin", "GRISTMILL_API_KEY": API_KEY}
    words = [sys.executable, "-c", page.get_by_role("region", name="Snippet").inner_text()]
    ran = subprocess.run(words, env=known, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, "'scoring'" in ran.stdout) == (0, True), ran.stderr


def submit(page: Page, space: str, data: str) -> None:
    """Run the deployment that the page shows on a data asset."""
    reference = {"type": "data_asset", "location": {"href": f"/v2/assets/{data}?space_id={space}"}}
    output = {"type": "data_asset", "location": {"name": "scored.csv"}}
    body = {
        "name": "score",
        "space_id": space,
        "deployment": {"id": page.url.rsplit("/", 1)[1]},
        "scoring": {"input_data_references": [reference], "output_data_reference": output},
    }
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = page.request.post("/ml/v4/deployment_jobs?version=2026-10-14", data=body, headers=headers)
    assert answer.ok, answer.text()


def _the_output_is_found(visits: Visits, space: str) -> None:
    page = visits.open(f"/spaces/{space}/assets", "Scoring")
    outputs = page.get_by_role("table", name="Outputs of runs")
    expect(outputs).to_contain_text("default job", timeout=90_000)
    expect(page.get_by_role("table", name="Assets", exact=True)).not_to_contain_text("scored.csv")
    expect(page.get_by_role("row", name=re.compile("^risk"))).to_contain_text("1 deployment")
    visits.look()
    outputs.get_by_role("link").click()
    expect(page.get_by_role("row", name=re.compile("scored.csv"))).to_contain_text("by score")
    visits.look()
    visits.open(f"/spaces/{space}/deployments", "Scoring")
    expect(page.get_by_role("img", name="Last 2 runs: none failed")).to_be_visible()
    visits.look()
