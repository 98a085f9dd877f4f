"""The page of the REST API, from the description that the server gives of itself (OpenAPI)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gristmill.api.openapi import document
from tests.reference.markdown import code, page, plain, table

_ABOUT = """
Every route of the server, from its own description (`console/openapi.json`; a server at work serves it as
`/openapi.json`). Requests and answers are JSON where nothing else is said. [Bearer
tokens](../how-to/first-job.md#when-a-job-fails) go in `Authorization`; the console's cookie does too, from its own
pages only. Lists have pages: `limit` and `start` (or `next`), and an answer's `next` leads on. A refusal is
`{"trace", "errors": [{"code", "message", "target"}], "status_code"}`; [all codes](errors.md).
What clients of the original find here: [compatibility](compatibility.md).
"""
_METHODS = ("get", "post", "put", "patch", "delete")
_SECTIONS = {
    "/ml/v4": "ML API (watsonx.ai Runtime)",
    "/v2": "Data and AI Common Core",
    "/v1": "This server: identity, sessions, administration",
    "/": "Logins and what else clients ask for",
}


def text() -> str:
    """Return the page."""
    found = json.loads(document())
    parts = [part for prefix, title in _SECTIONS.items() for part in _section(found, prefix, title)]
    return page("The REST API", _ABOUT, *parts)


def operations(found: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of each operation of an OpenAPI document."""
    for path, methods in found["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield method.upper(), path, methods[method]


def _section(found: Mapping[str, Any], prefix: str, title: str) -> Iterator[str]:
    mine = [each for each in operations(found) if _prefix(each[1]) == prefix]
    yield f"## {title}"
    for tag in sorted({_tag(operation) for _, _, operation in mine}):
        yield f"### {tag} {{ #{_anchor(prefix, tag)} }}"
        rows = (_row(found, *each) for each in mine if _tag(each[2]) == tag)
        yield table(["route", "what it does", "takes", "answers"], rows)


def _prefix(path: str) -> str:
    return next(prefix for prefix in _SECTIONS if path.startswith(f"{prefix}/") or prefix == "/")


def _tag(operation: Mapping[str, Any]) -> str:
    named = str(operation.get("tags", ["others"])[0])
    return named[:1].upper() + named[1:]


def _anchor(prefix: str, tag: str) -> str:
    return f"{prefix}-{tag}".strip("/").replace("/", "-").replace(" ", "-").lower()


def _row(found: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> list[str]:
    answers = [status for status in operation["responses"] if status != "422"]
    return [code(f"{method} {path}"), plain(operation.get("description")), _takes(found, operation), ", ".join(answers)]


def _takes(found: Mapping[str, Any], operation: Mapping[str, Any]) -> str:
    query = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    body = _members(found, operation.get("requestBody", {}))
    told = [f"query {code(*query)}"] * bool(query) + [f"body {code(*body)}"] * bool(body)
    return "; ".join(told)


def _members(found: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """Return the members of a JSON body that is described."""
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    return list(found["components"]["schemas"].get(name, schema).get("properties", {}))
