"""``python -m tests.tutorial``: follow the tutorial, and make the pictures that its pages show.

Needs Chromium and the console (`make chromium`, `make console`).
"""

from __future__ import annotations

import base64
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.acceptance.rest import Rest
from tests.acceptance.server import API_KEY, running
from tests.tutorial.reader import PAGES, TUTORIAL, Reader

PICTURES = TUTORIAL / "pictures"
_WIDTH = 1280
_ANSWER_MS = 60_000
# The browser packs it: WebP takes a third of what PNG does, and needs no program of its own.
_PACK = """async source => {
    const image = new Image()
    image.src = source
    await image.decode()
    const canvas = document.createElement("canvas")
    canvas.width = image.width
    canvas.height = image.height
    canvas.getContext("2d").drawImage(image, 0, 0)
    return canvas.toDataURL("image/webp", 0.7)
}"""


def main() -> None:
    """Follow the pages; after each, make its pictures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "data", http_port="0") as server,
        sync_playwright() as playwright,
    ):
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        said = server.said.read_text().partition("The console is at ")[2]
        context = browser.new_context(base_url=said.partition("/console/")[0], color_scheme="light")
        context.request.post(
            "/v1/session",
            data={"username": "admin", "password": API_KEY},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        reader, page = Reader(server, Path(folder)), context.new_page()
        page.set_default_timeout(_ANSWER_MS)
        for name, make in zip(PAGES, (_first_job, _bad_rows, _schedule), strict=True):
            reader.follow(name)
            with Rest(server) as rest:
                rest.space_id = rest.call("GET", "/v2/spaces", expect=200)["resources"][0]["metadata"]["id"]
                make(page, rest)
        browser.close()


def _first_job(page: Page, rest: Rest) -> None:
    page.goto(f"/console/spaces/{rest.space_id}/jobs")
    page.get_by_role("link", name="default job").wait_for()
    _picture(page, "first-job", height=600)


def _bad_rows(page: Page, rest: Rest) -> None:
    (job,) = rest.call("GET", "/v2/jobs", expect=200)["results"]
    runs = rest.call("GET", f"/v2/jobs/{job['asset_id']}/runs", expect=200)["results"]
    warned = next(run for run in runs if run["entity"]["job_run"]["state"] == "CompletedWithWarnings")
    page.goto(f"/console/spaces/{rest.space_id}/jobs/{job['asset_id']}/runs/{warned['metadata']['asset_id']}")
    page.get_by_role("heading", name="1 rejected row").wait_for()
    page.get_by_text("drugs.csv, 3 rows").wait_for()
    _picture(page, "run", height=880)


def _schedule(page: Page, rest: Rest) -> None:
    page.goto(f"/console/spaces/{rest.space_id}/jobs")
    page.get_by_role("link", name="morning drugs").wait_for()
    _picture(page, "jobs", height=620)
    (deployment,) = rest.call("GET", "/ml/v4/deployments", expect=200)["resources"]
    page.goto(f"/console/spaces/{rest.space_id}/new-job?deployment={deployment['metadata']['id']}")
    page.get_by_label("Name", exact=True).fill("Morning drugs")
    for step in ("Configure", "Schedule"):
        page.keyboard.press("Control+Enter")
        page.get_by_role("heading", name=step, level=2).wait_for()
    page.get_by_role("switch", name="Run on a schedule").press("Space")
    page.get_by_role("textbox", name="Cron expression").fill("30 7 * * 1-5")
    page.get_by_label("Time zone", exact=True).fill("Europe/Berlin")
    page.get_by_text("at 07:30 CE").first.wait_for()
    _picture(page, "schedule", height=1240)


def _picture(page: Page, name: str, *, height: int) -> None:
    """Keep what a window of this height shows, without a caret or a focus ring."""
    page.set_viewport_size({"width": _WIDTH, "height": height})
    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
    page.evaluate("Promise.all(document.getAnimations().map(each => each.finished.catch(() => null)))")
    image = base64.b64encode(page.screenshot()).decode()
    blank = page.context.new_page()
    packed = blank.evaluate(_PACK, f"data:image/png;base64,{image}")
    blank.close()
    (PICTURES / f"{name}.webp").write_bytes(base64.b64decode(packed.partition(",")[2]))


if __name__ == "__main__":
    main()
