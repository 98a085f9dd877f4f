"""Who may do what: each route of the application, asked by everybody, about their own space and about a foreign one.

The rules are in `authorization_rules.py`. A route without a rule fails by its name, and a rule without a route too.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.api.assets import wire
from tests.api.authorization_requests import REQUESTS, Request
from tests.api.authorization_rules import ALLOWED, IN_A_SPACE, RULES, Least, Person
from tests.api.authorization_world import PASSWORD, World, dump, make_world

from gristmill.api.app import ROUTERS, create_api

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Parameters of paths that are no things of a space.
_WORDS = {
    "action": "test",
    "asset_type": "data_asset",
    "attribute": "data_asset",
    "name": "page.html",
    "name_or_id": "postgresql",
    "node_id": "a",
}
_BY_ROUTE = [pytest.param(route, id=route) for route in RULES]
_OF_SPACES = [pytest.param(route, id=route) for route, least in RULES.items() if least in IN_A_SPACE]
_KEPT = [pytest.param(route, id=route) for route, least in RULES.items() if least is not Least.PUBLIC]
# Users are the installation's: an admin adds whom it knows by id or name.
_EVERYBODYS = {("POST /v2/spaces/{space_id}/members", "body:spare_user")}
# To take away what is not there is done already.
_NOT_THERE = {
    (
        "DELETE /v2/software_specifications/{specification_id}/package_extensions/{extension_id}",
        "path:extension_id",
    ),
}
# What was refused is noted there.
_AUDIT = frozenset({"audit_events"})


@dataclass(frozen=True)
class Asker:
    """Sends the requests of people to an app over a copy of the world."""

    world: World
    app: FastAPI
    client: TestClient
    shared: Path
    takes_space: frozenset[str]

    def ask(
        self, route: str, person: Person, *, foreign: frozenset[str] = frozenset(), by: Mapping[str, str] | None = None
    ) -> Any:
        """Send the route's request as the person, with the slots in ``foreign`` filled from the foreign space.

        The person proves who it is by a token, or by the headers ``by``.
        """
        method, _, path = route.partition(" ")
        request = REQUESTS.get(route, Request())
        filled = _Filling(self, person, foreign)
        self.client.cookies.clear()
        return self.client.request(
            method,
            filled.path(path, request),
            params={**filled.of(request.query), **filled.space(route)},
            json=filled.of(request.json),
            data=filled.of(request.form),
            content=filled.bytes(request.content),
            headers={**(self._token(person) if by is None else {}), **filled.of(request.headers), **(by or {})},
            follow_redirects=False,
        )

    def cookie(self, person: Person, *, site: str) -> dict[str, str]:
        """Return the headers of a browser in which the person is signed in, and whose page is of this site."""
        cookie = self.world.cookies.get(person)
        return {"Sec-Fetch-Site": site} | ({"Cookie": f"gristmill={cookie}"} if cookie else {})

    def slots(self, route: str) -> list[str]:
        """Return the names of the things that the route's request brings, of which each may be another space's."""
        path, request = route.partition(" ")[2], REQUESTS.get(route, Request())
        named = [name for name in re.findall(r"{(\w+)}", path) if name not in _WORDS]
        things = [f"path:{name}" for name in named]
        text = f"{request.json} {request.query}"
        things += [f"body:{name}" for name in re.findall(r"\$(\w+)", text) if name in self.world.own]
        return [*things, *(["space"] if route in self.takes_space else [])]

    @contextmanager
    def fresh(self, tmp_path: Path) -> Iterator[None]:
        """Work on a copy that may be spoiled."""
        kept = self.app.state.context
        with self.world.copied(self.app, tmp_path / "copy.db"):
            yield
        self.app.state.context = kept
        for path in tmp_path.glob("copy.db*"):
            path.unlink()

    def _token(self, person: Person) -> dict[str, str]:
        token = self.world.tokens.get(person)
        return {"Authorization": f"Bearer {token}"} if token else {}


@dataclass(frozen=True)
class _Filling:
    """Puts the things of the world into a request."""

    asker: Asker
    person: Person
    foreign: frozenset[str]

    def path(self, path: str, request: Request) -> str:
        def thing(found: re.Match[str]) -> str:
            name = found[1]
            if name in _WORDS and name not in request.things:
                return _WORDS[name]
            return self._world(f"path:{name}")[request.things.get(name, name)]

        return re.sub(r"{(\w+)}", thing, path)

    def space(self, route: str) -> dict[str, str]:
        return {"space_id": self._world("space")["space_id"]} if route in self.asker.takes_space else {}

    def of(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self.of(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self.of(member) for member in value]
        return re.sub(r"\$(\w+)", self._named, value) if isinstance(value, str) else value

    def bytes(self, content: bytes | str | None) -> bytes | None:
        world = self.asker.world
        match content:
            case "$archive":
                return wire.tar_gz({"m.pkl": wire.PICKLE})
            case "$code":
                return gzip.compress(b"def score(x):\n    return x\n")
            case "$export":
                return (world.context.data_dir / "export.zip").read_bytes()
        return content.encode() if isinstance(content, str) else content

    def _named(self, found: re.Match[str]) -> str:
        world, name = self.asker.world, found[1]
        if name == "mine":
            return world.keys.get(self.person, "nothing")
        if name == "basic":
            return base64.b64encode(f"{world.own['spare_name']}:{PASSWORD}".encode()).decode()
        return self._world(f"body:{name}")[name]

    def _world(self, slot: str) -> Mapping[str, str]:
        return self.asker.world.foreign if slot in self.foreign else self.asker.world.own


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(sqlite_template, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def asker(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    app = create_api(world.context)
    shared = tmp_path_factory.mktemp("shared") / "shared.db"
    with world.copied(app, shared), TestClient(app) as client:
        yield Asker(world, app, client, shared, _with_a_space(app))


def test_each_route_has_a_rule_and_each_rule_a_route(asker: Asker) -> None:
    there = _routes(asker.app)
    assert sorted(there - RULES.keys()) == [], "these routes have no rule in authorization_rules.py"
    assert sorted(RULES.keys() - there) == [], "these rules have no route"
    assert sorted(REQUESTS.keys() - RULES.keys()) == [], "these requests have no rule"


@pytest.mark.parametrize("route", _BY_ROUTE)
def test_who_may_gets_an_answer(asker: Asker, route: str, tmp_path: Path) -> None:
    expected = REQUESTS.get(route, Request()).answers
    for person in _in_order(ALLOWED[RULES[route]]):
        if route.startswith("GET "):
            answer = asker.ask(route, person)
        else:
            with asker.fresh(tmp_path):
                answer = asker.ask(route, person)
        assert answer.status_code < 400 or answer.status_code in expected, (person, answer.status_code, answer.text)


@pytest.mark.parametrize("route", _BY_ROUTE)
def test_who_may_not_is_refused_and_changes_nothing(asker: Asker, route: str) -> None:
    with _unchanged(asker):
        for person in _in_order(frozenset(Person) - ALLOWED[RULES[route]]):
            answer = asker.ask(route, person)
            expected = {401} if person is Person.NOBODY else {403, 404}
            assert answer.status_code in expected, (person, answer.status_code, answer.text)


@pytest.mark.parametrize("route", _KEPT)
def test_the_consoles_cookie_opens_what_a_token_opens_and_no_more(asker: Asker, route: str) -> None:
    allowed = _in_order(ALLOWED[RULES[route]])
    refused = [person for person in Person if person not in allowed]
    reads = route.partition(" ")[0] in _SAFE
    with nullcontext() if reads else _unchanged(asker):
        # The ones with the most rights among those who have not enough: a cookie stands for a user, as a token does.
        for person in refused[-2:]:
            answer = asker.ask(route, person, by=asker.cookie(person, site="same-origin"))
            assert answer.status_code in {401, 403, 404}, (person, answer.status_code, answer.text)
            assert person is Person.NOBODY or answer.status_code != 401, (person, answer.text)
        answer = asker.ask(
            route, allowed[0], by=asker.cookie(allowed[0], site="same-origin" if reads else "cross-site")
        )
        if reads:
            assert answer.status_code < 400 or answer.status_code in REQUESTS.get(route, Request()).answers, answer.text
        else:
            assert (answer.status_code, wire.error(answer)["code"]) == (403, "foreign_request"), answer.text


@pytest.mark.parametrize("route", _KEPT)
def test_an_api_key_by_itself_opens_nothing(asker: Asker, route: str) -> None:
    key = asker.world.keys[Person.OWNER]
    basic = base64.b64encode(f"{Person.OWNER.value}:{key}".encode()).decode()
    for header in (f"Bearer {key}", f"Basic {basic}"):
        assert asker.ask(route, Person.OWNER, by={"Authorization": header}).status_code == 401, header


@pytest.mark.parametrize("route", _OF_SPACES)
def test_a_foreign_space_is_refused_to_everybody(asker: Asker, route: str) -> None:
    everything = frozenset(asker.slots(route))
    with _unchanged(asker):
        for person in (person for person in Person if person is not Person.NOBODY):
            answer = asker.ask(route, person, foreign=everything)
            assert answer.status_code in {403, 404}, (person, answer.status_code, answer.text)


@pytest.mark.parametrize("route", _OF_SPACES)
def test_no_single_thing_of_a_foreign_space_slips_in(asker: Asker, route: str) -> None:
    with _unchanged(asker):
        for slot in asker.slots(route):
            if (route, slot) in _EVERYBODYS:
                continue
            answer = asker.ask(route, Person.OWNER, foreign=frozenset({slot}))
            refused = answer.status_code in {400, 403, 404, 409} or (route, slot) in _NOT_THERE
            assert refused, (slot, answer.status_code, answer.text)


@contextmanager
def _unchanged(asker: Asker) -> Iterator[None]:
    """See that the block leaves every row, and every file that is content, as it was."""
    rows, files = dump(asker.shared, leaving_out=_AUDIT), _files(asker.world)
    yield
    found = dump(asker.shared, leaving_out=_AUDIT)
    assert {name: there for name, there in found.items() if there != rows[name]} == {}
    assert _files(asker.world) == files


def _files(world: World) -> set[Path]:
    return {path for name in ("content", "staging") for path in (world.context.data_dir / name).rglob("*")}


def _in_order(people: frozenset[Person]) -> list[Person]:
    return [person for person in Person if person in people]


def _routes(app: FastAPI) -> set[str]:
    every = itertools.chain(app.routes, *(router.routes for router in ROUTERS))
    hidden = {
        f"{method} {re.sub(r':path}', '}', route.path)}"  # type: ignore[attr-defined]
        for route in every
        for method in getattr(route, "methods", None) or ()
        if method not in {"HEAD", "OPTIONS"}
    }
    document = app.openapi()["paths"]
    return hidden | {f"{method.upper()} {path}" for path, methods in document.items() for method in methods}


def _with_a_space(app: FastAPI) -> frozenset[str]:
    """Return the routes that take the space as a parameter of the query."""
    return frozenset(
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method, described in methods.items()
        if any(one["in"] == "query" and one["name"] == "space_id" for one in described.get("parameters", ()))
    )
