"""Runs that are followed: one stream of lines, progress and states, and the log by the line."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.listening import Reader, listen
from tests.engine.conftest import LEASE
from tests.make import eventually
from tests.make_work import COMPLETED, ScriptedLauncher, Shop, open_shop
from tests.people import add_user, client_of

from gristmill.api.app import create_api
from gristmill.api.open_streams import OpenStreams
from gristmill.engine.execution import Execution
from gristmill.engine.worker import Worker
from gristmill.service.context import Context
from gristmill_runner import protocol


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


class Working:
    """A run at work that prints what it is told to."""

    def __init__(self, context: Context, shop: Shop, launcher: ScriptedLauncher) -> None:
        self.run = shop.submit(shop.deploy()).run
        self.launcher = launcher
        self.context = context
        self.path = f"/v2/jobs/{self.run.job_id}/runs/{self.run.id}"

    def begin(self, worker: Worker) -> None:
        worker.step()
        eventually(lambda: self.launcher.children, within=10)

    def print(self, text: str) -> None:
        [directory] = (self.context.data_dir / "runs").glob(f"{self.run.id}.*")
        with (Path(directory) / protocol.LOG).open("a", encoding="utf-8") as log:
            log.write(text)


@contextmanager
def working(context: Context, shop: Shop) -> Iterator[Working]:
    launcher = ScriptedLauncher(lambda _directory: COMPLETED)
    worker = Worker(context, context.new_id(), lambda a: Execution(context, launcher, a), slots=1, lease=LEASE)
    work = Working(context, shop, launcher)
    work.begin(worker)
    yield work
    launcher.gate.set()
    eventually(lambda: worker.idle, within=10)
    worker.stop(5)


def headers_of(client: TestClient) -> dict[str, str]:
    return {"Authorization": client.headers["Authorization"]}


def test_lines_and_states_come_as_they_happen(context: Context, client: TestClient, shop: Shop) -> None:
    with working(context, shop) as work:
        work.print("one\ntwo\nthr")

        def go_on(reader: Reader) -> bool:
            if reader.lines == ["one", "two"] and not work.launcher.gate.is_set():
                work.print("ee\nfour")
                work.launcher.gate.set()
            return False

        reader = listen(create_api(context), f"{work.path}/stream", headers=headers_of(client), leave=go_on)
    assert reader.status == 200
    assert reader.headers["content-type"].startswith("text/event-stream")
    assert reader.lines == ["one", "two", "three", "four"]
    assert reader.states[-1] == "Completed"
    assert reader.events[-1][0] == "end"
    assert reader.events[0][1].endswith("-2"), "the id of a log event has the number of its last line"


def test_a_reader_goes_on_where_it_was_and_begins_with_the_tail(
    context: Context, client: TestClient, shop: Shop
) -> None:
    with working(context, shop) as work:
        work.print("".join(f"line {number}\n" for number in range(1, 101)))
    app, path = create_api(context), f"{work.path}/stream"
    whole = listen(app, path, headers=headers_of(client))
    assert len(whole.lines) == 100
    [place] = [place for name, place, _ in whole.events if name == "log"]
    fence = place.partition("-")[0]
    for event_id in (f"{fence}-97", "97"):
        later = listen(app, path, headers={**headers_of(client), "Last-Event-ID": event_id})
        assert later.lines == ["line 98", "line 99", "line 100"]
        assert later.events[0][2]["first"] == 98
    assert listen(app, path, headers=headers_of(client), query=f"after={fence}-99").lines == ["line 100"]
    assert listen(app, path, headers=headers_of(client), query="tail=2").lines == ["line 99", "line 100"]
    assert listen(app, path, headers=headers_of(client), query="after=999-50").lines == whole.lines, "another attempt"
    assert listen(app, path, headers=headers_of(client), query="after=5000").lines == []
    refused = client.get(path, headers={"Last-Event-ID": "odd"})
    assert (refused.status_code, refused.json()["errors"][0]["target"]["name"]) == (400, "Last-Event-ID")


def test_a_user_may_have_so_many_streams_and_no_more(context: Context, client: TestClient, shop: Shop) -> None:
    app = create_api(context)
    app.state.streams = OpenStreams(most=1)
    refusals: list[Reader] = []
    with working(context, shop) as work:
        work.print("hello\n")

        def listen_again(reader: Reader) -> bool:
            if reader.lines and not refusals:
                with ThreadPoolExecutor() as pool:
                    refusals.append(
                        pool.submit(listen, app, f"{work.path}/stream", headers=headers_of(client)).result()
                    )
            return bool(refusals)

        for _ in range(2):
            listen(app, f"{work.path}/stream", headers=headers_of(client), leave=listen_again)
            assert refusals.pop().status == 429, "and one that was left counts no more"


def test_several_readers_follow_and_all_end_with_the_server(context: Context, client: TestClient, shop: Shop) -> None:
    stopping = threading.Event()
    app = create_api(context, stopping=stopping.is_set)
    readers: list[Reader] = []
    with working(context, shop) as work:
        work.print("hello\n")

        def read() -> None:
            readers.append(listen(app, f"{work.path}/stream", headers=headers_of(client), leave=come))

        here: set[int] = set()

        def come(reader: Reader) -> bool:
            if reader.lines:
                here.add(id(reader))
            if len(here) == 3:
                stopping.set()
            return False

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert [reader.lines for reader in readers] == [["hello"]] * 3
    assert all(reader.events[-1][0] != "end" for reader in readers), "they come back when the server does"


def test_strangers_follow_nothing(context: Context, client: TestClient, shop: Shop) -> None:
    with working(context, shop) as work:
        pass
    with client_of(context, add_user(context, "eve")[1]) as stranger:
        for what in ("stream", "log_lines", "specification", "first_rows"):
            assert stranger.get(f"{work.path}/{what}").status_code in {403, 404}, what
    assert client.get(f"/v2/jobs/{work.run.job_id}/runs/none/stream").status_code == 404


def test_lines_have_numbers_and_are_found(context: Context, client: TestClient, shop: Shop) -> None:
    with working(context, shop) as work:
        work.print("begin\nTraceback (most recent call last):\nValueError: no\nrows=0 errors\nVALUE\n")

    def asked(**query: Any) -> Any:
        answer = client.get(f"{work.path}/log_lines", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert asked()["total_count"] == 5
    part = asked(first=2, limit=2)
    assert [line["number"] for line in part["results"]] == [2, 3]
    found = asked(contains="value")
    assert ([line["number"] for line in found["results"]], found["match_count"]) == ([3, 5], 2)
    trouble = asked(trouble=True, limit=1)
    assert (trouble["results"][0]["number"], trouble["match_count"]) == (2, 2)
