"""Which pages are written from the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.reference import errors_page, rest_page, run_directory_page, settings_page, states_page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "errors.md": errors_page.text,
    "rest.md": rest_page.text,
    "run-directory.md": run_directory_page.text,
    "settings.md": settings_page.text,
    "states.md": states_page.text,
}
