"""What is peculiar to folders: links, things that are no files, and which folders are open at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from gristmill.data.connect import connect
from gristmill.data.places import Places
from gristmill.data.source import DataFailed, FileName, Files


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    made = tmp_path / "mounts" / "volume"
    made.mkdir(parents=True)
    (tmp_path / "secret").write_text("outside")
    return made


def open_folder(volume: Path | str, *permitted: Path, path: str | None = None) -> Files:
    places = Places(folders=permitted or (Path(volume).parent,))
    return cast(Files, connect("volumes", {"volume": str(volume), **({"path": path} if path else {})}, places=places))


def test_a_folder_is_named_by_its_path_or_its_bare_name(volume: Path, tmp_path: Path) -> None:
    (volume / "below").mkdir()
    (volume / "below" / "file").write_text("here")
    for folder in (open_folder(volume), open_folder("volume", volume), open_folder(volume, path="below")):
        with folder as files:
            name = "file" if files.browse()[0].type == "file" else "below/file"
            files.fetch(FileName(name=name), tmp_path / "got")
            assert (tmp_path / "got").read_text() == "here"


@pytest.mark.parametrize("given", ["/etc", "relative", "{volume}/../..", "{volume}-more", "other"])
def test_other_folders_are_closed(volume: Path, given: str) -> None:
    with pytest.raises(DataFailed) as refused:
        open_folder(given.format(volume=volume), volume)
    assert refused.value.field == "properties.volume"
    with pytest.raises(DataFailed, match="GRISTMILL_DATA_FOLDERS"):
        connect("volumes", {"volume": str(volume)}, places=Places())


def test_links_are_followed_inside_and_not_out(volume: Path, tmp_path: Path) -> None:
    (volume / "real").mkdir()
    (volume / "real" / "file").write_text("inside")
    (volume / "link").symlink_to(volume / "real")
    (volume / "out").symlink_to(tmp_path)
    (volume / "secret").symlink_to(tmp_path / "secret")
    with open_folder(volume) as files:
        files.fetch(FileName(name="link/file"), tmp_path / "got")
        assert (tmp_path / "got").read_text() == "inside"
        for name in ("out/secret", "secret"):
            with pytest.raises(DataFailed, match="leads out") as refused:
                files.fetch(FileName(name=name), tmp_path / "got")
            assert refused.value.code == "data_access_denied"
            with pytest.raises(DataFailed, match="leads out"):
                files.size(FileName(name=name))
        with pytest.raises(DataFailed, match="leads out"):
            files.store(FileName(name="out/new"), Path(__file__))
        assert [entry.name for entry in files.browse()] == ["link", "real"]
    assert not (tmp_path / "new").exists()


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_written_through(volume: Path, tmp_path: Path) -> None:
    (volume / "secret").symlink_to(tmp_path / "secret")
    with open_folder(volume) as files:
        files.store(FileName(name="secret"), Path(__file__))
    assert (tmp_path / "secret").read_text() == "outside"
    assert not (volume / "secret").is_symlink()


def test_a_pipe_is_not_waited_for(volume: Path, tmp_path: Path) -> None:
    os.mkfifo(volume / "pipe")
    with open_folder(volume) as files, pytest.raises(DataFailed, match="not a file"):
        files.fetch(FileName(name="pipe"), tmp_path / "got")


def test_a_folder_is_not_replaced_by_a_file(volume: Path) -> None:
    (volume / "folder").mkdir()
    with open_folder(volume) as files:
        with pytest.raises(DataFailed):
            files.store(FileName(name="folder"), Path(__file__))
        assert [entry.name for entry in files.browse()] == ["folder"]
    assert [path.name for path in volume.iterdir()] == ["folder"]


def test_drafts_of_writers_that_were_killed_go_with_time(volume: Path) -> None:
    old, new = volume / ".gristmill-draft-old", volume / ".gristmill-draft-new"
    old.write_text("half")
    new.write_text("half")
    os.utime(old, (1, 1))
    with open_folder(volume) as files:
        assert files.browse() == []
        files.store(FileName(name="file"), Path(__file__))
    assert sorted(path.name for path in volume.iterdir()) == [new.name, "file"]


def test_a_folder_that_is_gone_is_told_so(volume: Path) -> None:
    files = open_folder(volume)
    volume.rmdir()
    with files, pytest.raises(DataFailed) as missing:
        files.test()
    assert missing.value.code == "data_not_found"
