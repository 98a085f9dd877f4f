"""The unmodified clients, side by side against one server: the newer one in both modes, the older one, and that of data
integration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.code_jobs import asset
from tests.acceptance.flow.recorder import RECORD
from tests.acceptance.rest import Rest
from tests.acceptance.server import API_KEY, ROOT, Server, environment
from tests.reference import compatibility_page

FLOW_SECONDS = 300
OLD_CLIENT = ROOT / ".venv-old-client" / "bin" / "python"
MISSING = f"{OLD_CLIENT} is missing: build the other clients' environment with `make old-client`"
OTHERS = ("old", "data integration")
SCRIPT = b"""
import os, time
for name in ("A", "B"):
    print(name, "is", os.environ.get(name))
time.sleep(float(os.environ.get("SLEEP", 0)))
with open(os.environ["BATCH_OUTPUT_DIR"] + "/out.txt", "w") as out:
    out.write("done")
print("done")
"""
# What the newer client needs in its environment for a cloud that is one's own server.
CLOUD = {"DEPLOYMENT_PLATFORM": "private", "FLIGHT_SERVICE_LOCATION": "flight.invalid"}
Flow = tuple["subprocess.Popen[bytes]", Path]


@pytest.fixture(scope="module")
def flows(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Flow]]:
    """All flows, begun at the same time: they sleep more than they work."""
    with Rest(server) as session:
        session.add_user("u2")
        # The first administrator has a task credential from the start; a user of the cloud stores its own.
        cloud_key = session.add_user("cloud-user")
        space_id, (script_id, _) = session.enter_new_space(), asset(session, "script", "s.py", SCRIPT)
    new = [sys.executable, "-m", "tests.acceptance.sdk_flow", "--url", server.url]
    commands = {
        "cpd": ([*new, "--mode", "cpd", "--verify", str(server.ca)], API_KEY, {}),
        "cloud": ([*new, "--mode", "cloud", "--user", "cloud-user"], cloud_key, CLOUD),
    }
    if OLD_CLIENT.exists():
        other = [str(OLD_CLIENT), "-m"]
        commands["old"] = ([*other, "tests.acceptance.sdk_flow_old", server.url], API_KEY, {})
        jobs = [*other, "tests.acceptance.data_integration_flow", server.url, space_id, script_id]
        commands["data integration"] = (jobs, API_KEY, {"TZ": "UTC"})
    begun: dict[str, Flow] = {}
    for name, (command, key, variables) in commands.items():
        begun[name] = _begin(command, tmp_path_factory.mktemp(name.replace(" ", "-")), API_KEY=key, **variables)
    yield begun
    for process, _ in begun.values():
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", ["cpd", "cloud", *OTHERS])
def test_every_step_of_the_client_succeeds(flows: dict[str, Flow], name: str) -> None:
    if name in OTHERS and name not in flows:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    process, table = flows[name]
    code = process.wait(timeout=FLOW_SECONDS)
    assert code == 0, f"{code} steps of the flow failed:\n{table.read_text()}"


def test_the_compatibility_page_tells_what_the_flows_did(flows: dict[str, Flow], pytestconfig: pytest.Config) -> None:
    if set(OTHERS) - set(flows):
        pytest.skip(MISSING)
    written = pytestconfig.getoption("--compatibility")
    page = Path(written) if written else ROOT / "docs/reference/compatibility.md"
    told = compatibility_page.text([_record(*flow) for flow in flows.values()])
    if written:
        page.write_text(told, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == told, "run `make compatibility`"


def _record(process: subprocess.Popen[bytes], table: Path) -> dict[str, Any]:
    assert process.wait(timeout=FLOW_SECONDS) == 0, "a flow failed"
    found: dict[str, Any] = json.loads(table.with_name(RECORD).read_text(encoding="utf-8"))
    return found


def _begin(command: list[str], directory: Path, **variables: str) -> Flow:
    table = directory / "steps.txt"
    with table.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return process, table
