"""The command line, as its users have it: one story against a real server, each command a process of its own."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests.acceptance.server import API_KEY, Server, environment
from tests.make import eventually

from gristmill.settings import Settings

SECONDS = 60.0
FUNCTION = """
import os
import time
from pathlib import Path

def score(payload):
    rows = payload["input_data"][0]["values"]
    print("I wait for", os.environ.get("WAIT_FOR"))
    while "WAIT_FOR" in os.environ and not Path(os.environ["WAIT_FOR"]).exists():
        time.sleep(0.02)
    if rows == [["bad"]]:
        raise ValueError("this row is bad")
    print("I am done")
    return {"predictions": [{"fields": ["n"], "values": [[len(rows)]]}]}
"""


@dataclass(frozen=True)
class User:
    """Somebody at a shell, in a directory of their own."""

    home: Path
    given: Mapping[str, str]

    def start(self, *arguments: str, **streams: int) -> subprocess.Popen[str]:
        """Start a command and leave it at work."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        command = [sys.executable, "-m", "gristmill", *arguments]
        found = environment({"GRISTMILL_CONFIG_DIR": str(self.home / "config"), **self.given})
        return subprocess.Popen(command, cwd=self.home, env=found, text=True, **pipes)  # type: ignore[call-overload,no-any-return]

    def ran(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        process = self.start(*arguments)
        out, err = process.communicate(given, timeout=SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def does(self, *arguments: str, given: str = "") -> str:
        """Run a command that succeeds; return what it printed."""
        ended = self.ran(*arguments, given=given)
        assert ended.returncode == 0, f"{arguments}: {ended.returncode} {ended.stdout} {ended.stderr}"
        return ended.stdout

    def id(self, *arguments: str) -> str:
        """Run a command that succeeds; return the one id that it gives."""
        return self.does(*arguments, "--output", "ids").strip()

    def row(self, *arguments: str) -> dict[str, str]:
        """Run a command that shows one thing; return its members by their titles."""
        lines = self.does(*arguments).splitlines()
        pairs = [line.split("  ", 1) for line in lines]
        return {title.strip(): value.strip() for title, value in pairs}


@pytest.fixture(scope="module")
def user(server: Server, tmp_path_factory: pytest.TempPathFactory) -> User:
    """A user who has logged in, and has a space with a model and a function that are deployed."""
    home = tmp_path_factory.mktemp("home")
    made = User(home, {})
    made.does("login", "--url", server.url, "--ca", str(server.ca), "--api-key", "-", given=f"{API_KEY}\n")
    made.does("space", "create", "patients")
    made.does("space", "use", "patients")
    inputs, labels = np.array([[0, 1], [1, 0], [2, 1], [3, 0]]), np.array([0, 0, 1, 1])
    joblib.dump(LogisticRegression().fit(inputs, labels), home / "threshold.joblib")
    schema = [{"name": "a", "type": "double"}, {"name": "b", "type": "double"}]
    (home / "schema.json").write_text(json.dumps(schema))
    made.does("asset", "store-model", "threshold.joblib", "--type", "scikit-learn_1.9", "--schema", "schema.json")
    (home / "count.py").write_text(FUNCTION)
    made.does("asset", "store-function", "count.py")
    made.does("deployment", "create", "threshold", "--name", "a model", "--max-running", "1")
    made.does("deployment", "create", "count", "--name", "a function")
    return made


def test_a_login_is_proven_kept_and_forgotten(server: Server, tmp_path: Path) -> None:
    user = User(tmp_path, {})
    ended = user.ran("login", "--url", server.url, "--api-key", API_KEY)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith(f"gristmill: The certificate of {server.url} is not trusted")
    assert "--ca" in ended.stderr
    ended = user.ran("login", "--url", server.url, "--api-key", "wrong", "--ca", str(server.ca))
    assert (ended.returncode, "do not belong together" in ended.stderr) == (1, True)
    assert not (tmp_path / "config").exists()

    assert "You are admin" in user.does("login", "--url", server.url, "--api-key", API_KEY, "--ca", str(server.ca))
    assert stat.S_IMODE((tmp_path / "config" / "profile.json").stat().st_mode) == 0o600
    user.does("space", "list")
    user.does("logout")
    ended = user.ran("space", "list")
    assert (ended.returncode, "not logged in" in ended.stderr) == (1, True)

    in_ci = {"GRISTMILL_URL": server.url, "GRISTMILL_API_KEY": API_KEY, "GRISTMILL_CA": str(server.ca)}
    assert "NAME" in User(tmp_path, in_ci).does("space", "list")
    assert set(in_ci).isdisjoint(f"GRISTMILL_{name.upper()}" for name in Settings.model_fields)


def test_rows_are_scored_inline(user: User) -> None:
    ended = user.ran("job", "run", "a model", "--fields", "a,b", "--data", "[[0, 1], [3, 0]]")
    assert ended.returncode == 0, ended.stderr
    title, *rows = ended.stdout.splitlines()
    assert title.split() == ["prediction", "probability"]
    assert [row.split()[0] for row in rows] == ["0", "1"]
    *_, ending, rows_told = ended.stderr.splitlines()
    assert ending.endswith(": completed")
    assert rows_told == "2 rows: 2 scored."

    document = json.loads(
        user.does("job", "run", "a model", "--input-json", "-", "--output", "json", given='{"values": [[3, 0]]}')
    )
    assert document["entity"]["scoring"]["predictions"][0]["values"][0][0] == 1
    ended = user.ran("job", "run", "a model", "--data", '[[0, 1], [3, "x"]]')
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("gristmill: scoring.input_data[0].values: row 2")


def test_code_in_r_gets_the_newest_specification_of_r_unasked(user: User) -> None:
    (user.home / "hello.R").write_text("cat('hello\\n')\n")
    kernel = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    (user.home / "hello.ipynb").write_text(json.dumps({"nbformat": 4, "metadata": kernel, "cells": []}))
    for noun, file in (("script", "hello.R"), ("notebook", "hello.ipynb")):
        stored = json.loads(user.does("asset", f"store-{noun}", file, "--output", "json"))
        assert stored["entity"][noun]["software_spec"]["name"] == "runtime-25.1-r4.4"
    (user.home / "hello.py").write_text("print('hello')\n")
    stored = json.loads(user.does("asset", "store-script", "hello.py", "--output", "json"))
    assert stored["entity"]["script"]["software_spec"]["name"].startswith("gristmill-py3")


def test_a_table_is_scored_into_a_data_asset(user: User) -> None:
    (user.home / "table.csv").write_text("a,b\n" + "".join(f"{row % 4},{row % 2}\n" for row in range(1000)))
    user.does("asset", "upload", "table.csv")
    shown = user.row("job", "run", "a model", "--input", "table.csv", "--output-name", "scored.csv", "--quiet")
    assert (shown["STATE"], shown["ROWS"], shown["RESULT"]) == ("completed", "1000", "scored.csv")
    told = user.ran("asset", "uses", shown["RESULT ID"])
    assert (told.returncode, "made it" in told.stderr) == (0, True)
    assert "a model" in user.does("asset", "uses", "threshold")
    assert "WHY IT WAITS" in user.does("deployment", "queue", "a model")
    user.does("asset", "download", shown["RESULT ID"], "-o", "here.csv")
    scored = list(csv.DictReader(io.StringIO((user.home / "here.csv").read_text())))
    assert [row["prediction"] for row in scored[:4]] == ["0", "0", "1", "1"]
    assert user.does("asset", "download", "table.csv", "-o", "-") == (user.home / "table.csv").read_text()
    user.does("asset", "delete", "scored.csv")
    assert "scored.csv" not in user.does("asset", "list", "--type", "data")
    assert "scored.csv" in user.does("asset", "trash")
    user.does("asset", "restore", "scored.csv")
    assert "scored.csv" in user.does("asset", "list", "--type", "data")
    assert "scored.csv" not in user.does("asset", "trash")


def test_a_place_that_cannot_be_written_to_is_told_in_one_line(server: Server, user: User) -> None:
    (user.home / "taken").touch()
    login = ("login", "--url", server.url, "--ca", str(server.ca), "--api-key", API_KEY)
    told = {
        "The login cannot be kept in taken": User(user.home, {"GRISTMILL_CONFIG_DIR": "taken"}).ran(*login),
        ". is a directory; name a file in it.": user.ran("asset", "download", "count", "-o", "."),
        "missing/.a.zip.draft: No such file": user.ran("space", "export", "patients", "-f", "missing/a.zip"),
    }
    for said, ended in told.items():
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
        assert ended.stderr.startswith(f"gristmill: {said}")


def test_the_first_rows_of_a_data_asset_are_shown(user: User) -> None:
    (user.home / "rooms.csv").write_text("room,beds\nblue,2\ngreen,3\n", encoding="utf-8")
    user.does("asset", "upload", "rooms.csv")
    shown = user.ran("asset", "preview", "rooms.csv", "--rows", "1")
    assert shown.stdout.split() == ["room", "(string)", "beds", "(int64)", "blue", "2"]
    assert "rooms.csv: 2 rows, 2 columns, 25 bytes." in shown.stderr
    assert json.loads(user.does("asset", "preview", "rooms.csv", "--output", "json"))["row_count"] == 2


def test_a_log_is_read_while_it_is_written(user: User) -> None:
    go_on = user.home / "go on"
    run = user.id("job", "run", "a function", "--data", "[[1], [2]]", "--env", f"WAIT_FOR={go_on}", "--no-wait")
    following = user.start("run", "logs", run, "-f")
    assert following.stdout is not None
    assert following.stdout.readline() == f"I wait for {go_on}\n"
    assert user.row("run", "show", run)["STATE"] == "running"
    go_on.touch()
    assert following.communicate(timeout=SECONDS) == ("I am done\n", "")
    assert following.returncode == 0
    assert user.does("run", "wait", run, "-q").split() == ["n", "2"]
    assert user.does("run", "logs", run, "--tail", "1") == "I am done\n"


def test_a_run_that_fails_ends_with_one_its_log_and_the_cause(user: User) -> None:
    ended = user.ran("job", "run", "a function", "--data", '[["bad"]]')
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "  I wait for None" in ended.stderr.splitlines()
    assert "this row is bad" in ended.stderr.splitlines()[-1]
    assert ended.stderr.splitlines()[-1].startswith("gristmill: Run ")
    run = user.id("run", "list", "--state", "failed", "--deployment", "a function")
    assert user.ran("run", "wait", run).returncode == 1
    assert user.ran("run", "logs", run, "-f").returncode == 1


def test_a_run_is_canceled_by_either_of_its_ids(user: User) -> None:
    never = f"WAIT_FOR={user.home / 'never'}"
    run = user.id("job", "run", "a function", "--data", "[[1]]", "--env", never, "--no-wait")
    waiting = user.start("run", "wait", run)
    user.does("run", "cancel", user.row("run", "show", run)["RUN"])
    _, err = waiting.communicate(timeout=SECONDS)
    assert (waiting.returncode, err.splitlines()[-1]) == (3, f"gristmill: Run {run} was canceled.")
    ended = user.ran("run", "cancel", run)
    assert (ended.returncode, ended.stderr) == (1, "gristmill: The run is canceled already.\n")
    job = user.row("run", "show", run)["JOB"]
    assert run in user.does("run", "list", "--job", job, "--state", "canceled")
    user.does("run", "delete", run)
    assert user.ran("run", "show", run).returncode == 1


def test_a_run_that_waits_says_why(user: User) -> None:
    submit = ("job", "run", "a function", "--data", "[[1]]", "--env", f"WAIT_FOR={user.home / 'nothing'}", "--no-wait")
    runs = [user.id(*submit) for _ in range(3)]
    eventually(lambda: user.row("run", "show", runs[-1]).get("PLACE") == "1", within=20)
    shown = user.row("run", "show", runs[-1])
    assert (shown["STATE"], bool(shown["WAITS"])) == ("queued", True)
    for run in runs:
        user.does("run", "delete", run)


def test_ctrl_c_leaves_a_run_at_work_and_says_how_to_go_on(user: User) -> None:
    go_on = user.home / "after ctrl-c"
    arguments = ("job", "run", "a function", "--data", "[[1]]", "--env", f"WAIT_FOR={go_on}")
    waiting = user.start(*arguments)
    assert waiting.stderr is not None
    run = waiting.stderr.readline().split()[1].rstrip(":")
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=SECONDS)
    assert waiting.returncode == 130
    assert f"gristmill run wait {run}" in err.splitlines()[-1]
    ended = user.ran("run", "wait", run, "--timeout", "0")
    assert ended.returncode == 124
    go_on.touch()
    user.does("run", "wait", run)


def test_on_a_terminal_waiting_shows_a_bar(user: User) -> None:
    shown, terminal = pty.openpty()
    with user.start("job", "run", "a function", "--data", "[[1]]", stdout=terminal, stderr=terminal) as waiting:
        os.close(terminal)
        seen = b"".join(_blocks(shown)).decode()
    assert waiting.returncode == 0
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" in seen
    assert "completed" in seen
    assert seen.split()[-5:] == ["1", "1", "row:", "1", "scored."]


def test_a_secret_is_asked_for_and_neither_shown_nor_on_the_command_line(user: User) -> None:
    (user.home / "secretive.py").write_text("import os\nprint('I know', len(os.environ['PASSWORD']), 'letters')\n")
    user.does("asset", "store-script", "secretive.py")
    shown, terminal = pty.openpty()
    arguments = ("job", "create", "secretive", "--asset", "secretive.py", "--secret", "PASSWORD", "-q")
    # Without a terminal of its own: the prompt would be that of whoever runs the tests.
    asked = user.start(*arguments, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    seen = b""
    while b"PASSWORD: " not in seen:
        seen += os.read(shown, 1024)
    os.write(shown, b"open sesame\n")
    seen += b"".join(_blocks(shown))
    assert asked.wait(SECONDS) == 0, seen
    assert b"secretive" in seen
    assert b"open sesame" not in seen
    assert user.does("job", "start", "secretive", "--follow") == "I know 11 letters\n"
    ended = user.ran("job", "create", "another", "--asset", "secretive.py", "--secret", "PASSWORD")
    assert (ended.returncode, "set the variable PASSWORD here" in ended.stderr) == (1, True)


def test_members_keys_and_the_credential(user: User) -> None:
    assert "admin" in user.does("space", "members", "list")
    ended = user.ran("space", "members", "add", "nobody", "--role", "editor")
    assert (ended.returncode, "There is no user 'nobody'" in ended.stderr) == (1, True)
    made = user.row("key", "create", "for a program")
    other = User(user.home / "elsewhere", {**_login(user), "GRISTMILL_API_KEY": made["API KEY"]})
    other.home.mkdir()
    assert "patients" in other.does("space", "list")
    user.does("key", "revoke", made["ID"])
    assert other.ran("space", "list").returncode == 1
    user.does("credential", "delete")
    assert "task credential" in user.ran("job", "run", "a function", "--data", "[[1]]").stderr
    user.does("credential", "create")
    assert user.row("credential", "show")["STATUS"] == "active"


def test_what_cannot_be_stored_leaves_nothing_behind(user: User) -> None:
    before = user.does("asset", "list", "--output", "ids")
    (user.home / "broken.py").write_text("def score(:\n")
    ended = user.ran("asset", "store-function", "broken.py")
    assert (ended.returncode, "line 1" in ended.stderr) == (1, True)
    (user.home / "text.joblib").write_text("no pickle")
    assert user.ran("asset", "store-model", "text.joblib", "--type", "scikit-learn_1.9").returncode == 1
    assert user.does("asset", "list", "--output", "ids") == before


def test_a_function_a_model_and_a_script_come_back_as_they_went(user: User) -> None:
    user.does("asset", "download", "count", "-o", "back.py")
    assert (user.home / "back.py").read_text() == FUNCTION
    user.does("asset", "download", "threshold", "-o", "back.joblib")
    assert (user.home / "back.joblib").read_bytes() == (user.home / "threshold.joblib").read_bytes()
    script = "import os\nfrom pathlib import Path\n(Path(os.environ['BATCH_OUTPUT_DIR']) / 'k').write_text('x')\n"
    (user.home / "script.py").write_text(script)
    user.does("asset", "store-script", "script.py")
    assert user.does("asset", "download", "script.py", "-o", "-") == script
    user.does("deployment", "create", "script.py", "--name", "a script")
    assert user.row("job", "run", "a script", "--output-name", "k.zip")["STATE"] == "completed"


def test_deployments_are_changed_and_taken_down(user: User) -> None:
    user.does("deployment", "create", "count", "--name", "short-lived")
    changed = user.row("deployment", "update", "short-lived", "--max-running", "7", "--hardware", "M")
    assert (changed["MAX RUNNING"], changed["HARDWARE"]) == ("7", "M")
    assert "default job - short-lived" in user.does("job", "list")
    user.does("deployment", "delete", "short-lived")
    assert user.ran("deployment", "show", "short-lived").stderr == (
        "gristmill: There is no deployment named short-lived in this space.\n"
    )


def test_a_space_goes_to_another_as_a_file(user: User) -> None:
    here = user.id("space", "create", "to be moved")
    (user.home / "moved.py").write_text("print('moved')\n")
    user.does("asset", "store-script", "moved.py", "--space", here)
    user.does("job", "create", "moves too", "--asset", "moved.py", "--cron", "0 3 * * *", "--space", here)
    user.does("space", "export", here, "-f", "moved.zip")
    again = user.ran("space", "export", here, "-f", "moved.zip")
    assert (again.returncode, "already" in again.stderr) == (1, True)
    there = user.id("space", "create", "moved to")
    moved = user.ran("space", "import", there, "moved.zip", "--output", "json")
    assert moved.returncode == 0, moved.stderr
    assert json.loads(moved.stdout)["entity"]["summary"]["made"] == {"jobs": 1}
    assert "moves too: its schedule is paused" in moved.stderr
    assert "moves too" in user.does("job", "list", "--space", there)
    assert list(user.home.glob(".moved*")) == []


def test_a_space_is_deleted_with_consent_only(user: User) -> None:
    space = user.id("space", "create", "to be deleted")
    assert user.ran("space", "delete", "to be deleted").returncode == 1
    user.does("space", "delete", "to be deleted", "--yes")
    eventually(lambda: space not in user.does("space", "list"), within=30)


def _login(user: User) -> dict[str, str]:
    kept = json.loads((user.home / "config" / "profile.json").read_text())
    return {"GRISTMILL_URL": kept["url"], "GRISTMILL_CA": kept["ca"]}


def _blocks(descriptor: int) -> Sequence[bytes]:
    """Read a terminal until nobody writes to it any more."""
    found: list[bytes] = []
    while True:
        try:
            block = os.read(descriptor, 65536)
        except OSError:
            block = b""
        if not block:
            os.close(descriptor)
            return found
        found.append(block)
