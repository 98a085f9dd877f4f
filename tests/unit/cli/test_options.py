"""Settings that were meant and not given: a variable that is nearly one is told."""

from __future__ import annotations

import pytest

from gristmill.cli.options import misspelled, read
from gristmill.settings import Settings

# What clients read, and what others may have.
_NO_SETTINGS = ("URL", "API_KEY", "SPACE", "CA", "CONFIG_DIR", "CHANNEL_URL", "CONNECTION_PASSWORD", "DEPLOY_TARGET")


def test_a_variable_that_is_nearly_a_setting_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRISTMILL_WORKER_SLOT", "3")
    read({})
    said = "GRISTMILL_WORKER_SLOT is no setting and changes nothing. Did you mean GRISTMILL_WORKER_SLOTS?\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("name", _NO_SETTINGS)
def test_variables_of_others_are_left_alone(name: str) -> None:
    assert misspelled([f"GRISTMILL_{name}", "PATH"]) == {}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_letter_too_few_is_found_in_every_setting_that_is_long_enough(name: str) -> None:
    whole = f"GRISTMILL_{name.upper()}"
    assert misspelled([whole]) == {}
    assert misspelled([whole[:-1]]) in ({whole[:-1]: whole}, {})
    if len(name) > 4:
        assert misspelled([whole[:-1]])
