"""Unpacking: what is laid down, and that nothing is ever written outside."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.assets import wire

from gristmill.domain.errors import Invalid
from gristmill.service.archives import Packing, members, packing_of, unpack
from gristmill.service.context import Limits

LIMITS = Limits()


def _unpacked(content: bytes, target: Path, *, name: str = "file", limits: Limits = LIMITS) -> dict[str, bytes]:
    unpack(io.BytesIO(content), target, name=name, limits=limits)
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


FILES = {"a.txt": b"a", "d/b.bin": bytes(3_000_000), "d/e/c": b""}


@pytest.mark.parametrize("pack", [wire.tar_gz, wire.zipped])
def test_archives_are_laid_out(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    assert _unpacked(pack(FILES), tmp_path / "x") == FILES
    assert all(path.stat().st_mode & 0o111 == 0 for path in (tmp_path / "x").rglob("*") if path.is_file())


def test_a_plain_file_stays_one(tmp_path: Path) -> None:
    assert _unpacked(b"hello", tmp_path / "a", name="../x/model.onnx") == {"model.onnx": b"hello"}
    assert _unpacked(gzip.compress(b"code"), tmp_path / "b", name="code.py.gz") == {"code.py": b"code"}
    assert _unpacked(b"", tmp_path / "c", name="..") == {"content": b""}
    torch = wire.zipped({"archive/data.pkl": b"x", "archive/version": b"3"})
    assert _unpacked(torch, tmp_path / "d", name="model.pt") == {"model.pt": torch}


def test_links_inside_become_copies(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("d/a")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"abc"))
        for name, target, kind in (
            ("d/s", "a", tarfile.SYMTYPE),
            ("h", "d/a", tarfile.LNKTYPE),
            ("t", "h", tarfile.SYMTYPE),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    assert _unpacked(buffer.getvalue(), tmp_path / "x") == dict.fromkeys(("d/a", "d/s", "h", "t"), b"abc")
    assert not any(path.is_symlink() for path in (tmp_path / "x").rglob("*"))


def test_many_links_to_one_file_count_each_time(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("a")
        entry.size = 1_000
        archive.addfile(entry, io.BytesIO(bytes(1_000)))
        for number in range(20):
            link = tarfile.TarInfo(f"l{number}")
            link.type, link.linkname = tarfile.LNKTYPE, "a"
            archive.addfile(link)
    with pytest.raises(Invalid, match="more than 10000 bytes"):
        _unpacked(buffer.getvalue(), tmp_path / "x", limits=Limits(archive_bytes=10_000))


def test_an_archive_with_too_many_files_is_refused(tmp_path: Path) -> None:
    content = wire.tar_gz({str(number): b"" for number in range(11)})
    with pytest.raises(Invalid, match="more than 10 files"):
        _unpacked(content, tmp_path / "x", limits=Limits(archive_files=10))


def test_a_huge_header_is_not_read_into_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 2 * 1024**2
    content = gzip.compress(header.tobuf(tarfile.USTAR_FORMAT) + bytes(2 * 1024**2) + bytes(1_024))
    with pytest.raises(Invalid, match="header"):
        _unpacked(content, tmp_path / "x")


def test_an_encrypted_or_linked_zip_member_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(Invalid, match="link or device"):
        _unpacked(buffer.getvalue(), tmp_path / "x")
    encrypted = bytearray(wire.zipped({"a": b"x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(signature) + offset] |= 1
    with pytest.raises(Invalid, match="encrypted"):
        _unpacked(bytes(encrypted), tmp_path / "y")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["tar", "zip"]), st.integers(0, 2**32), st.integers(1, 8))
def test_a_damaged_archive_is_refused_or_read_but_never_breaks_the_reader(form: str, seed: int, damages: int) -> None:
    source = random.Random(seed)
    content = bytearray(
        (wire.tar_gz if form == "tar" else wire.zipped)({"a/b": source.randbytes(500), "c": b"x" * 500})
    )
    for _ in range(damages):
        content[source.randrange(len(content))] = source.randrange(256)
    content = content[: source.randrange(1, len(content) + 1)]
    # Anything but this refusal would be a fault of the server's.
    with suppress(Invalid):
        for member in members(io.BytesIO(bytes(content)), limits=LIMITS):
            assert member.stream is None or len(member.stream.read(100)) <= 100


def test_packings() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    for content, packing in (
        (packed.getvalue(), Packing.TAR),
        (gzip.compress(packed.getvalue()), Packing.TAR_GZIP),
        (gzip.compress(b"x"), Packing.GZIP),
        (wire.zipped({"a": b""}), Packing.ZIP),
        (b"PK\x03\x04 broken", Packing.ZIP),
        (b"x", Packing.PLAIN),
    ):
        assert packing_of(io.BytesIO(content)) is packing


def _of_many(files: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(files):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    return packed.getvalue()


MANY = _of_many(1_000)
_END_64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
_LOCATOR = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
LONG_DIRECTORIES = {
    "as it is": MANY,
    "after something else": b"PK\x03\x04" + bytes(5_000) + MANY,
    "says that it has one file": MANY[:-14] + struct.pack("<2H", 1, 1) + MANY[-10:],
    "says that it is longer than memory": MANY[:-10] + struct.pack("<L", 2**32 - 2) + MANY[-6:],
    "says so in 64 bits": MANY[:-22] + _END_64 + _LOCATOR + MANY[-22:],
    "has another end in its end": MANY[:-6] + b"PK\x05\x06" + MANY[-2:],
    "has a comment": MANY[:-2] + struct.pack("<H", 5) + b"hello",
}


@pytest.mark.parametrize("name", LONG_DIRECTORIES)
def test_a_zips_directory_is_not_read_into_memory_unless_it_is_of_few_files(name: str) -> None:
    limits = Limits(archive_files=100)
    with pytest.raises(Invalid) as refused:
        next(members(io.BytesIO(LONG_DIRECTORIES[name]), limits=limits))
    assert refused.value.code == "archive_too_large"


def test_a_zip_of_as_many_files_as_may_be_is_read() -> None:
    limits = Limits(archive_files=1_000)
    for content in (MANY, LONG_DIRECTORIES["has a comment"], LONG_DIRECTORIES["after something else"]):
        assert len(list(members(io.BytesIO(content), limits=limits))) == 1_000
