"""The pages that are written from the code are those of this very code."""

from __future__ import annotations

import pytest

from tests.reference.errors import every_code
from tests.reference.errors_page import MEANINGS
from tests.reference.pages import PAGES, REFERENCE


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_that_of_the_present_code(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name](), "run `make reference`"


def test_every_code_says_something() -> None:
    silent = {code.name for code in every_code().values() if not code.sentences}
    assert silent == set(MEANINGS)
