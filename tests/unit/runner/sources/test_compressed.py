"""Compressed files and archives: read as a stream, in bounded memory, whole or not at all."""

from __future__ import annotations

import bz2
import gzip
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.runner.sources.reading import Place

from gristmill_runner.failure import RunFailed

ROWS = [[str(number), f"Zoë {number}"] for number in range(2000)]
TEXT = "n,name\n" + "".join(f"{n},{name}\n" for n, name in ROWS)


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


COMPRESSIONS = pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, zstd])


@COMPRESSIONS
@pytest.mark.parametrize("size", [100, 5000, 2**20])
@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz"])
def test_compression_is_told_by_the_first_bytes(
    tmp_path: Path, compress: Callable[[bytes], bytes], size: int, name: str
) -> None:
    half = len(TEXT) // 2
    content = compress(TEXT[:half].encode()) + compress(TEXT[half:].encode())
    place = Place(tmp_path).file(name, content)
    read = place.read(size)
    assert (read.names, read.rows) == (["n", "name"], ROWS)
    middle = read.blocks[len(read.blocks) // 2].mark
    assert place.read(size, after=middle).rows == ROWS[read.totals[middle] :]


@COMPRESSIONS
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_how_far_one_is_counts_in_bytes_of_the_file(
    tmp_path: Path, compress: Callable[[bytes], bytes], encoding: str
) -> None:
    lines = "".join(f"{number},{number * 7919 % 10_007}\n" for number in range(100_000))
    content = compress(f"n,x\n{lines}".encode(encoding))
    place = Place(tmp_path).file("in.csv", content)
    reached = [block.reached for block in place.read(2**16).blocks]
    assert place.sources()[0].file_bytes == len(content)
    assert reached == sorted(reached)  # type: ignore[type-var]
    assert (reached[-1], len(set(reached)) > 1) == (len(content), True)


@COMPRESSIONS
def test_cut_short_is_told(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    content = compress(TEXT.encode())
    with pytest.raises(RunFailed, match=r"in\.csv cannot be decompressed") as caught:
        Place(tmp_path).file("in.csv", content[: len(content) // 2]).read(100)
    assert caught.value.code == "input_unreadable"


def test_lines_of_json_and_other_encodings_are_compressed_too(tmp_path: Path) -> None:
    place = Place(tmp_path).file("a.jsonl.gz", gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    place.file("b.csv.gz", gzip.compress("x\nZoë\n".encode("utf-16"))).file("c.json.gz", gzip.compress(b'[{"a": 3}]'))
    assert [read.rows for read in place.read_all(3)] == [[[1], [2]], [["Zoë"]], [[3]]]


def zipped(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), sink)
    return sink.getvalue()


def test_each_member_of_an_archive_is_an_input(tmp_path: Path) -> None:
    members = {
        "b/one.csv": b"x\n1\n2\n",
        "a.csv": b"x\n3\n",
        "__MACOSX/a.csv": b"junk",
        ".DS_Store": b"junk",
        "../up.csv": b"x\n9\n",
        "/root.csv": b"x\n9\n",
        "dir/": b"",
        "c.jsonl": b'{"x": 4}\n',
        "d.json": b'{"input_data": [{"fields": ["x"], "values": [[5]]}]}',
        "e.parquet": parquet(),
        "f.csv.gz": gzip.compress(b"x\n6\n"),
    }
    place = Place(tmp_path).file("in.zip", zipped({k: v for k, v in members.items() if not k.startswith("..")}))
    reads = place.read_all(3)
    assert [read.rows for read in reads] == [[["1"], ["2"]], [["3"]], [[4]], [[5]], [[1], [2]], [["6"]]]
    assert [source.name for source in place.sources()][:2] == ["in.zip/b/one.csv", "in.zip/a.csv"]
    assert [block.source for read in reads for block in read.blocks] == sorted(
        block.source for read in reads for block in read.blocks
    )


def test_unsafe_names_are_ignored(tmp_path: Path) -> None:
    names = ["../up.csv", "/root.csv", "c:\\x.csv", "a\\..\\b.csv", "a/../../b.csv"]
    place = Place(tmp_path).file("in.zip", zipped({**dict.fromkeys(names, b"x\n9\n"), "good.csv": b"x\n1\n"}))
    assert [read.rows for read in place.read_all()] == [[["1"]]]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (zipped({"in.zip": b""}), "input_unreadable", "in.zip holds another archive, in.zip"),
        (zipped({"x.tar.gz": b""}), "input_unreadable", "holds another archive"),
        (zipped({".hidden": b""}), "no_input", "in.zip holds no file"),
        (zipped({"x.bin": b""}), "unsupported_format", "in.zip/x.bin: a member's name has to tell its format"),
        (b"nothing", "input_unreadable", "in.zip is not a zip archive"),
    ],
)
def test_archives_that_are_refused(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    with pytest.raises(RunFailed, match=words) as caught:
        Place(tmp_path).file("in.zip", content).sources()
    assert caught.value.code == code


def test_member_that_is_damaged_is_told(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": TEXT.encode()}))
    content[len(content) // 3] ^= 255
    with pytest.raises(RunFailed, match=r"in\.zip/a\.csv cannot be unpacked"):
        Place(tmp_path).file("in.zip", bytes(content)).read(1000)


_STREAM = """
import gzip, resource, sys
from pathlib import Path
from gristmill_runner.sources.of_run import sources

directory = Path(sys.argv[1])
(directory / "scratch").mkdir()
[source] = sources(directory, {"files": [{"path": "in.csv.gz", "name": "in.csv.gz"}]})
before, rows = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
for block in source.blocks(directory / "scratch"):
    rows += source.parse(block).rows
    block.path.unlink()
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a6_larger_than_the_memory_that_it_takes(tmp_path: Path) -> None:
    row = b"1,2.5,some text that says the same again and again\n" * 20_000
    with gzip.open(tmp_path / "in.csv.gz", "wb", compresslevel=1) as file:
        file.write(b"a,b,c\n")
        for _ in range(150):
            file.write(row)
    command = [sys.executable, "-c", _STREAM, str(tmp_path)]
    rows, grown = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert rows == 3_000_000  # 153 MB
    assert grown < 120
