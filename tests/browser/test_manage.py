from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.test_profile import add_user
from tests.browser.visits import Visits

HERE = {"Sec-Fetch-Site": "same-origin"}


def make_space(visits: Visits, name: str) -> str:
    answer = visits.page.request.post("/v2/spaces", data={"name": name}, headers=HERE)
    return str(answer.json()["metadata"]["id"])


def test_members_are_added_changed_and_removed_but_never_the_last_admin(visits: Visits) -> None:
    visits.expected += ["400 (Bad Request)", "409 (Conflict)"]
    add_user(visits, "mia")
    page = visits.open(f"/spaces/{make_space(visits, 'managed')}/manage", "managed")
    members = page.get_by_role("region", name="Members")
    members.get_by_label("User name").fill("nobody")
    members.get_by_role("button", name="Add member").click()
    expect(members.get_by_label("User name")).to_have_attribute("aria-invalid", "true")
    visits.look()
    members.get_by_label("User name").fill("mia")
    members.get_by_label("Role", exact=True).select_option("editor")
    members.get_by_role("button", name="Add member").click()
    expect(members.get_by_label("Role of mia")).to_have_value("editor")
    members.get_by_label("Role of mia").select_option("job_operator")
    page.reload()
    expect(members.get_by_label("Role of mia")).to_have_value("job_operator")
    members.get_by_role("button", name="Remove admin").click()
    members.get_by_role("group").get_by_role("button", name="Remove").click()
    expect(members.get_by_text(re.compile("last admin of this space"))).to_be_visible()
    visits.look()
    members.get_by_role("button", name="Remove mia").click()
    members.get_by_role("group").get_by_role("button", name="Remove").click()
    expect(members.get_by_label("Role of mia")).to_have_count(0)


def test_channels_are_made_tried_and_deleted(visits: Visits) -> None:
    visits.expected.append("400 (Bad Request)")
    page = visits.open(f"/spaces/{make_space(visits, 'channels')}/manage", "channels")
    channels = page.get_by_role("region", name="Notification channels")
    channels.get_by_label("Channel name").fill("Ops")
    channels.get_by_label("URL").fill("nonsense")
    channels.get_by_role("button", name="Create channel").click()
    expect(channels.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
    channels.get_by_label("URL").fill("https://nowhere.invalid/hook")
    channels.get_by_role("button", name="Create channel").click()
    expect(channels.get_by_text(re.compile("^whsec_"))).to_be_visible()
    channels.get_by_role("button", name="Send a test to Ops").click()
    expect(channels.get_by_text(re.compile("It did not get through"))).to_be_visible(timeout=30_000)
    channels.get_by_role("button", name="Deliveries of Ops").click()
    expect(channels.get_by_text("Nothing has gone this way yet.")).to_be_visible()
    visits.look()
    channels.get_by_role("button", name="Delete Ops").click()
    channels.get_by_role("group").get_by_role("button", name="Delete").click()
    expect(channels.get_by_text("No channel yet")).to_be_visible()


def test_retention_tells_its_effect_before_it_is_set(visits: Visits, past_space: str) -> None:
    visits.expected.append("400 (Bad Request)")
    page = visits.open(f"/spaces/{past_space}/manage", "shop")
    retention = page.get_by_role("region", name="Retention")
    retention.get_by_label("Keep").select_option("amount")
    retention.get_by_label("Runs", exact=True).fill("3")
    expect(retention.get_by_role("status")).to_contain_text(re.compile(r"would delete \d+ runs now"))
    visits.look()
    retention.get_by_label("Runs", exact=True).fill("0")
    expect(retention.get_by_label("Runs", exact=True)).to_have_attribute("aria-invalid", "true")
    retention.get_by_label("Keep").select_option("days")
    retention.get_by_label("Days").fill("90")
    expect(retention.get_by_role("status")).to_contain_text("would delete nothing now")
    retention.get_by_role("button", name="Set retention").click()
    expect(retention.get_by_role("button", name="Set retention")).to_be_enabled()
    page.reload()
    expect(retention.get_by_label("Days")).to_have_value("90")


def test_a_space_is_paused_resumed_and_deleted_by_its_name(visits: Visits) -> None:
    page = visits.open(f"/spaces/{make_space(visits, 'short-lived')}/manage", "short-lived")
    page.get_by_role("button", name="Pause the space").click()
    expect(page.get_by_role("heading", name="Paused")).to_be_visible()
    page.get_by_role("button", name="Resume the space").click()
    expect(page.get_by_role("button", name="Pause the space")).to_be_visible()
    delete = page.get_by_role("button", name="Delete the space")
    page.get_by_label(re.compile("type its name")).fill("short")
    expect(delete).to_be_disabled()
    page.get_by_label(re.compile("type its name")).fill("short-lived")
    delete.click()
    expect(page.get_by_role("heading", name="Deployment spaces")).to_be_visible()
    expect(page.get_by_role("link", name="short-lived")).to_have_count(0)
