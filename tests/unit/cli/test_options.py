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


@pytest.mark.parametrize(
    ("url", "is_told"),
    [
        ("postgresql+psycopg://owner:pa%40ss@db.example:5432/gristmill", True),
        ("postgresql://owner:secret@/gristmill?host=/run/postgresql", True),
        ("postgresql://owner@db.example:5432/gristmill", False),
        ("postgresql://db.example:5432/gristmill?application_name=a:b@c", False),
        ("sqlite:////data/gristmill.db", False),
    ],
)
def test_a_password_on_the_command_line_is_told_and_not_repeated(
    capsys: pytest.CaptureFixture[str], url: str, *, is_told: bool
) -> None:
    assert read({"database_url": url}).database_url == url
    said = "--database-url: its password shows in the list of processes. Give it as GRISTMILL_DATABASE_URL instead.\n"
    assert capsys.readouterr().err == (said if is_told else "")


def test_a_password_in_the_environment_is_no_matter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRISTMILL_DATABASE_URL", "postgresql://owner:secret@db.example/gristmill")
    read({})
    assert capsys.readouterr().err == ""


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
