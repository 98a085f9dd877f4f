from __future__ import annotations

import json

import httpx
from tests.unit.cli.scripted_server import ScriptedServer

from gristmill.cli import pages


def page(**document: object) -> httpx.Response:
    return httpx.Response(200, json=document)


def test_a_list_goes_on_by_the_links_of_the_server() -> None:
    link = "https://elsewhere.test/v2/spaces?limit=2&start=the%20mark"
    server = ScriptedServer([page(resources=[1, 2], next={"href": link}), page(resources=[3])])
    with server.client() as client:
        assert pages.resources(client, "/v2/spaces", limit=10, name="n") == pages.Found([1, 2, 3])
    first, second = (dict(request.url.params) for request in server.asked)
    assert first == {"name": "n", "limit": "10"}
    assert second == {"name": "n", "limit": "8", "start": "the mark"}
    assert server.asked[1].url.host == "gristmill.test", "the token goes nowhere else"


def test_a_list_of_jobs_goes_on_by_an_object() -> None:
    mark = {"start": "m", "limit": 1}
    server = ScriptedServer([page(results=[1], next=mark), page(results=[2], next=mark)])
    with server.client() as client:
        assert pages.results(client, "/v2/jobs", limit=2) == pages.Found([1, 2], more=True)
    assert json.loads(server.asked[1].url.params["next"]) == mark


def test_a_search_goes_on_by_the_body_that_the_server_wrote() -> None:
    body = {"query": "*:*", "bookmark": "b", "limit": 2}
    server = ScriptedServer([page(results=[1, 2], next=body), page(results=[3, 4])])
    with server.client() as client:
        assert pages.search(client, "asset", space_id="s", limit=3) == pages.Found([1, 2, 3], more=True)
    assert json.loads(server.asked[1].content) == body


def test_a_server_whose_pages_are_empty_is_not_asked_for_ever() -> None:
    server = ScriptedServer([page(resources=[], next={"href": "/v2/spaces?start=a"})])
    with server.client() as client:
        assert pages.resources(client, "/v2/spaces", limit=5).items == []
