"""The bounded log."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.disk import own_disk

from gristmill.launch.run_log import RunLog


def test_log_holds_what_came_until_the_bound(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.log", 10)
    for piece in (b"1234", b"5678", b"9012", b"3456"):
        log.write(piece)
    log.close()
    assert (tmp_path / "run.log").read_bytes() == b"1234567890\n[the log ends here: it reached 10 bytes]\n"


def test_log_of_an_earlier_attempt_counts(tmp_path: Path) -> None:
    for piece in (b"123456", b"78901"):
        log = RunLog(tmp_path / "run.log", 8)
        log.write(piece)
        log.close()
    assert (tmp_path / "run.log").read_bytes().startswith(b"12345678\n[")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_secrets_are_masked_whatever_the_pieces(tmp_path: Path, size: int) -> None:
    token, password = "eyJhbGciOi.abc-_9", "p@ss wörd"
    forms = [password, base64.b64encode(password.encode()).decode(), quote(password, safe=""), token]
    said = " | ".join(forms).encode() + b" | p@ss the end p@s"
    log = RunLog(tmp_path / "run.log", 10_000, [token, password, "abc", ""])
    for start in range(0, len(said), size):
        log.write(said[start : start + size])
    log.close()
    found = (tmp_path / "run.log").read_bytes()
    assert b"wrd" not in found
    assert found == b"**** | ****== | **** | **** | p@ss the end p@s"


def test_what_cannot_be_a_secret_is_written_at_once(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.log", 10_000, ["secret"])
    log.write(b"I wait for a file\n")
    assert (tmp_path / "run.log").read_bytes() == b"I wait for a file\n"
    log.write(b"half a sec")
    assert (tmp_path / "run.log").read_bytes() == b"I wait for a file\nhalf a "
    log.write(b"ond\n")
    assert (tmp_path / "run.log").read_bytes().endswith(b"half a second\n")
    log.close()


def test_log_says_what_a_full_disk_did_not_take(tmp_path: Path) -> None:
    with own_disk(tmp_path / "d") as disk:
        if disk.missing:
            pytest.skip(disk.missing)
        log = RunLog(tmp_path / "d/run.log", 10**6)
        log.write(b"before\n")
        disk.fill()
        log.write(b"x" * 10_000)
        disk.clear()
        log.write(b"after\n")
        log.close()
        said = (tmp_path / "d/run.log").read_bytes()
    before, _, after = said.partition(b"\n[")
    assert before.rstrip(b"x") == b"before\n"
    missing = 10_000 - before.count(b"x")
    assert after == b"%d bytes are missing: the disk was full]\nafter\n" % missing
