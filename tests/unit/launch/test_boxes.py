"""Boxes of a process that is gone: the run directories in them go back to their places, whatever user code did."""

from __future__ import annotations

from pathlib import Path

import pytest

from gristmill.launch.boxes import Boxes, OpenBox

NOBODY = "999999999-abc"  # no process has this number


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "boxes" / NOBODY).mkdir(parents=True)
    return tmp_path / "boxes"


@pytest.fixture
def place(tmp_path: Path, root: Path) -> Path:
    """A run directory that was taken into a box before the process died."""
    directory = tmp_path / "runs" / "run.1"
    directory.mkdir(parents=True)
    (directory / "run.log").write_text("up to the kill")
    OpenBox(root / NOBODY).take_in(directory)
    assert directory.is_symlink()
    return directory


def test_a_run_directory_goes_back_to_its_place(root: Path, place: Path) -> None:
    (place / "link").symlink_to("/etc/passwd")
    Boxes(root)
    assert not place.is_symlink()
    assert [path.name for path in place.iterdir()] == ["run.log"]
    assert (place / "run.log").read_text() == "up to the kill"
    assert list(root.iterdir()) == []


def test_another_directory_in_its_place_is_not_taken_for_it(tmp_path: Path, root: Path, place: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").touch()
    inside = root / NOBODY / place.name
    inside.rename(inside.with_name("away"))
    inside.symlink_to(secret, target_is_directory=True)
    Boxes(root)
    assert not (place / "key").exists()
    assert (secret / "key").exists()
    assert list(root.iterdir()) == []


def test_a_box_without_a_run_is_removed(root: Path) -> None:
    Boxes(root)
    assert list(root.iterdir()) == []
