"""Runs of flows as the server has them, on both databases: their nodes, what is kept of them, and their repair."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.acceptance.test_kinds import zipped
from tests.make_work import COMPLETED, ScriptedLauncher, Shop, open_shop
from tests.unit.flow.documents import Json, code_node, document, own_node

from gristmill.domain.asset import AssetType
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.run import RunState
from gristmill.domain.run_spec import RunSpec
from gristmill.domain.space import Permission
from gristmill.engine.execution import Execution
from gristmill.launch.launcher import Ending
from gristmill.service import claims, flow_nodes, job_runs, jobs, run_repairs, run_results, runs
from gristmill.service.claims import Assignment
from gristmill.service.context import Context
from gristmill.service.job_runs import Overrides
from gristmill.service.jobs import NewJob
from gristmill.service.run_sources import RunSources
from gristmill.service.runs import RunDetails
from gristmill.store import assets, attachments, run_contents
from gristmill_runner import protocol

LEASE = timedelta(seconds=30)
FAILED = protocol.Result(version=1, outcome="failed", python="3.11", cause={"code": "node_failed", "message": "b did"})
Script = Callable[[Path], protocol.Result | Ending]
CODE = {"a.py": "", "b.py": "", "c.py": ""}
CHAIN = (code_node("a"), code_node("b", after=["a"]), code_node("c", after=["b"]))


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def stored(shop: Shop, *nodes: Json, code: Mapping[str, str] = CODE) -> str:
    content = zipped({"sample.pipeline": json.dumps(document(*nodes)), **code})
    return shop._asset(AssetType.FLOW, name="flow.zip", content=content)


def new_job(shop: Shop, flow_id: str, **configuration: Any) -> str:
    return jobs.create(
        shop.context,
        shop.actor,
        NewJob(space_id=shop.space_id, name="j", asset_ref=flow_id, configuration=configuration),
    ).id


def taken(shop: Shop) -> Assignment:
    assignment = claims.take(shop.context, shop.context.new_id(), lease=LEASE)
    assert assignment
    return assignment


def ran(shop: Shop, job_id: str, script: Script) -> RunDetails:
    job_runs.start(shop.context, shop.actor, job_id, Overrides())
    return done(shop, taken(shop), script)


def done(shop: Shop, assignment: Assignment, script: Script) -> RunDetails:
    launcher = ScriptedLauncher(script)
    launcher.gate.set()
    Execution(shop.context, launcher, assignment).run()
    return runs.get(shop.context, shop.actor, assignment.run.job_id, assignment.run.id)


def tells(directory: Path, *lines: tuple[str, str]) -> None:
    """Say what the child says of its nodes."""
    told = [
        {"node": node, "state": state, "at": f"2026-11-23T10:00:0{number}Z"}
        for number, (node, state) in enumerate(lines)
    ]
    text = "".join(json.dumps(line) + "\n" for line in [*told, {"rows_done": 1, "rows_total": 3, "unit": "nodes"}])
    (directory / "progress.jsonl").write_text(text)


def half(directory: Path) -> protocol.Result:
    """The first node left a file, the second one failed."""
    (directory / "nodes/0/outputs/batch").mkdir(parents=True)
    (directory / "nodes/0/outputs/batch/x.csv").write_text("x\n1\n")
    tells(directory, ("a", "running"), ("a", "completed"), ("b", "running"), ("b", "failed"), ("c", "skipped"))
    return FAILED


def completes(_directory: Path) -> protocol.Result:
    return COMPLETED


def fails(_directory: Path) -> protocol.Result:
    return FAILED


def queue(shop: Shop, job_id: str, prepared: job_runs.Prepared) -> None:
    with shop.context.database.transaction() as connection:
        job = jobs.visible(connection, shop.actor, job_id, Permission.VIEW)
        job_runs.create(shop.context, connection, shop.actor, job, prepared, overrides=Overrides())


def states(shop: Shop, found: RunDetails) -> dict[str, str]:
    return {node.planned.id: node.result.state for node in flow_nodes.of_run(shop.context, found)}


def test_a_run_is_frozen_with_its_nodes_and_laid_out_for_its_child(shop: Shop) -> None:
    shop.data_asset("orders.csv", b"x\n1\n")
    sql = own_node("q", "gristmill-sql", after=["a"], query="SELECT 1", data_assets=["orders.csv"])
    seen: list[protocol.Spec] = []

    def script(directory: Path) -> protocol.Result:
        seen.append(protocol.read_spec(directory))
        assert (directory / "nodes/1/inputs/orders.csv").read_text() == "x\n1\n"
        assert (Path(seen[0]["flow"]["nodes"][0]["asset_path"]) / "a.py").exists()  # type: ignore[index]
        return COMPLETED

    found = ran(shop, new_job(shop, stored(shop, code_node("a"), sql)), script)
    assert found.run.cause is None
    assert seen[0]["kind"] == "flow"
    plan = seen[0]["flow"]
    assert plan
    assert plan["at_once"] == 2  # what hardware S has
    assert [(node["id"], node["tag"], node["needs"]) for node in plan["nodes"]] == [
        ("a", "a node", []),
        ("q", "q node", ["a"]),
    ]
    with shop.context.database.snapshot() as connection:
        held = run_contents.held(connection, found.run.id)
    assert found.spec.flow
    assert set(found.spec.flow.content_keys()) <= set(held)


def test_a_repair_keeps_what_completed_and_holds_it(shop: Shop, client: TestClient) -> None:
    job_id = new_job(shop, stored(shop, *CHAIN), env_variables=["A=1", "B=1"])
    first = ran(shop, job_id, half)
    assert states(shop, first) == {"a": "completed", "b": "failed", "c": "skipped"}
    names = [file.name for file in run_results.files(shop.context, shop.actor, job_id, first.run.id)]
    assert names == ["a node-outputs.zip"]

    body = {"job_run": {"configuration": {"env_variables": ["B=2"]}}}
    answer = client.post(f"/v2/jobs/{job_id}/runs/{first.run.id}/repair", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["entity"]["job_run"]["repair_of"] == first.run.id
    assignment = taken(shop)
    assert assignment.spec.environment_variables == {"A": "1", "B": "2"}
    # The old run goes while the new one waits: what was kept stays.
    runs.delete_of_job(shop.context, shop.actor, job_id, first.run.id)

    def script(directory: Path) -> protocol.Result:
        nodes = protocol.read_spec(directory)["flow"]["nodes"]  # type: ignore[index]
        assert [node["kept"] for node in nodes] == [True, False, False]
        assert (directory / "nodes/0/results/outputs.zip").stat().st_size > 0
        tells(directory, ("a", "failed"), ("b", "running"), ("b", "failed"))  # of a nothing can be told
        return FAILED

    second = done(shop, assignment, script)
    assert states(shop, second) == {"a": "completed", "b": "failed", "c": "skipped"}
    shown = client.get(f"/v2/jobs/{job_id}/runs/{second.run.id}").json()["entity"]["job_run"]
    assert [node.get("kept") for node in shown["nodes"]] == [True, None, None]
    (file, *_) = run_results.files(shop.context, shop.actor, job_id, second.run.id)
    assert b"x.csv" in b"".join(shop.context.content.stream(file.content_key))
    # A repair of a repair keeps it still.
    third, _, spec = run_repairs.repair(shop.context, shop.actor, job_id, second.run.id, Overrides())
    assert [node.id for node in spec.kept] == ["a"]
    assert third.state is RunState.QUEUED


def test_what_cannot_be_repaired_is_refused(shop: Shop) -> None:
    job_id = new_job(shop, stored(shop, *CHAIN))

    def repair(run_id: str, of_job: str = job_id, **configuration: Any) -> None:
        run_repairs.repair(shop.context, shop.actor, of_job, run_id, Overrides(configuration=configuration))

    whole = ran(shop, job_id, completes)
    with pytest.raises(Conflict, match="has completed: there is nothing to repair"):
        repair(whole.run.id)
    waits, _ = job_runs.start(shop.context, shop.actor, job_id, Overrides())
    with pytest.raises(Conflict, match="The run is queued"):
        repair(waits.id)
    failed = done(shop, taken(shop), half)
    with pytest.raises(Invalid, match="entrypoint: a repair has the specification of its run"):
        repair(failed.run.id, entrypoint="x")
    with pytest.raises(Invalid, match=r"configuration.env_variables\[0\]"):
        repair(failed.run.id, env_variables=["x"])
    other = new_job(shop, shop.script())
    with pytest.raises(Conflict, match="no run"):
        repair(failed.run.id, other)
    script = ran(shop, other, fails)
    with pytest.raises(Conflict, match="is no run of a flow"):
        repair(script.run.id, other)
    assert claims.take(shop.context, "w", lease=LEASE) is None


def test_a_run_that_was_killed_says_how_far_its_nodes_were(shop: Shop) -> None:
    def killed(directory: Path) -> Ending:
        half(directory)
        tells(directory, ("a", "running"), ("a", "completed"), ("b", "running"))
        return Ending(signal=9)

    found = ran(shop, new_job(shop, stored(shop, *CHAIN)), killed)
    assert states(shop, found) == {"a": "completed", "b": "failed", "c": "skipped"}
    assert found.result
    assert found.result.nodes[1].cause
    assert found.result.nodes[1].cause["code"] == "run_ended"
    assert [file.name for file in found.result.nodes[0].files] == ["outputs.zip"]


def test_secrets_are_masked_in_why_a_node_failed(shop: Shop) -> None:
    def script(directory: Path) -> protocol.Result:
        failed = {
            "node": "a",
            "state": "failed",
            "cause": {"code": "user_code_failed", "message": "no door for sesame"},
        }
        (directory / "progress.jsonl").write_text(json.dumps(failed) + "\n" + json.dumps({"rows_done": 1}) + "\n")
        live = flow_nodes.of_run(shop.context, runs.get(shop.context, shop.actor, job_id, run_id))
        assert live[0].result.state == "failed"
        assert "sesame" not in str(live)
        return FAILED

    job_id = new_job(shop, stored(shop, *CHAIN), secret_env_variables=["PASSWORD=sesame"])
    run_id = job_runs.start(shop.context, shop.actor, job_id, Overrides())[0].id
    found = done(shop, taken(shop), script)
    assert found.result
    assert found.result.nodes[0].cause == {"code": "user_code_failed", "message": "no door for ****"}


def test_no_word_of_user_code_leads_out_of_its_directory(shop: Shop, tmp_path: Path) -> None:
    """A node's directory that is a link is not read, and lines that nobody understands are no lines."""
    secret = tmp_path / "elsewhere" / "results"
    secret.mkdir(parents=True)
    (secret / "passwords").write_text("secret")

    def script(directory: Path) -> protocol.Result:
        place = directory / "nodes/0"
        (place / "inputs").rmdir()
        place.rmdir()
        place.symlink_to(secret.parent)
        tells(directory, ("a", "running"), ("a", "completed"), ("gone", "failed"))
        progress = directory / "progress.jsonl"
        forged = (
            '[1]\n"x"\n{"node": {"a": 1}}\n{"node": "b", "state": "promoted"}\n{"node": "c", "state": 7}\n'
            + "[" * 10_000
        )
        progress.write_text(forged + "\n" + progress.read_text())
        return FAILED

    found = ran(shop, new_job(shop, stored(shop, *CHAIN)), script)
    assert states(shop, found) == {"a": "completed", "b": "skipped", "c": "skipped"}
    assert run_results.files(shop.context, shop.actor, found.run.job_id, found.run.id) == []


