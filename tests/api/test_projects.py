"""Spaces as projects, for clients of the jobs API that know nothing else, and the descriptions that they read first."""

from __future__ import annotations

import json

from fastapi.testclient import TestClient
from tests.api.test_jobs import JOBS, script_job, start
from tests.make_work import open_shop
from tests.people import add_user, client_of

from gristmill.service.context import Context


def test_a_space_is_a_project_for_its_members(client: TestClient, context: Context) -> None:
    shop = open_shop(context)
    project = client.get(f"/v2/projects/{shop.space_id}").json()
    assert (project["metadata"]["guid"], project["entity"]["name"]) == (shop.space_id, "shop")
    listed = client.get("/v2/projects", params={"name": "shop"}).json()["resources"]
    assert [each["metadata"]["guid"] for each in listed] == [shop.space_id]
    _, key = add_user(context, "stranger")
    with client_of(context, key) as stranger:
        assert stranger.get(f"/v2/projects/{shop.space_id}").status_code == 404
        assert stranger.get("/v2/projects").json() == {"resources": []}


def test_projects_page_by_bookmark(client: TestClient, context: Context) -> None:
    made = {open_shop(context).space_id for _ in range(3)}
    found, query = set(), {"limit": "2"}
    for length in (2, 1):
        page = client.get("/v2/projects", params=query).json()
        assert len(page["resources"]) == length
        found |= {each["metadata"]["guid"] for each in page["resources"]}
        query["bookmark"] = page.get("bookmark", "")
    assert (found, query["bookmark"]) == (made, "")


def test_jobs_are_reached_by_the_project_and_userfs_is_left_aside(client: TestClient, context: Context) -> None:
    shop = open_shop(context)
    query = {"project_id": shop.space_id, "userfs": "False"}
    body = {"job": {"name": "j", "asset_ref": shop.script(), "configuration": {}}}
    made = client.post(JOBS, params=query, json=body)
    assert made.status_code == 201, made.text
    assert [job["asset_id"] for job in client.get(JOBS, params=query).json()["results"]] == [made.json()["asset_id"]]
    run = start(client, made.json()).json()
    path = f"{JOBS}/{made.json()['asset_id']}/runs/{run['asset_id']}"
    fresh = client.post(f"{path}/refresh_state", params=query)
    assert (fresh.status_code, fresh.json()["entity"]["job_run"]["state"]) == (200, "Queued")
    assert client.get(f"{JOBS}/%00").status_code in {400, 404}
    refused = client.get(JOBS)
    assert (refused.status_code, refused.json()["errors"][0]["target"]["name"]) == (400, "space_id")


def test_the_descriptions_name_the_parameters_that_clients_may_send(client: TestClient) -> None:
    answer = client.get(f"{JOBS}/docs/schemas/v2-swagger.yaml")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    paths = json.loads(answer.text)["paths"]
    of_jobs = {parameter["name"] for parameter in paths[JOBS]["get"]["parameters"]}
    assert of_jobs >= {"space_id", "project_id", "asset_ref", "asset_ref_type", "run_id", "limit", "next"}
    of_runs = {parameter["name"] for parameter in paths[JOBS + "/{job_id}/runs"]["get"]["parameters"]}
    assert of_runs >= {"states", "limit", "next"}
    projects = json.loads(client.get("/v2/projects/docs/schemas/v2-projects-api-openapi.yml").text)
    for reference in projects["paths"]["/v2/projects"]["get"]["parameters"]:
        _, place, kind, name = reference["$ref"].split("/")
        assert projects[place][kind][name]["in"] == "query"


def test_the_connections_service_has_a_version(client: TestClient) -> None:
    assert client.get("/v2/connections/version").json()["status"] == "ok"


def test_a_whole_log_comes_line_by_line(client: TestClient, context: Context) -> None:
    """Longer than the last thousand lines, and than one part of the answer."""
    shop = open_shop(context)
    job = script_job(client, shop)
    run = start(client, job).json()["asset_id"]
    path = f"{JOBS}/{job['asset_id']}/runs/{run}/logs"
    assert client.get(path).json() == {"results": [], "total_count": 0}
    directory = context.data_dir / "runs" / f"{run}.0"
    directory.mkdir(parents=True)
    lines = [f'line "{number}" of \N{SNOWMAN}' for number in range(5_000)]
    (directory / "run.log").write_text("\n".join(lines))
    assert client.get(path).json() == {"results": lines, "total_count": len(lines)}
    assert client.get(path, params={"limit": 2}).json() == {"results": lines[-2:], "total_count": len(lines)}
