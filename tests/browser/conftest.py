"""A real server with the console, a real Chromium, and what no page may do: complain, or shut somebody out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from gristmill.api import console
from tests.acceptance.server import API_KEY, ROOT, Server, running
from tests.browser.lake import fill_lake
from tests.browser.past import make_past
from tests.browser.visits import Visits

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_PATIENCE_MS = 20_000  # of a machine that has much else to do
_AXE = ROOT / "console/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The Chromium of the machine. It ends with this ring: other tests must not meet the event loop of Playwright."""
    if _CHROMIUM is None:
        pytest.fail("There is no chromium: run `make chromium`.")
    with sync_playwright() as playwright:
        expect.set_options(timeout=_PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the server of this ring works in."""
    return tmp_path_factory.mktemp("server") / "data"


@pytest.fixture(scope="package")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server opens to connections."""
    return fill_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="package")
def past_space(data_dir: Path) -> str:
    """The id of a space with jobs that have a past; it is there before the server starts."""
    return make_past(data_dir)


@pytest.fixture(scope="package")
def server(data_dir: Path, lake: Path, past_space: str) -> Iterator[Server]:  # noqa: ARG001 - it must come first
    """A server that runs for the whole ring."""
    if not console.is_built() or not _AXE.is_file():
        pytest.fail("The console is not built: run `make console`.")
    with running(data_dir, http_port="0", data_folders=str(lake)) as server:
        yield server


@pytest.fixture(scope="package")
def base_url(server: Server) -> str:
    """Where its console is."""
    return server.said.read_text().partition("The console is at ")[2].partition("/console/")[0]


@pytest.fixture(scope="package")
def signed_in_state(browser: Browser, base_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookie of a browser that is signed in as the first administrator."""
    kept = tmp_path_factory.mktemp("browser") / "state.json"
    context = browser.new_context(base_url=base_url)
    body = {"username": "admin", "password": API_KEY}
    answer = context.request.post("/v1/session", data=body, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 201, answer.text()
    context.storage_state(path=kept)
    context.close()
    return kept


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> tuple[Path | None, str]:
    """Where pictures of what this test sees are kept, and under which name."""
    folder = request.config.getoption("--screenshots")
    name = f"{request.path.stem}-{request.node.name}".replace("test_", "")
    return (Path(folder) if folder else None), name


@pytest.fixture
def far(request: pytest.FixtureRequest) -> Callable[[Page], Page]:
    """What puts a page as far from its server as ``--latency`` asks: who is fast then acts before answers are there."""

    def put(page: Page) -> Page:
        conditions = {"offline": False, "latency": request.config.getoption("--latency")}
        network = page.context.new_cdp_session(page)
        network.send(
            "Network.emulateNetworkConditions", {**conditions, "downloadThroughput": -1, "uploadThroughput": -1}
        )
        return page

    return put


@pytest.fixture
def idle(
    browser: Browser, far: Callable[[Page], Page], tmp_path: Path, pictures: tuple[Path | None, str]
) -> Iterator[Visits]:
    """A browser at a server of which only the API runs."""
    with running(tmp_path / "data", "serve", http_port="0") as server:
        said = server.said.read_text()
        context = browser.new_context(base_url=said.partition("The console is at ")[2].partition("/console/")[0])
        yield from _watched(far(context.new_page()), *pictures)
        context.close()


@pytest.fixture
def stranger(
    browser: Browser, far: Callable[[Page], Page], base_url: str, pictures: tuple[Path | None, str]
) -> Iterator[Visits]:
    """A browser that is not signed in."""
    context = browser.new_context(base_url=base_url)
    yield from _watched(far(context.new_page()), *pictures)
    context.close()


@pytest.fixture
def visits(
    browser: Browser,
    far: Callable[[Page], Page],
    base_url: str,
    signed_in_state: Path,
    pictures: tuple[Path | None, str],
) -> Iterator[Visits]:
    """A browser that is signed in as the first administrator."""
    context = browser.new_context(base_url=base_url, storage_state=signed_in_state)
    yield from _watched(far(context.new_page()), *pictures)
    context.close()


def _watched(page: Page, pictures: Path | None, name: str) -> Iterator[Visits]:
    """Fail the test if a page wrote an error to the console, the policy's violations among them, or threw one."""
    complaints: list[str] = []

    def wrote(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    page.on("console", wrote)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    seen = Visits(page, _AXE.read_text(encoding="utf-8"), pictures=pictures, name=name)
    yield seen
    left = [each for each in complaints if not any(part in each for part in seen.expected)]
    assert left == [], json.dumps(left, indent=1)