def test_a_flow_that_is_changed_meanwhile_is_not_mixed_up(shop: Shop) -> None:
    """Prepared with one content and queued with another one, a run would look for files that are not there."""
    flow_id = stored(shop, *CHAIN)
    job_id = new_job(shop, flow_id)
    prepared = job_runs.prepare(shop.context, shop.actor, job_id, Overrides())
    other = stored(shop, code_node("a"))
    with shop.context.database.transaction() as connection:
        (mine,) = attachments.of_asset(connection, flow_id)
        (its,) = attachments.of_asset(connection, other)
        attachments.change(connection, mine.id, {"content_key": its.content_key})
    with pytest.raises(Conflict, match="was changed while its run was made"):
        queue(shop, job_id, prepared)


def test_a_zip_that_cannot_be_read_any_more_is_a_refusal(shop: Shop) -> None:
    """As an import of a space may bring one, which is no upload."""
    content = zipped({"sample.pipeline": json.dumps(document(*CHAIN)), **CODE})
    job_id = new_job(shop, shop._asset(AssetType.FLOW, name="flow.zip", content=content[:-30]))
    with pytest.raises(Invalid, match="its zip cannot be read"):
        job_runs.start(shop.context, shop.actor, job_id, Overrides())


def test_a_script_of_another_language_is_refused(shop: Shop) -> None:
    shop.script()
    job_id = new_job(shop, stored(shop, code_node("a", ending="r", asset="s.py")))
    with pytest.raises(Invalid, match=r"Node 'a node' \(a\): the script 's.py' is in python3"):
        job_runs.start(shop.context, shop.actor, job_id, Overrides())


def test_a_schedule_freezes_flows_too(shop: Shop) -> None:
    job = jobs.get(shop.context, shop.actor, new_job(shop, stored(shop, *CHAIN)))
    with shop.context.database.snapshot() as connection:
        frozen = job_runs.freeze(shop.context, RunSources(connection), job)
    assert frozen.spec.flow
    assert RunSpec.of(json.loads(json.dumps(frozen.spec.document()))) == frozen.spec
    assert [node.tag for node in frozen.spec.flow.nodes] == ["a node", "b node", "c node"]


def test_what_has_gone_since_the_flow_was_stored_is_refused_when_a_run_is_made(shop: Shop) -> None:
    data = shop.data_asset("orders.csv", b"x\n1\n")
    sql = own_node("q", "gristmill-sql", query="SELECT 1", data_assets=["orders.csv"])
    job_id = new_job(shop, stored(shop, sql))
    with shop.context.database.transaction() as connection:
        assets.change(connection, data, {"deleted_at": shop.context.now()})
    with pytest.raises(Invalid, match=r"Node 'q node' \(q\): the space has no data asset 'orders.csv'"):
        job_runs.start(shop.context, shop.actor, job_id, Overrides())
