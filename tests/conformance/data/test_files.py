"""What every place of files promises: a bucket of a real object store, and a folder."""

from __future__ import annotations

import filecmp
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conformance.data.file_places import MIB, FilePlace, get, large_file, put
from tests.make import eventually
from tests.s3 import ObjectStore

from gristmill.data.source import DataFailed, FileName

NAMES = [
    "plain.csv",
    "deep/er/and deeper.csv",
    "naïve 患者/行 ½.csv",
    "percent%20 plus+ hash# question? star*.csv",
    "'quotes\" & <angles>.csv",
    "a" * 200,
]


@pytest.fixture(params=["s3", "folder"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> FilePlace:
    folder = tmp_path / "volume"
    folder.mkdir()
    if request.param == "folder":
        return FilePlace("volumes", {"volume": str(folder)}, folder)
    store: ObjectStore = request.getfixturevalue("object_store")
    bucket = store.new_bucket()
    return FilePlace("generics3", store.properties(bucket), folder, bucket=bucket, store=store)


@pytest.mark.parametrize("size", [0, 1, MIB, 16 * MIB, 40 * MIB + 17])
def test_a_file_comes_back_as_it_went(place: FilePlace, tmp_path: Path, size: int) -> None:
    content = bytes(range(251)) * (size // 251) + b"x" * (size % 251)
    put(place, "some.bin", content, tmp_path)
    assert get(place, "some.bin", tmp_path) == content
    with place.open() as files:
        assert files.size(FileName(name="some.bin")) == size


@pytest.mark.parametrize("name", NAMES)
def test_names_may_be_what_people_write(place: FilePlace, tmp_path: Path, name: str) -> None:
    put(place, name, name.encode(), tmp_path)
    assert get(place, name, tmp_path) == name.encode()
    path = place.root()
    *folders, last = name.split("/")
    with place.open() as files:
        for folder in folders:
            [entry] = files.browse(path)
            assert (entry.name, entry.type) == (folder, "folder")
            path = entry.path
        [entry] = files.browse(path)
    assert (entry.name, entry.type, entry.size) == (last, "file", len(name.encode()))
    assert entry.path == place.root(name)


@pytest.mark.parametrize(
    "name", ["", "/", "../up", "a/../../up", "a/./b", "a//b", "folder/", "line\nbreak", "zero\0", "x" * 1100]
)
def test_names_lead_down_only(place: FilePlace, tmp_path: Path, name: str) -> None:
    with place.open() as files, pytest.raises(DataFailed) as refused:
        files.fetch(FileName(name=name), tmp_path / "got")
    assert (refused.value.code, refused.value.field) == ("data_invalid", "file_name")
    with place.open() as files, pytest.raises(DataFailed):
        files.store(FileName(name=name), Path(__file__))


def test_a_file_is_replaced(place: FilePlace, tmp_path: Path) -> None:
    put(place, "a/file", b"old and longer", tmp_path)
    put(place, "a/file", b"new", tmp_path)
    assert get(place, "a/file", tmp_path) == b"new"


@pytest.mark.parametrize(("limit", "expected"), [(0, b""), (5, b"begin"), (1000, b"beginning and end")])
def test_the_beginning_alone_can_be_fetched(place: FilePlace, tmp_path: Path, limit: int, expected: bytes) -> None:
    put(place, "file", b"beginning and end", tmp_path)
    assert get(place, "file", tmp_path, limit_bytes=limit) == expected


def test_what_is_not_there_is_named(place: FilePlace, tmp_path: Path) -> None:
    put(place, "folder/file", b"", tmp_path)
    for name in ("nowhere.csv", "folder", "folder/file/below"):
        with place.open() as files, pytest.raises(DataFailed, match=name) as missing:
            files.fetch(FileName(name=name), tmp_path / "got")
        assert missing.value.code == "data_not_found"


def test_a_place_can_be_tried(place: FilePlace) -> None:
    with place.open() as files:
        files.test()


def test_a_place_is_browsed_in_pages(place: FilePlace, tmp_path: Path) -> None:
    for name in ("a.csv", "b/one", "b/two", "b/c/three", "d.csv", "é.csv", "患/x"):
        put(place, name, b"1", tmp_path)
    with place.open() as files:
        whole = files.browse(place.root())
        pages = [files.browse(place.root(), offset=offset, limit=2) for offset in (0, 2, 4, 6)]
        below = files.browse(place.root("b"))
    assert [(entry.name, entry.type) for entry in whole] == [
        ("a.csv", "file"),
        ("b", "folder"),
        ("d.csv", "file"),
        ("é.csv", "file"),
        ("患", "folder"),
    ]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [entry.path for page in pages for entry in page] == [entry.path for entry in whole]
    assert [(entry.name, entry.type) for entry in below] == [("c", "folder"), ("one", "file"), ("two", "file")]
    assert all(entry.modified_at and entry.modified_at.tzinfo for entry in whole if entry.type == "file")


def test_large_files_pass_in_bounded_memory(place: FilePlace, tmp_path: Path) -> None:
    large = large_file(tmp_path / "large", 200 * MIB)
    for verb, path in (("store", large), ("fetch", tmp_path / "back")):
        process = place.process(verb, "large", path)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert int(out) < 160 * MIB
    assert filecmp.cmp(large, tmp_path / "back", shallow=False)


def test_a8_an_upload_that_is_killed_leaves_nothing(place: FilePlace, tmp_path: Path) -> None:
    put(place, "before", b"old", tmp_path)
    large = large_file(tmp_path / "large", 200 * MIB)
    for name in ("before", "fresh"):
        process = place.process("store", name, large)
        eventually(place.has_begun, within=30, every=0.002)
        process.kill()
        process.communicate(timeout=30)
    assert get(place, "before", tmp_path) == b"old"
    with place.open() as files:
        assert [entry.name for entry in files.browse(place.root())] == ["before"]


def test_a8_readers_see_the_old_file_or_the_new_one(place: FilePlace, tmp_path: Path) -> None:
    versions = [tmp_path / "one", tmp_path / "two"]
    versions[0].write_bytes(b"1" * 20 * MIB)
    versions[1].write_bytes(b"2" * 33 * MIB)
    whole = {version.read_bytes() for version in versions}
    over = threading.Event()

    def write() -> None:
        with place.open() as files:
            while not over.is_set():
                for version in versions:
                    files.store(FileName(name="file"), version)

    def read(number: int) -> int:
        directory = tmp_path / str(number)
        directory.mkdir()
        seen = 0
        for _ in range(6):
            # It may be replaced so often that a reader gives up.
            with suppress(DataFailed):
                assert get(place, "file", directory) in whole
                seen += 1
        return seen

    with place.open() as files:
        files.store(FileName(name="file"), versions[0])
    with ThreadPoolExecutor(4) as pool:
        writer = pool.submit(write)
        readers = [pool.submit(read, number) for number in range(2)]
        seen = [reader.result() for reader in readers]
        over.set()
        writer.result()
    assert all(seen)
