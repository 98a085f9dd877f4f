from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.lake import SCRIPT
from tests.browser.test_assets import new_space, upload
from tests.browser.visits import Visits


def test_a_limit_is_changed_and_a_deployed_asset_not_deleted(visits: Visits, lake: Path) -> None:
    visits.expected.append("400 (Bad Request)")
    space = new_space(visits, "Limits")
    page = visits.open(f"/spaces/{space}/deployments", "Limits")
    expect(page.get_by_text("Nothing is deployed yet")).to_be_visible()
    page.get_by_role("link", name="New deployment").click()
    expect(page.get_by_label("Asset")).to_contain_text("There is no model, function or script yet")
    visits.look()
    upload(visits, space, lake / SCRIPT, kind="script")
    page.get_by_role("link", name="Create deployment").click()
    expect(page.get_by_label("Asset").locator("option:checked")).to_have_text(re.compile(SCRIPT))
    page.get_by_label("Name", exact=True).fill("nightly")
    page.get_by_label("Hardware of each run").select_option(index=1)
    page.get_by_role("button", name="Create deployment").click()
    expect(page.get_by_role("heading", name="nightly")).to_be_visible()
    limit = page.get_by_label("Runs at the same time")
    for wrong in ("0", "1000000"):
        limit.fill(wrong)
        page.get_by_role("button", name="Change the limit").click()
        expect(limit).to_have_attribute("aria-invalid", "true")
    visits.look()
    limit.fill("5")
    page.get_by_role("button", name="Change the limit").click()
    expect(page.get_by_role("img", name="0 of 5 running, 0 waiting")).to_be_visible()
    page.get_by_role("link", name="curl").click()
    expect(page.get_by_role("region", name="Snippet")).to_contain_text("/ml/v4/deployment_jobs")
    page.get_by_role("link", name=SCRIPT).click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Delete its deployments first")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("button", name="Delete")).to_be_disabled()
    page.get_by_role("dialog").get_by_role("link", name="nightly").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1 job and all their runs go with it")).to_be_visible()
    visits.look()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing is deployed yet")).to_be_visible()
