"""The disk of a server that stands alone is full: who filled it is told so, others are refused, nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.acceptance.code_jobs import asset, ended, job, log, results, started
from tests.acceptance.rest import Rest, refusal
from tests.acceptance.server import running
from tests.disk import Disk, own_disk

pytestmark = pytest.mark.not_on_cluster("it fills the disk on which all that a server has is")
MIB = 2**20
FILLS = """
import os

print("before", flush=True)
with open(os.environ["BATCH_OUTPUT_DIR"] + "/big", "wb", buffering=0) as big:
    try:
        while True:
            big.write(bytes(1_000_000))
    except OSError:
        if os.environ.get("HIDES") != "yes":
            raise
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """The disk on which the server's data directory is."""
    with own_disk(tmp_path / "disk") as made:
        if made.missing and not (os.environ.get("CI") and os.geteuid() == 0):
            pytest.skip(made.missing)
        yield made


@pytest.fixture
def rest(disk: Disk) -> Iterator[Rest]:
    with running(disk.place / "data", run_disk_bytes=str(1024 * MIB)) as server, Rest(server) as session:
        session.enter_new_space()
        yield session


def uploadable(rest: Rest) -> httpx.URL:
    """Make a data asset without content; return where to upload that."""
    body = {"metadata": {"name": "rows.csv", "asset_type": "data_asset"}, "entity": {"data_asset": {}}}
    place = f"/v2/assets/{rest.call('POST', '/v2/assets', expect=201, json=body)['metadata']['asset_id']}/attachments"
    made = rest.call("POST", place, expect=201, json={"asset_type": "data_asset", "name": "rows.csv"})
    return httpx.URL(made["url1"])


def test_a_script_that_fills_the_disk_is_told_so_and_leaves_room(rest: Rest, disk: Disk) -> None:
    script, _ = asset(rest, "script", "s.py", FILLS.encode())
    run = started(rest, job(rest, script))
    found = ended(rest, run, within=30)
    assert found["failure"]["code"] == "no_room"
    first, warning = log(rest, run)[0], log(rest, run)[-1]
    assert (first, warning.startswith("Warning: The disk was full when this run ended.")) == ("before", True)
    assert results(rest, run) == {}
    assert disk.free_bytes > 64 * MIB
    assert ended(rest, started(rest, job(rest, asset(rest, "script", "s.py", b"print(1)")[0])))["state"] == "Completed"


def test_a_script_that_hides_that_there_was_no_room_is_no_success(rest: Rest, disk: Disk) -> None:
    script, _ = asset(rest, "script", "s.py", FILLS.encode())
    run = started(rest, job(rest, script, env_variables=["HIDES=yes"]))
    found = ended(rest, run, within=60)
    assert found["failure"]["code"] == "no_room"
    assert log(rest, run)[-1].startswith("Warning: The disk was full when this run ended.")
    assert disk.free_bytes > 64 * MIB


def test_requests_for_which_there_is_no_room_are_refused_with_the_reason_and_work_again_afterwards(
    rest: Rest, disk: Disk
) -> None:
    place = uploadable(rest)
    disk.fill()
    content = {"file": ("rows.csv", b"a\n" * MIB)}
    for answer in (
        rest.http.post("/v2/spaces", json={"name": "late"}),
        rest.http.put(place, files=content),
    ):
        assert answer.status_code == 507, answer.text
        assert refusal(answer.json())[0] == "insufficient_storage"
    disk.clear()
    assert rest.http.post("/v2/spaces", json={"name": "late"}).status_code == 202
    assert rest.http.put(place, files=content).is_success
