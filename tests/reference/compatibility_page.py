"""The page on compatibility, from what the flows over the clients have noted (`tests/acceptance/flow/recorder.py`)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gristmill.api.openapi import document
from tests.reference.markdown import code, page, plain, table
from tests.reference.rest_page import operations

Record = Mapping[str, Any]
NEW, OLD, OTHER = "ibm-watsonx-ai", "ibm-watson-machine-learning", "ibm-watsonx-data-integration"
_ABOUT = """
What clients of the original find here. This page is written from what really happened: programs over the unmodified
clients work through every call that a user of batch jobs makes, against a server, and note which calls came back and
which requests were sent. A test holds the page to that.
"""
_LEGEND = """
*yes*: the call came back, and what it did was checked. *refused*: it is refused, on purpose, with a sentence. An empty
cell: nothing in this mode tries it, so nothing is promised. Calls that only take answers apart (`get_id`, ...) are here
too.
"""
_UNTRIED = """
Members of the client that nothing tries. Most are of parts of the platform that are not here: training, AutoAI,
foundation models, shiny applications, and so on.
"""
_ROUTES = """
The routes that these clients ask for, of {all} in all; the others are this server's own, or aliases, and
[in the REST reference](rest.md).
"""
_NOTHING = """
Clients ask for these before other things, or list them; they are answered, and nothing is ever there.
"""


def text(records: Collection[Record]) -> str:
    """Return the page. ``records`` are those of both modes of the newer client, the older one and data integration."""
    by_client: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda each: each["client"] + each["mode"]):
        by_client.setdefault(record["client"].split()[0], []).append(record)
    routes = list(operations(json.loads(document())))
    return page(
        "Compatibility",
        _ABOUT,
        *_client(by_client[NEW]),
        *_client(by_client[OLD]),
        *_steps(by_client[OTHER][0]),
        "## Routes that the clients ask for",
        _ROUTES.format(all=len(routes)),
        _used_routes(by_client, routes),
        "## Routes that answer with nothing",
        _NOTHING,
        _empty_routes(routes),
        origin="<!-- Written by `make compatibility`, from what happened. What is changed here by hand is lost. -->",
    )


def _client(records: list[Record]) -> Iterator[str]:
    """Yield the part on a client whose calls were noted, a column a mode."""
    modes = [record["mode"] for record in records]
    titles = {"cpd": "on-premises mode", "cloud": "cloud mode", "": "works"}
    yield f"## {records[0]['client']}"
    if len(records) > 1:
        yield _LEGEND
    calls = sorted({call for record in records for call in record["calls"]})
    rows = [[code(call), *(_word(record, call) for record in records)] for call in calls]
    yield table(["call", *(titles[mode] for mode in modes)], rows)
    yield from _untried(records, {call.partition(".")[0] for call in calls}, calls)


def _word(record: Record, call: str) -> str:
    came_back = record["calls"].get(call)
    return "" if came_back is None else "yes" if came_back else "refused"


def _untried(records: list[Record], tried: set[str], calls: list[str]) -> Iterator[str]:
    offered = {call for record in records for call in record["offered"]}
    yield "### Calls that nothing tries"
    left = sorted(call for call in offered - set(calls) if call.partition(".")[0] in tried)
    yield f"Of members that are in use: {code(*left)}."
    others = sorted({name for record in records for name in record["unused"]} - tried)
    if others:
        yield f"{_UNTRIED.strip()}\n\n{code(*others)}."


def _steps(record: Record) -> Iterator[str]:
    """Yield the part on a client of whose objects steps are told, not single calls."""
    yield f"## {record['client']}"
    yield "The jobs of this client, for which spaces are projects. What is done with it, in this order:"
    yield "\n".join(f"- {step}" for step in record["steps"])


def _used_routes(by_client: Mapping[str, list[Record]], routes: list[tuple[str, str, Any]]) -> str:
    used = {name: _routes_of(records, routes) for name, records in by_client.items()}
    marks = [
        [code(f"{method} {path}"), *("yes" * ((method, path) in used[name]) for name in (NEW, OLD, OTHER))]
        for method, path, _ in sorted(routes, key=lambda each: (each[1], each[0]))
        if any((method, path) in found for found in used.values())
    ]
    return table(["route", *(code(name) for name in (NEW, OLD, OTHER))], marks)


def _routes_of(records: list[Record], routes: list[tuple[str, str, Any]]) -> set[tuple[str, str]]:
    """Return the routes that requests went to; of two that match one path, the one with fewer places to fill in."""
    patterns = [(method, path, re.compile(re.sub(r"\{\w+\}", "[^/]+", path))) for method, path, _ in routes]
    patterns.sort(key=lambda each: each[1].count("{"))
    found = set()
    for method, sent in {(method, path) for record in records for method, path in record["requests"]}:
        match = next(((m, path) for m, path, form in patterns if m == method and form.fullmatch(sent)), None)
        found |= {match} if match else set()
    return found


def _empty_routes(routes: list[tuple[str, str, Any]]) -> str:
    said = [(method, path, plain(operation.get("description"))) for method, path, operation in routes]
    nothing = re.compile(r"Return an empty list|Say that there is n")
    return table(
        ["route", "what it does"], [[code(f"{m} {path}"), does] for m, path, does in said if nothing.match(does)]
    )
