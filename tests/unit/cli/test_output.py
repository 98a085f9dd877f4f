from __future__ import annotations

import io
import json

import pytest

from gristmill.cli.output import Column, Form, Screen, at, text
from gristmill.cli.pages import Found

COLUMNS = (Column("ID", "metadata.id"), Column("NAME", "name"), Column("TAGS", "tags"))
LONG = "a name that is much longer than any terminal is wide, " * 5
DOCUMENTS = [
    {"metadata": {"id": "1"}, "name": LONG.strip(), "tags": ["a", "b"]},
    {"metadata": {"id": "22"}, "name": None},
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def screen(
    form: Form, *, quiet: bool = False, out: io.StringIO | None = None
) -> tuple[Screen, io.StringIO, io.StringIO]:
    out, err = out or io.StringIO(), io.StringIO()
    return Screen(form, quiet=quiet, out=out, err=err), out, err


def test_a_table_that_is_not_on_a_terminal_is_plain_and_whole() -> None:
    made, out, _ = screen(Form.TABLE)
    made.listing(Found(DOCUMENTS), COLUMNS)

    width = len(LONG.strip())
    assert out.getvalue().splitlines() == [
        f"ID  {'NAME':<{width}}  TAGS",
        f"1   {LONG.strip()}  a, b",
        "22",
    ]


def test_on_a_terminal_ids_stay_whole_and_the_rest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    identifier = "3663b12c-445b-4e3b-8880-ab89b6b9deb6"
    made, out, _ = screen(Form.TABLE, out=Terminal())
    made.listing(Found([{"metadata": {"id": identifier}, "name": "[bold]" + LONG}]), COLUMNS)

    shown = out.getvalue()
    assert identifier in shown
    assert "[bold]" in shown, "names are not markup"
    assert "\N{HORIZONTAL ELLIPSIS}" in shown
    assert len(shown.splitlines()) == 2


def test_json_is_the_documents_and_ids_are_the_first_column() -> None:
    made, out, _ = screen(Form.JSON)
    made.listing(Found(DOCUMENTS), COLUMNS)
    assert json.loads(out.getvalue()) == DOCUMENTS
    made, out, _ = screen(Form.IDS)
    made.listing(Found(DOCUMENTS), COLUMNS)
    assert out.getvalue() == "1\n22\n"
    made, out, _ = screen(Form.IDS)
    made.document(DOCUMENTS[1], COLUMNS)
    assert out.getvalue() == "22\n"


def test_one_document_has_a_line_a_member_that_is_there() -> None:
    made, out, _ = screen(Form.TABLE)
    made.document({"metadata": {"id": "1"}, "tags": []}, COLUMNS)
    assert out.getvalue() == "ID    1\n"


def test_more_than_the_limit_is_told_beside_the_result_unless_quiet() -> None:
    made, out, err = screen(Form.IDS)
    made.listing(Found(DOCUMENTS, more=True), COLUMNS)
    assert "--limit" in err.getvalue()
    assert "--limit" not in out.getvalue()
    made, _, err = screen(Form.IDS, quiet=True)
    made.listing(Found(DOCUMENTS, more=True), COLUMNS)
    made.complain("an error")
    assert err.getvalue() == "an error\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0, "0"),
        (True, "true"),
        ([0.25, 0.75], "[0.25, 0.75]"),
        ({"a": "ü"}, '{"a": "ü"}'),
        ("red \x1b[31m\nalarm", "red \N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}alarm"),
    ],
)
def test_a_value_stays_on_its_line_and_steers_no_terminal(value: object, shown: str) -> None:
    assert text(value) == shown


def test_a_path_that_leads_nowhere_is_nothing() -> None:
    assert at({"a": {"b": 1}}, "a.b") == 1
    assert at({"a": 1}, "a.b.c") is None
    assert at({"a": [{"b": 1}]}, "a.0.b") == 1
    assert at({"a": [1]}, "a.1") is None
    assert at({"a": [1]}, "a.b") is None
