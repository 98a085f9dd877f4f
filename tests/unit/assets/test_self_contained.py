"""What notebooks, packages and their jobs may say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gristmill.domain.entry_point import check_entry_point, read_entry_point
from gristmill.domain.errors import Invalid
from gristmill.domain.notebook_document import check_notebook
from gristmill.domain.notebook_parameters import read_parameters

NAMES = ["pkg/", "pkg/main.py", "./top.R", "pkg\\book.ipynb", "readme.txt"]


@pytest.mark.parametrize("path", ["pkg/main.py", "top.R", "pkg/book.ipynb", "./pkg/main.py", "pkg/../top.R"])
def test_an_entry_point_inside_the_package_will_do(path: str) -> None:
    check_entry_point(read_entry_point(path), NAMES)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.py", "pkg/../../x.py", ".", 5, ["main.py"]])
def test_an_entry_point_that_leads_out_is_refused(path: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        read_entry_point(path)
    assert refusal.value.field == "configuration.entrypoint"


def test_a_missing_entry_point_lists_the_candidates() -> None:
    with pytest.raises(Invalid, match=r"pkg/book\.ipynb, pkg/main\.py, top\.R"):
        check_entry_point("gone.py", NAMES)
    with pytest.raises(Invalid, match="no file that ends in"):
        check_entry_point("gone.py", ["readme.txt"])


def book(**members: Any) -> bytes:
    document = {"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {"kernelspec": {"name": "python3"}}}
    return json.dumps({**document, **members}).encode()


@pytest.mark.parametrize(
    "members", [{}, {"metadata": {"language_info": {"name": "R"}}}, {"nbformat": 3, "worksheets": []}]
)
def test_notebooks_that_can_be_run_are_taken(members: dict[str, Any]) -> None:
    check_notebook(book(**members))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "no JSON"),
        (b"[]", "no nbformat"),
        (book(nbformat=5), "nbformat 5"),
        (book(nbformat="4"), "no nbformat"),
        (book(cells={}), "no cells"),
        (book(metadata={}), "kernelspec"),
        (book(metadata={"kernelspec": {"name": ""}}), "kernelspec"),
        (book(metadata=[]), "kernelspec"),
    ],
)
def test_what_can_never_be_run_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        check_notebook(content)


def test_parameters_are_names_and_values() -> None:
    assert read_parameters(None) is None
    assert read_parameters({"n": 1, "a.b": [None]}) == {"n": 1, "a.b": [None]}
    for wrong, field in (([], "configuration.parameters"), ({"a b": 1}, "configuration.parameters.a b")):
        with pytest.raises(Invalid) as refusal:
            read_parameters(wrong)
        assert refusal.value.field == field
