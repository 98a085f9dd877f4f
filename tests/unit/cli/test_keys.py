"""`gristmill keys`: what it tells, what it changes, and that nothing is lost unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.people import ADMIN_API_KEY
from typer.testing import CliRunner, Result

from gristmill.app import compose
from gristmill.cli.keys import keys
from gristmill.service import tokens, users
from gristmill.settings import DATABASE_FILE, Settings

GIVEN = "a secret key that was given, and that is long"


@pytest.fixture
def data_dir(sqlite_template: Path, tmp_path: Path) -> Path:
    shutil.copy(sqlite_template, tmp_path / DATABASE_FILE)
    return tmp_path


def run(data_dir: Path, *options: str, given: str = "") -> Result:
    environment = {"GRISTMILL_DATA_DIR": str(data_dir), "GRISTMILL_SECRET_KEY": given}
    return CliRunner().invoke(keys, list(options), env=environment)


def opens(data_dir: Path, given: str | None = None) -> bool:
    """Bring the first administrator about, and tell whether its API key opens the installation."""
    context = compose(Settings(data_dir=data_dir, secret_key=given))
    users.bootstrap(context, ADMIN_API_KEY)
    token = tokens.for_api_key(context, ADMIN_API_KEY, mode="cpd")
    context.database.close()
    return token.user_name == users.FIRST_ADMINISTRATOR


def test_a_rotation_leaves_api_keys_and_tells_what_it_did(data_dir: Path) -> None:
    assert opens(data_dir)
    before = (data_dir / "secret.key").read_text()
    assert run(data_dir, "list").stdout.count("in use") == 4
    done = run(data_dir, "rotate", "--at-once")
    assert (done.exit_code, "encrypted anew: 1." in done.stdout) == (0, True), done.output
    assert (data_dir / "secret.key").read_text() not in {before, done.stdout}
    assert run(data_dir, "list").stdout.count("retired") == 1
    assert opens(data_dir)


def test_a_given_key_is_followed_by_the_one_in_a_file(data_dir: Path) -> None:
    assert opens(data_dir, GIVEN)
    refused = run(data_dir, "rotate", given=GIVEN)
    assert (refused.exit_code, "The new secret key" in refused.stderr) == (1, True)
    follows = data_dir / "follows"
    follows.write_text("another secret key, that is long enough\n")
    done = run(data_dir, "rotate", "--new-key-file", str(follows), given=GIVEN)
    assert "new GRISTMILL_SECRET_KEY" in done.stdout, done.output
    assert run(data_dir, "list", given=GIVEN).exit_code == 1
    assert opens(data_dir, follows.read_text().strip())


def test_a_lost_key_is_given_up_only_when_that_is_meant(data_dir: Path) -> None:
    assert opens(data_dir)
    assert "fits" in run(data_dir, "abandon", "--yes").stderr
    (data_dir / "secret.key").write_text("something else, which is long enough, too")
    assert "gristmill keys abandon" in run(data_dir, "list").stderr
    assert "--yes" in run(data_dir, "abandon").stderr
    assert run(data_dir, "list").exit_code == 1
    assert run(data_dir, "abandon", "--yes").exit_code == 0
    assert opens(data_dir)


@pytest.mark.parametrize("command", [("list",), ("rotate",), ("abandon", "--yes")])
def test_a_directory_that_was_mistyped_gets_no_installation(tmp_path: Path, command: tuple[str, ...]) -> None:
    refused = run(tmp_path / "mistyped", *command)
    assert (refused.exit_code, "--data-dir" in refused.stderr) == (1, True), refused.output
    assert not (tmp_path / "mistyped").exists()
