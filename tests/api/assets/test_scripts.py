"""Scripts over REST: what is in the wrong language is refused when it is stored, or when a run is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire

R_CODE = b"f <- function(x) { x + 1 }\nprint(f(1))\n"


def stored(client: TestClient, space_id: str, name: str = "a script", **script: Any) -> Any:
    body = {"metadata": {"name": name, "asset_type": "script"}, "entity": {"script": script}}
    return client.post("/v2/assets", params={"space_id": space_id}, json=body)


def uploaded(client: TestClient, space_id: str, asset_id: str, content: bytes) -> Any:
    place, params = f"/v2/assets/{asset_id}/attachments", {"space_id": space_id}
    made = client.post(place, params=params, json={"asset_type": "script", "name": "attachment"}).json()
    return client.put(made["url1"], files={"file": ("attachment", content, "text/plain")})


@pytest.mark.parametrize(
    ("name", "script", "code", "field"),
    [
        ("s", {"language": {"name": "scala"}}, "unknown_language", "entity.script.language.name"),
        ("s.R", {}, "other_language", "entity.script.language.name"),
        ("s.py", {"language": {"name": "R"}}, "other_language", "entity.script.language.name"),
        (
            "s",
            {"language": {"name": "R"}, "software_spec": {"name": "runtime-24.1-py3.11"}},
            "other_language",
            "entity.script.software_spec",
        ),
        ("s", {"software_spec": {"name": "runtime-25.1-r4.4"}}, "other_language", "entity.script.software_spec"),
    ],
)
def test_a_script_of_the_wrong_language_is_refused_when_it_is_stored(
    client: TestClient, name: str, script: dict[str, Any], code: str, field: str
) -> None:
    answer = stored(client, wire.space(client), name, **script)
    assert answer.status_code == 400
    error = wire.error(answer)
    assert (error["code"], error["target"]["name"]) == (code, field)


@pytest.mark.parametrize("language", [{}, {"language": {"name": "python3"}}, {"language": {"name": "Python 3.11"}}])
def test_what_is_no_python_is_refused_when_it_comes_and_names_its_line(
    client: TestClient, language: dict[str, Any]
) -> None:
    space_id = wire.space(client)
    asset_id = stored(client, space_id, **language).json()["asset_id"]
    answer = uploaded(client, space_id, asset_id, R_CODE)
    assert (answer.status_code, wire.error(answer)["code"]) == (400, "invalid_script")
    assert "line 1" in wire.error(answer)["message"]
    assert uploaded(client, space_id, asset_id, b"PK\x03\x04\0").status_code == 400
    assert uploaded(client, space_id, asset_id, b"print('hi')\n").is_success


def test_a_script_in_r_and_one_for_a_newer_python_are_taken(client: TestClient) -> None:
    space_id = wire.space(client)
    r_script = {"language": {"name": "R"}, "software_spec": {"name": "runtime-25.1-r4.4"}}
    asset_id = stored(client, space_id, "s.R", **r_script).json()["asset_id"]
    assert uploaded(client, space_id, asset_id, R_CODE).is_success
    newer = stored(client, space_id, "s.py", software_spec={"name": "runtime-25.1-py3.12"}).json()["asset_id"]
    assert uploaded(client, space_id, newer, b"type Pair[T] = tuple[T, T]\n").is_success


def test_an_environment_of_the_other_language_is_refused_with_the_job(client: TestClient) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    asset_id = stored(client, space_id).json()["asset_id"]
    wire.attach(client, space_id, asset_id, b"print('hi')\n", "s.py")
    configuration = {"env_id": "runtime-25.1-r4.4"}
    body = {"job": {"name": "job", "asset_ref": asset_id, "configuration": configuration}}
    answer = client.post("/v2/jobs", params=params, json=body)
    assert answer.status_code == 400
    error = wire.error(answer)
    assert (error["code"], error["target"]["name"]) == ("other_language", "configuration.env_id")
