"""Which interpreters the administrator registered."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gristmill.settings import Settings


def test_interpreters_are_registered_by_their_version() -> None:
    settings = Settings(pythons="3.12=/opt/py=312/bin/python3, 3.9=/usr/bin/python3.9,")
    assert settings.interpreters == {"3.12": Path("/opt/py=312/bin/python3"), "3.9": Path("/usr/bin/python3.9")}
    assert Settings().interpreters == {}


@pytest.mark.parametrize("pythons", ["/usr/bin/python3", "3=/usr/bin/python3", "3.12=python3", "3.12"])
def test_what_names_no_version_or_no_path_is_refused(pythons: str) -> None:
    with pytest.raises(ValidationError, match=r"is not like 3\.12=/path/to/python3\.12"):
        Settings(pythons=pythons)
