"""The main story: a drug classifier scores patients, sent with the job and from a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest
from tests.acceptance.rest import Json, Rest, output, reference, refusal
from tests.acceptance.server import Server

from gristmill.cli import demo_drugs as drugs

TYPES = ("int", "string", "string", "string", "double", "double")
SCHEMA = tuple(zip(drugs.FIELDS, TYPES, strict=True))
TABLE_ROWS = 20_000


@pytest.fixture(scope="module")
def classifier() -> object:
    """The drug classifier."""
    people = drugs.patients(2_000, seed=1)
    return drugs.train(people, drugs.drugs(people, seed=1))


@pytest.fixture(scope="module")
def deployment(rest: Rest, classifier: object) -> str:
    """A batch deployment of the drug classifier."""
    return rest.deployment(rest.model(classifier, fields=SCHEMA))


@pytest.fixture(scope="module")
def people(server: Server, rest: Rest) -> Iterator[dict[str, Rest]]:
    """A session for a member of each role, and for a user who is no member."""
    keys = {role: rest.add_user(f"the-{role}", role=role) for role in ("editor", "viewer")}
    keys["outsider"] = rest.add_user("the-outsider")
    with ExitStack() as all_open:
        yield {
            who: all_open.enter_context(Rest(server, api_key=key, user=f"the-{who}", space_id=rest.space_id))
            for who, key in keys.items()
        }


def test_the_example_of_the_documentation(rest: Rest, deployment: str, classifier: object) -> None:
    body = {
        "deployment": {"id": deployment},
        "space_id": rest.space_id,
        "name": "test_v4_inline",
        "scoring": {"input_data": [{"fields": list(drugs.FIELDS), "values": drugs.EXAMPLE}]},
    }
    answer = rest.call("POST", "/ml/v4/deployment_jobs", expect=202, json=body)
    assert rest.ended(answer["metadata"]["id"])["state"] == "completed"
    document = rest.job(answer["metadata"]["id"])
    assert document["metadata"]["name"] == "test_v4_inline"
    (element,) = document["entity"]["scoring"]["predictions"]
    _same(element, classifier, pd.DataFrame(drugs.EXAMPLE, columns=list(drugs.FIELDS)))


def test_a_table_is_scored_row_by_row_into_a_table(rest: Rest, deployment: str, classifier: object) -> None:
    people = drugs.patients(TABLE_ROWS, seed=3)
    source = rest.data_asset("patients.csv", people.to_csv(index=False).encode())
    job = _submit_table(rest, deployment, source, "predictions.csv")
    status = rest.ended(job["metadata"]["id"])
    assert status["state"] == "completed", status
    assert status["progress"] == {"rows_done": TABLE_ROWS, "rows_total": TABLE_ROWS}
    reference = rest.job(job["metadata"]["id"])["entity"]["scoring"]["output_data_reference"]
    assert reference["location"]["name"] == "predictions.csv"
    result = pd.read_csv(io.BytesIO(rest.content(reference["location"]["id"])))
    assert result.columns.tolist() == [*drugs.FIELDS, "prediction", "probability"]
    pd.testing.assert_frame_equal(result[list(drugs.FIELDS)], people)
    assert (result["prediction"] == classifier.predict(people)).all()  # type: ignore[attr-defined]


def test_columns_are_found_by_name(rest: Rest, deployment: str, classifier: object) -> None:
    people = drugs.patients(50, seed=4)
    turned = people[["K", "NA", "CHOLESTEROL", "BP", "SEX", "AGE"]]
    table = {"fields": list(turned.columns), "values": turned.to_numpy().tolist()}
    job = rest.submit(deployment, {"input_data": [table]})
    assert rest.ended(job["metadata"]["id"])["state"] == "completed"
    (element,) = rest.job(job["metadata"]["id"])["entity"]["scoring"]["predictions"]
    _same(element, classifier, people)


def test_a_column_that_the_model_lacks_is_named_before_anything_runs(rest: Rest, deployment: str) -> None:
    table = {"fields": ["AGE", "SEX", "BP", "CHOLESTEROL", "NA"], "values": [[47, "M", "LOW", "HIGH", 0.7]]}
    code, message = refusal(rest.submit(deployment, {"input_data": [table]}, expect=400))
    assert code == "input_does_not_match_schema"
    assert "'K'" in message


def test_a_value_of_the_wrong_type_is_named_by_column_and_row(rest: Rest, deployment: str) -> None:
    rows = [drugs.EXAMPLE[0], ["old", "M", "LOW", "HIGH", 0.7, 0.05]]
    table = {"fields": list(drugs.FIELDS), "values": rows}
    code, message = refusal(rest.submit(deployment, {"input_data": [table]}, expect=400))
    assert code == "input_does_not_match_schema"
    assert "'AGE'" in message
    assert "row 2" in message


@pytest.mark.parametrize(
    "text",
    [
        '{"deployment": {"id": ',
        '{"scoring": {"input_data": [{"values": [[1, 2], [3,]]}]}}',
        "AGE,SEX\n47,M\n",
        "",
    ],
)
def test_what_is_not_json_is_refused(rest: Rest, text: str) -> None:
    answer = rest.call("POST", "/ml/v4/deployment_jobs", expect=400, content=text.encode())
    assert "JSON" in refusal(answer)[1]


def test_a_table_with_a_bad_row_names_it(rest: Rest, deployment: str) -> None:
    lines = io.StringIO()
    csv.writer(lines).writerows([drugs.FIELDS, *drugs.EXAMPLE, ["old", "M", "LOW", "HIGH", 0.7, 0.05]])
    source = rest.data_asset("bad.csv", lines.getvalue().encode())
    job = _submit_table(rest, deployment, source, "never.csv")
    status = rest.ended(job["metadata"]["id"])
    assert status["state"] == "failed", status
    assert "AGE" in status["message"]["text"]
    assert "row 3" in status["message"]["text"]
    assert rest.data_assets_named("never.csv") == []


def test_a_deleted_job_is_gone_with_its_run(rest: Rest, deployment: str) -> None:
    job = rest.submit(deployment, {"input_data": [{"values": drugs.EXAMPLE}]})
    job_id = job["metadata"]["id"]
    rest.ended(job_id)
    rest.call("DELETE", f"/ml/v4/deployment_jobs/{job_id}", expect=204, params={"hard_delete": "true"})
    rest.call("GET", f"/ml/v4/deployment_jobs/{job_id}", expect=404)
    listed = rest.call("GET", "/ml/v4/deployment_jobs", expect=200)["resources"]
    assert job_id not in [each["metadata"]["id"] for each in listed]


def test_an_online_deployment_is_refused(rest: Rest, classifier: object) -> None:
    model_id = rest.model(classifier, fields=SCHEMA)
    body = {"name": "online", "space_id": rest.space_id, "asset": {"id": model_id}, "online": {}}
    answer = rest.call("POST", "/ml/v4/deployments", expect=400, json=body)
    assert "batch" in refusal(answer)[1]


def test_a_user_without_a_task_credential_runs_no_jobs_until_it_has_one(
    people: dict[str, Rest], deployment: str
) -> None:
    editor, scoring = people["editor"], {"input_data": [{"values": drugs.EXAMPLE}]}
    code, message = refusal(editor.submit(deployment, scoring, expect=403))
    assert code == "task_credentials_missing"
    assert "/v1/task_credentials" in message
    key = editor.call("POST", "/v1/api_keys", expect=201, json={"name": "for jobs"})["api_key"]
    credential = {"name": "mine", "type": "iam_api_key", "secret": {"api_key": key}}
    editor.call("POST", "/v1/task_credentials", expect=201, json=credential)
    job = editor.submit(deployment, scoring)
    assert editor.ended(job["metadata"]["id"])["state"] == "completed"


def test_a_viewer_looks_and_does_not_touch(people: dict[str, Rest], deployment: str) -> None:
    viewer = people["viewer"]
    viewer.call("GET", f"/ml/v4/deployments/{deployment}", expect=200)
    viewer.call("GET", "/ml/v4/deployment_jobs", expect=200)
    answer = viewer.submit(deployment, {"input_data": [{"values": drugs.EXAMPLE}]}, expect=403)
    assert refusal(answer)[0] == "forbidden"


def test_an_outsider_finds_nothing(people: dict[str, Rest], deployment: str) -> None:
    outsider = people["outsider"]
    outsider.call("GET", f"/v2/spaces/{outsider.space_id}", expect=404)
    outsider.call("GET", f"/ml/v4/deployments/{deployment}", expect=404)
    outsider.call("GET", "/ml/v4/deployment_jobs", expect=404)
    outsider.submit(deployment, {"input_data": [{"values": drugs.EXAMPLE}]}, expect=404)


def _submit_table(rest: Rest, deployment: str, source: str, name: str) -> Json:
    scoring = {"input_data_references": [reference(source)], "output_data_reference": output(name)}
    return rest.submit(deployment, scoring)


def _same(element: Json, classifier: object, people: pd.DataFrame) -> None:
    assert element["fields"] == ["prediction", "probability"]
    labels, chances = classifier.predict(people), classifier.predict_proba(people)  # type: ignore[attr-defined]
    assert [row[0] for row in element["values"]] == labels.tolist()
    assert np.allclose([row[1] for row in element["values"]], chances)
