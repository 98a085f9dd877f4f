"""Files that a run left: listed and read by those who may see the run, and held by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.make_work import COMPLETED, ScriptedLauncher, Shop, open_shop

from gristmill.domain.errors import Unauthenticated
from gristmill.engine.execution import Execution
from gristmill.launch.launcher import Ending
from gristmill.service import claims, job_runs, jobs, tokens
from gristmill.service.claims import Assignment
from gristmill.service.context import Context
from gristmill.service.job_runs import Overrides
from gristmill.service.jobs import NewJob
from gristmill.service.runs import RunDetails, get
from gristmill_runner import protocol

LEASE = timedelta(seconds=30)


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def ran(shop: Shop, script: Callable[[Path], protocol.Result | Ending], **scoring: object) -> RunDetails:
    """Do a run of a script asset; its child does what is told here."""
    launcher = ScriptedLauncher(script)
    launcher.gate.set()
    assignment = claimed(shop, **scoring)
    Execution(shop.context, launcher, assignment).run()
    return get(shop.context, shop.actor, assignment.run.job_id, assignment.run.id)


def claimed(shop: Shop, **scoring: object) -> Assignment:
    new = NewJob(space_id=shop.space_id, name="j", asset_ref=shop.script(), configuration={"scoring": scoring})
    job = jobs.create(shop.context, shop.actor, new)
    job_runs.start(shop.context, shop.actor, job.id, Overrides())
    assignment = claims.take(shop.context, shop.context.new_id(), lease=LEASE)
    assert assignment
    return assignment


def leaves(directory: Path) -> protocol.Result:
    (directory / "results").mkdir()
    (directory / "results/page.html").write_text("<script>alert(1)</script>")
    return COMPLETED


def half_done(directory: Path) -> Ending:
    batch = directory / protocol.BATCH
    (batch / "deep").mkdir(parents=True)
    (batch / "deep/part").write_text("half")
    (batch / "link").symlink_to("/etc/passwd")
    return Ending(signal=9)


def test_files_are_listed_and_no_browser_runs_them(shop: Shop, client: TestClient) -> None:
    found = ran(shop, leaves)
    path = f"/v2/jobs/{found.run.job_id}/runs/{found.run.id}/results"
    listed = client.get(path).json()
    assert listed["total_count"] == 1
    (file,) = listed["results"]
    assert (file["name"], file["mime"], file["size"]) == ("page.html", "text/html", 25)
    answer = client.get(file["href"])
    assert answer.text == "<script>alert(1)</script>"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_file_that_is_not_there_is_not_found(shop: Shop, client: TestClient) -> None:
    found = ran(shop, leaves)
    path = f"/v2/jobs/{found.run.job_id}/runs/{found.run.id}/results"
    assert client.get(f"{path}/other").json()["errors"][0]["code"] == "result_not_found"
    assert client.get(f"/v2/jobs/{found.run.job_id}/runs/none/results").status_code == 404


def test_files_are_the_runs_and_go_with_it(shop: Shop, client: TestClient) -> None:
    found = ran(shop, leaves)
    assert found.result
    assert found.result.files[0].content_key in found.result.content_keys()
    path = f"/v2/jobs/{found.run.job_id}/runs/{found.run.id}"
    assert client.delete(path).status_code == 204
    assert client.get(f"{path}/results").status_code == 404


def test_what_a_killed_run_left_is_kept_and_no_link_is_followed(shop: Shop) -> None:
    found = ran(shop, half_done)
    assert found.result
    (file,) = found.result.files
    assert file.name == "outputs.zip"
    content = b"".join(shop.context.content.stream(file.content_key))
    assert b"half" in content or b"deep/part" in content
    assert b"link" not in content
    assert b"root:" not in content


def test_an_asset_that_was_asked_for_gets_it_instead(shop: Shop) -> None:
    found = ran(shop, half_done, output_data_reference={"type": "data_asset", "location": {"name": "batch"}})
    assert found.result
    assert found.result.files == ()
    assert found.result.output_name == "batch"


def test_a_runs_token_speaks_for_its_user_until_the_run_ends(shop: Shop) -> None:
    seen: list[dict[str, str]] = []

    def script(directory: Path) -> protocol.Result:
        seen.append(json.loads((directory / protocol.SPEC).read_text())["platform_variables"])
        assert tokens.actor(shop.context, seen[0]["USER_ACCESS_TOKEN"]).user_id == shop.actor.user_id
        return COMPLETED

    found = ran(shop, script)
    assert found.run.cause is None
    assert seen[0]["SPACE_ID"] == shop.space_id
    with pytest.raises(Unauthenticated):
        tokens.actor(shop.context, seen[0]["USER_ACCESS_TOKEN"])


def test_a_runs_code_is_no_administrator_and_makes_no_key_that_outlives_it(shop: Shop, client: TestClient) -> None:
    token = tokens.for_run(shop.context, claimed(shop).run)
    assert token
    client.headers["Authorization"] = f"Bearer {token.value}"
    assert client.get(f"/v2/spaces/{shop.space_id}").status_code == 200
    assert client.post("/v1/api_keys", json={"name": "for later"}).status_code == 403
    assert client.get("/v1/users").status_code == 403
    assert client.post("/v1/users", json={"name": "eve", "administrator": True}).status_code == 403
    assert client.patch("/v1/users/admin", json={"password": "a new long password"}).status_code == 403


def test_a_runs_token_is_worth_nothing_once_another_worker_has_the_run(shop: Shop) -> None:
    assignment = claimed(shop)
    token = tokens.for_run(shop.context, assignment.run)
    assert token
    claims.hand_back(shop.context, assignment)
    again = claims.take(shop.context, shop.context.new_id(), lease=LEASE)
    assert again
    assert again.run.id == assignment.run.id
    with pytest.raises(Unauthenticated):
        tokens.actor(shop.context, token.value)
