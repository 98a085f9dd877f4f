from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.s3 import bucket_of

from gristmill.content.content import Content, ContentMissing, Stored
from gristmill.content.folder import FolderContent
from gristmill.content.s3 import S3Content

MIB = 1024**2


@pytest.fixture(params=["folder", "s3"])
def content(request: pytest.FixtureRequest, tmp_path: Path) -> Content:
    if request.param == "folder":
        return FolderContent(tmp_path / "content")
    return S3Content(bucket_of(request.getfixturevalue("object_store")))


def _read(content: Content, key: str) -> bytes:
    with content.open(key) as file:
        return file.read()


@pytest.mark.parametrize("chunks", [[], [b""], [b"a"], [b"ab", b"", b"c"], [bytes(range(256)) * 4096] * 3])
def test_what_is_put_comes_back_with_its_size_and_digest(content: Content, chunks: list[bytes]) -> None:
    whole = b"".join(chunks)

    stored = content.put(iter(chunks))

    assert stored == Stored(key=stored.key, size=len(whole), sha256=hashlib.sha256(whole).hexdigest())
    assert _read(content, stored.key) == whole
    assert b"".join(content.stream(stored.key)) == whole


def test_it_says_where_it_lies_and_whose_disk_it_fills(content: Content, tmp_path: Path) -> None:
    if isinstance(content, FolderContent):
        assert (content.place, content.disk) == (str(tmp_path / "content"), tmp_path / "content")
    else:
        assert content.place.startswith("s3://")
        assert not content.place.endswith("/")
        assert content.disk is None


def test_a_stream_starts_anywhere_in_blocks_of_at_most_a_mebibyte(content: Content) -> None:
    whole = os.urandom(3 * MIB + 5)
    key = content.put([whole]).key

    blocks = list(content.stream(key, start=7))

    assert b"".join(blocks) == whole[7:]
    assert max(map(len, blocks)) <= MIB
    assert list(content.stream(key, start=len(whole) + 9)) == []


def test_equal_bytes_are_kept_apart(content: Content) -> None:
    first, second = content.put([b"same"]), content.put([b"same"])

    content.delete(first.key)

    assert first.key != second.key
    assert _read(content, second.key) == b"same"


@pytest.mark.parametrize("blocks", [1, 20])
def test_a_source_that_fails_leaves_nothing(content: Content, blocks: int) -> None:
    def broken() -> Iterator[bytes]:
        yield from [b"h" * MIB] * blocks
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        content.put(broken())

    assert list(content.keys(older_than_seconds=-3600)) == []
    assert content.discard_drafts(older_than_seconds=-3600) == 0


def test_what_is_large_comes_back_whole_from_chunks_and_from_a_file(content: Content, tmp_path: Path) -> None:
    whole = os.urandom(20 * MIB + 11)
    (tmp_path / "result.bin").write_bytes(whole)

    pieces = [content.put(whole[at : at + 300_001] for at in range(0, len(whole), 300_001))]
    pieces.append(content.put_file(tmp_path / "result.bin"))

    for number, stored in enumerate(pieces):
        assert (stored.size, stored.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
        content.materialize(stored.key, tmp_path / f"copy-{number}")
        assert (tmp_path / f"copy-{number}").read_bytes() == whole
        assert b"".join(content.stream(stored.key, start=9 * MIB + 1)) == whole[9 * MIB + 1 :]
        assert content.size(stored.key) == len(whole)
        with content.open(stored.key) as file:
            assert (file.seek(-7, os.SEEK_END), file.read()) == (len(whole) - 7, whole[-7:])
            assert (file.seek(12 * MIB), file.read(5)) == (12 * MIB, whole[12 * MIB : 12 * MIB + 5])


def test_keys_are_those_that_are_old_enough(content: Content) -> None:
    kept = {content.put([b"x"]).key for _ in range(3)}

    assert set(content.keys(older_than_seconds=-3600)) == kept
    assert list(content.keys(older_than_seconds=3600)) == []


def test_what_is_no_regular_file_is_refused(content: Content, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")

    for name, number in [("link", errno.ELOOP), ("pipe", errno.EINVAL), (".", errno.EINVAL), ("no", errno.ENOENT)]:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number says which
            content.put_file(tmp_path / name)
        assert caught.value.errno == number


def test_a_materialized_file_can_be_changed_without_changing_the_content(content: Content, tmp_path: Path) -> None:
    whole = os.urandom(2 * MIB + 3)
    key, target = content.put([whole]).key, tmp_path / "input.bin"

    content.materialize(key, target)

    assert target.read_bytes() == whole
    with target.open("r+b") as file:
        file.write(b"changed")
    assert _read(content, key) == whole
    content.materialize(key, target)
    assert target.read_bytes() == whole


def test_materializing_does_not_follow_a_link(content: Content, tmp_path: Path) -> None:
    key = content.put([b"x"]).key
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "target").symlink_to(tmp_path / "victim")

    with pytest.raises(OSError, match="symbolic"):
        content.materialize(key, tmp_path / "target")

    assert (tmp_path / "victim").read_bytes() == b"precious"


@pytest.mark.parametrize("key", ["0" * 32, "", "..", "../../etc/passwd", "drafts"])
def test_what_is_not_kept_is_missing_at_once(content: Content, tmp_path: Path, key: str) -> None:
    with pytest.raises(ContentMissing):
        content.open(key)
    with pytest.raises(ContentMissing):
        content.stream(key)
    with pytest.raises(ContentMissing):
        content.materialize(key, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    content.delete(key)


def test_deleted_content_is_missing_and_deleting_twice_is_fine(content: Content) -> None:
    key = content.put([b"x"]).key

    content.delete(key)
    content.delete(key)

    with pytest.raises(ContentMissing):
        content.open(key)
