from __future__ import annotations

import io
from datetime import UTC, datetime

import httpx
import pytest
import typer
from tests.unit.cli.scripted_server import ScriptedServer, refusal

from gristmill.cli import lookup, progress, threshold
from gristmill.cli.failures import CommandFailed, Unreachable
from gristmill.cli.output import Form, Screen
from gristmill.cli.progress import Patience, pace_said
from gristmill.cli.run_ending import rows_said
from gristmill.cli.run_log import Follower
from gristmill.cli.run_state import RunPlace, judge, place_of, plain_state

PLACE = RunPlace("d", "j", "r")
JOB = {"metadata": {"id": "d"}, "entity": {"platform_job": {"job_id": "j", "run_id": "r"}}}


def answered(document: object) -> httpx.Response:
    return httpx.Response(200, json=document)


def status(state: str) -> httpx.Response:
    return answered({"entity": {"scoring": {"status": {"state": state}}}})


def run(state: str, attempt: int = 1) -> httpx.Response:
    return answered({"entity": {"job_run": {"state": state, "attempt": attempt}}})


def screen() -> tuple[Screen, io.StringIO]:
    err = io.StringIO()
    return Screen(Form.TABLE, quiet=False, out=io.StringIO(), err=err), err


def test_exit_codes_tell_how_a_run_ended() -> None:
    judge("d", "completed", None)
    with pytest.raises(CommandFailed, match=r"^Run d failed: No rows\. \[no_input\]$") as failed:
        judge("d", "failed", {"code": "no_input", "message": "No rows."})
    with pytest.raises(CommandFailed, match="canceled") as canceled:
        judge("d", "canceled", None)
    assert (failed.value.exit_code, canceled.value.exit_code) == (1, 3)


def test_both_apis_words_for_states() -> None:
    words = ["Completed", "CompletedWithWarnings", "Failed", "Canceled", "Running"]
    assert [plain_state(word) for word in words] == ["completed", "completed", "failed", "canceled", "running"]


def test_waiting_outlives_a_restart_of_the_server() -> None:
    away = httpx.ConnectError("Connection refused")
    server = ScriptedServer([status("queued"), away, away, refusal(503, "starting"), status("completed")])
    shown, err = screen()
    with server.client() as client:
        assert progress.wait(client, shown, "d")["state"] == "completed"
    lines = err.getvalue().splitlines()
    assert (lines[0], lines[-1]) == ("Run d: queued", "Run d: completed")
    assert len(lines) == 3, "being away is told once"


def test_a_refusal_ends_waiting_at_once() -> None:
    with (
        ScriptedServer([refusal(404, "There is no deployment job d.")]).client() as client,
        pytest.raises(CommandFailed, match="no deployment job"),
    ):
        progress.wait(client, screen()[0], "d")


def test_when_the_time_is_up_the_run_goes_on() -> None:
    with (
        ScriptedServer([status("running")]).client() as client,
        pytest.raises(CommandFailed, match="gristmill run wait d") as late,
    ):
        progress.wait(client, screen()[0], "d", timeout_seconds=0)
    assert late.value.exit_code == 124


def test_ctrl_c_leaves_the_run_and_says_how_to_go_on() -> None:
    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    with (
        ScriptedServer([interrupted]).client() as client,
        pytest.raises(CommandFailed, match=r"goes on.*run wait d.*run cancel d") as left,
    ):
        progress.wait(client, screen()[0], "d")
    assert left.value.exit_code == 130


def test_patience_has_an_end() -> None:
    def away() -> None:
        raise Unreachable("away")

    patience = Patience(screen()[0], seconds=0)
    assert patience.with_answer(away) is None
    with pytest.raises(Unreachable):
        patience.with_answer(away)


def test_a_log_is_followed_from_where_it_was_read_last(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    texts = [httpx.Response(200, content=content) for content in (b"one\ntwo\nthr", b"ee\n", b"again\n", b"")]
    answers = [run("Running"), texts[0], run("Running"), texts[1], run("Running", 2), texts[2], run("Completed", 2)]
    server = ScriptedServer([*answers, texts[3]])
    shown, err = screen()
    with server.client() as client:
        follower = Follower(client, shown, PLACE, tail=2)
        states = [follower.step()["state"] for _ in range(4)]

    assert states[-1] == "Completed"
    assert capfdbinary.readouterr().out == b"two\nthree\nagain\n"
    starts = [request.url.params["start"] for request in server.asked if request.url.path.endswith("/log")]
    assert starts == ["0", "11", "0", "6"]
    assert "begins again" in err.getvalue()


def test_a_run_is_found_by_either_id() -> None:
    missing = refusal(404, "no")
    jobs = answered({"results": [{"metadata": {"asset_id": "j"}}]})
    found = answered({"entity": {"job_run": {"runtime_job_id": "d"}}})
    server = ScriptedServer([missing, jobs, found, answered(JOB)])
    with server.client() as client:
        assert place_of(lookup.run(client, "s", "r")) == PLACE
    assert server.asked[1].url.params["run_id"] == "r"
    assert [request.url.path for request in server.asked][-2:] == ["/v2/jobs/j/runs/r", "/ml/v4/deployment_jobs/d"]


def test_a_run_that_is_nowhere() -> None:
    with (
        ScriptedServer([refusal(404, "There is no deployment job r.")]).client() as client,
        pytest.raises(CommandFailed, match="no deployment job r"),
    ):
        lookup.run(client, None, "r")
    with (
        ScriptedServer([refusal(404, "no"), answered({"results": []})]).client() as client,
        pytest.raises(CommandFailed, match="There is no run a/b in this space"),
    ):
        lookup.run(client, "s", "a/b")


def test_a_name_that_several_have_asks_for_an_id() -> None:
    two = [{"metadata": {"id": "1"}}, {"metadata": {"id": "2"}}]
    with (
        ScriptedServer([answered({"resources": two})]).client() as client,
        pytest.raises(CommandFailed, match=r"more than one space named n; give the id: 1, 2"),
    ):
        lookup.space(client, "n")
    with ScriptedServer([]).client() as client:
        identifier = "3663b12c-445b-4e3b-8880-ab89b6b9deb6"
        assert lookup.space(client, identifier) == identifier


def test_how_fast_a_run_goes_is_said_as_far_as_it_is_known() -> None:
    now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    assert pace_said({"rows_done": 1}, now=now) == ""
    told = {"rows_per_second": 12_345.6, "estimated_end": "2026-11-22T09:01:30+00:00", "rows_rejected": 2}
    assert pace_said(told, now=now) == "12,346 rows/s, 0:01:30 left, 2 rejected"
    assert pace_said({**told, "estimated_end": "2026-11-22T08:00:00+00:00"}, now=now).split(", ")[1] == "0:00:00 left"


def test_what_became_of_the_rows_is_said_without_what_there_is_none_of() -> None:
    rows = {"read": 1_000, "scored": 1_000, "rejected": 0, "not_attempted": 0}
    assert rows_said(rows) == "1,000 rows: 1,000 scored."
    rows = {"read": 1_000, "scored": 7, "rejected": 3, "not_attempted": 990}
    assert rows_said(rows) == "1,000 rows: 7 scored, 3 rejected, 990 not attempted."


def test_the_error_threshold_is_sent_as_it_is_meant() -> None:
    given = (None, "0", "5", "0.02", "2 %", " 7 ")
    assert [threshold.wire(each) for each in given] == [None, 0, 5, 0.02, "2 %", 7]
    for wrong in ("many", "-1", "1.5", "101 %"):
        with pytest.raises(typer.BadParameter, match="neither a whole number of rows"):
            threshold.wire(wrong)
