from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gristmill.content.folder import FolderContent

MIB = 1024**2


@pytest.fixture
def content(tmp_path: Path) -> FolderContent:
    return FolderContent(tmp_path / "content")


def _read(content: FolderContent, key: str) -> bytes:
    with content.open(key) as file:
        return file.read()


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_a_file_is_taken_in_without_copying_it(content: FolderContent, tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_bytes(b"a,b\n")
    node = path.stat().st_ino

    stored = content.put_file(path)

    with content.open(stored.key) as file:
        assert os.fstat(file.fileno()).st_ino == node
    assert (stored.size, stored.sha256) == (4, hashlib.sha256(b"a,b\n").hexdigest())
    assert not path.exists()


def test_a_file_with_a_second_name_is_copied(content: FolderContent, tmp_path: Path) -> None:
    path, other = tmp_path / "result.csv", tmp_path / "other.csv"
    path.write_bytes(b"a")
    other.hardlink_to(path)

    key = content.put_file(path).key
    other.write_bytes(b"changed")

    assert _read(content, key) == b"a"


def test_a_file_of_another_file_system_is_copied(content: FolderContent) -> None:
    other = Path("/dev/shm") / f"gristmill-test-{os.getpid()}"
    other.write_bytes(b"elsewhere")
    try:
        assert _read(content, content.put_file(other).key) == b"elsewhere"
    finally:
        other.unlink(missing_ok=True)


def test_content_is_for_the_server_alone_and_read_only(content: FolderContent, tmp_path: Path) -> None:
    content.put([b"x"])

    (kept,) = _files(tmp_path / "content")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o400
    assert stat.S_IMODE((tmp_path / "content").stat().st_mode) == 0o700


def test_abandoned_drafts_are_discarded_and_young_ones_stay(content: FolderContent, tmp_path: Path) -> None:
    old, young = (tmp_path / "content" / "drafts" / name for name in ("old", "young"))
    for draft in (old, young):
        draft.write_bytes(b"half")
    os.utime(old, (0, 0))

    assert content.discard_drafts(older_than_seconds=3600) == 1

    assert (old.exists(), young.exists()) == (False, True)


# Ends itself without warning just before the n-th system call that changes the file system.
_KILLED = """
    import os, signal, sys
    from pathlib import Path
    from gristmill.content.folder import FolderContent
    root, number = Path(sys.argv[1]), int(sys.argv[2])
    calls = 0
    def watch(event, arguments):
        global calls
        if event in {"open", "os.mkdir", "os.rename", "os.chmod", "os.remove"} and str(root) in str(arguments[0]):
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
    (root / "file").write_bytes(b"b" * 200_000)
    content = FolderContent(root / "content")
    sys.addaudithook(watch)
    content.put([b"a" * 100_000] * 3)
    content.put_file(root / "file")
    print("done")
"""


def test_a_kill_at_any_step_leaves_whole_content_or_none(tmp_path: Path) -> None:
    allowed = {b"a" * 300_000, b"b" * 200_000}
    for number in range(1, 40):
        root = tmp_path / str(number)
        root.mkdir()
        command = [sys.executable, "-c", textwrap.dedent(_KILLED), str(root), str(number)]
        ended = subprocess.run(command, capture_output=True, check=False)
        kept = [path for path in _files(root / "content") if path.parent.name != "drafts"]
        assert {path.read_bytes() for path in kept} <= allowed
        if ended.stdout:
            break
        assert ended.returncode == -9, ended.stderr
    assert ended.stdout == b"done\n"
    assert number > 8
    assert {path.read_bytes() for path in kept} == allowed
