"""Boxes: what a launcher that was killed had in them goes back to its place, whatever user code made of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gristmill.launch.boxes import Boxes

_DEAD = 2**22 + 1  # above what the kernel gives as the number of a process


@pytest.fixture
def served(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def left_by_the_dead(tmp_path: Path, served: Path, name: str = "run.1") -> Path:
    """Leave a run directory in the box of a process that is gone, and a link in its place."""
    inside = tmp_path / "boxes" / f"{_DEAD}-box" / name
    inside.mkdir(parents=True)
    (inside / "ledger.jsonl").write_text("kept\n")
    (served / name).symlink_to(inside, target_is_directory=True)
    return inside


def test_a_run_directory_goes_back_and_the_box_goes(tmp_path: Path, served: Path) -> None:
    left_by_the_dead(tmp_path, served)
    Boxes(tmp_path / "boxes", served)
    assert not (served / "run.1").is_symlink()
    assert (served / "run.1/ledger.jsonl").read_text() == "kept\n"
    assert list((tmp_path / "boxes").iterdir()) == []


def test_one_that_lives_keeps_its_box(tmp_path: Path, served: Path) -> None:
    inside = tmp_path / "boxes" / f"{os.getppid()}-box" / "run.1"
    inside.mkdir(parents=True)
    (served / "run.1").symlink_to(inside, target_is_directory=True)
    Boxes(tmp_path / "boxes", served)
    assert (served / "run.1").is_symlink()
    assert inside.is_dir()


@pytest.mark.parametrize("made", ["nothing", "a link", "a file"])
def test_whatever_user_code_made_of_it_no_link_comes_back(tmp_path: Path, served: Path, made: str) -> None:
    inside = left_by_the_dead(tmp_path, served)
    (inside / "ledger.jsonl").unlink()
    inside.rmdir()
    if made == "a link":
        inside.symlink_to("/etc", target_is_directory=True)
    elif made == "a file":
        inside.write_text("x")
    Boxes(tmp_path / "boxes", served)
    assert not (served / "run.1").is_symlink()
    assert list((served / "run.1").iterdir()) == []


def test_links_in_it_do_not_come_back(tmp_path: Path, served: Path) -> None:
    inside = left_by_the_dead(tmp_path, served)
    (inside / "staged").symlink_to("/etc", target_is_directory=True)
    Boxes(tmp_path / "boxes", served)
    assert [path.name for path in (served / "run.1").iterdir()] == ["ledger.jsonl"]


def test_one_that_was_killed_while_it_gave_back_has_given_back(tmp_path: Path, served: Path) -> None:
    inside = left_by_the_dead(tmp_path, served)
    inside.rename(served / "run.1.given")
    Boxes(tmp_path / "boxes", served)
    assert [path.name for path in served.iterdir()] == ["run.1"]
    assert (served / "run.1/ledger.jsonl").read_text() == "kept\n"
    # Or a step later, when the link was gone.
    (served / "run.1").rename(served / "run.1.given")
    Boxes(tmp_path / "boxes", served)
    assert (served / "run.1/ledger.jsonl").read_text() == "kept\n"


def test_a_box_that_is_taken_in_and_given_back(tmp_path: Path, served: Path) -> None:
    box = Boxes(tmp_path / "boxes", served).new()
    (served / "run.2").mkdir()
    inside = box.take_in(served / "run.2")
    (inside / "ledger.jsonl").write_text("kept\n")
    assert (served / "run.2").is_symlink()
    box.give_back()
    assert not (served / "run.2").is_symlink()
    assert (served / "run.2/ledger.jsonl").read_text() == "kept\n"
