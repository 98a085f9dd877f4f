"""Every route takes nonsense: what is made from the API's own description, right and wrong, is never answered by a 500.

`make fuzz EXAMPLES=500` looks longer; the suite's examples are few, and the same each time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from tests.api.authorization_requests import REQUESTS, Request
from tests.api.authorization_rules import RULES, Person
from tests.api.authorization_world import World, make_world

from gristmill.api.app import create_api

EXAMPLES = int(os.environ.get("EXAMPLES", "2"))
# An administrator for what is its own, the admin of a space for what is in it, a stranger for what is neither's.
_PEOPLE = (Person.ADMINISTRATOR, Person.OWNER, Person.STRANGER)
_DESCRIBED = [pytest.param(route, id=route) for route in RULES]


@dataclass(frozen=True)
class Nonsense:
    """The app over a world, and its description."""

    world: World
    app: FastAPI
    operations: dict[str, Any]


@pytest.fixture(scope="module")
def nonsense(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Nonsense:
    world = make_world(sqlite_template, tmp_path_factory.mktemp("world"))
    app = create_api(world.context)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    operations = {f"{each.method.upper()} {each.path}": each for each in found}
    described = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    assert operations.keys() == described
    return Nonsense(world, app, operations)


@pytest.fixture
def spoiled(nonsense: Nonsense, tmp_path: Path) -> Iterator[Nonsense]:
    """The same over a copy of its database, which may be spoiled."""
    with nonsense.world.copied(nonsense.app, tmp_path / "copy.db"):
        yield nonsense
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("route", _DESCRIBED)
def test_nonsense_is_refused_and_breaks_nothing(spoiled: Nonsense, route: str) -> None:
    operation = spoiled.operations.get(route)
    if operation is None:
        return  # It is in no description: it takes nothing but its path.
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @settings(
        max_examples=EXAMPLES,
        derandomize="EXAMPLES" not in os.environ,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, person=st.sampled_from(_PEOPLE), real=st.booleans())
    def ask(case: Any, person: Person, *, real: bool) -> None:
        if real:
            _name_real_things(spoiled.world, route, case)
        answer = case.call(headers={"Authorization": f"Bearer {spoiled.world.tokens[person]}"})
        assert answer.status_code < 500, answer.text

    ask()


def _name_real_things(world: World, route: str, case: Any) -> None:
    """Let the request get behind the question whether there is such a thing."""
    things = REQUESTS.get(route, Request()).things
    for name in case.path_parameters:
        thing = things.get(name, name)
        if thing in world.own:
            case.path_parameters[name] = world.own[thing]
    if "space_id" in case.query:
        case.query["space_id"] = world.own["space_id"]
