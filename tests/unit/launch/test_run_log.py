"""The bounded log."""

from __future__ import annotations

from pathlib import Path

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
