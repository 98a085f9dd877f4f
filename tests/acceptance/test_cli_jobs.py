"""The command line for jobs, schedules and people, against a real server; commands run in this process, to be quick."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.rest import Json, Rest
from tests.acceptance.server import API_KEY, Server, running
from tests.conformance.sinks import MailSink, mail_sink
from tests.make import eventually
from typer.testing import CliRunner, Result

from gristmill.cli.main import application
from gristmill.domain.schedule_wire import of_wire

SCRIPT = """
import os
from pathlib import Path

print("I am", os.environ.get("WHO"), "with", len(os.environ.get("PASSWORD", "")), "secret letters")
assert os.environ.get("WHO") != "nobody", "I will not be nobody"
for path in Path(os.environ["BATCH_INPUT_DIR"]).rglob("*.csv"):
    Path(os.environ["BATCH_OUTPUT_DIR"], "copy.csv").write_text(path.read_text())
"""
FUNCTION = """
def score(payload):
    rows = payload["input_data"][0]["values"]
    return {"predictions": [{"fields": ["n"], "values": [[len(rows)]]}]}
"""


@dataclass(frozen=True)
class Shell:
    """Somebody who is logged in by the environment, with files of their own."""

    environment: dict[str, str | None]

    def ran(self, *arguments: str, given: str | None = None, **variables: str) -> Result:
        """Run a command to its end, whatever that is."""
        wanted = {**self.environment, **variables}
        return CliRunner().invoke(application, arguments, input=given, env=wanted, prog_name="gristmill")

    def does(self, *arguments: str, given: str | None = None, **variables: str) -> str:
        """Run a command that succeeds; return what it printed."""
        ended = self.ran(*arguments, given=given, **variables)
        assert ended.exit_code == 0, f"{arguments}: {ended.exit_code} {ended.output} {ended.exception}"
        return ended.stdout

    def id(self, *arguments: str, **variables: str) -> str:
        """Run a command that succeeds; return the one id that it gives."""
        return self.does(*arguments, "--output", "ids", **variables).strip()

    def document(self, *arguments: str, **variables: str) -> Any:
        """Run a command that succeeds; return the server's document."""
        return json.loads(self.does(*arguments, "--output", "json", **variables))

    def row(self, *arguments: str, **variables: str) -> dict[str, str]:
        """Run a command that shows one thing; return its members by their titles."""
        pairs = [line.split("  ", 1) for line in self.does(*arguments, **variables).splitlines()]
        return {title.strip(): value.strip() for title, value in pairs}


@pytest.fixture(scope="module")
def mails() -> Iterator[MailSink]:
    """The mail server that the server sends by."""
    with mail_sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def server(mails: MailSink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that can send e-mail."""
    mail_server = f"smtp://127.0.0.1:{mails.port}"
    with running(tmp_path_factory.mktemp("server") / "data", smtp_url=mail_server) as started:
        yield started


@pytest.fixture(scope="module")
def shell(server: Server, rest: Rest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """An editor of a space with a script ``work.py``, and a function that is deployed as ``count``."""
    home = tmp_path_factory.mktemp("home")
    inherited = {name: None for name in os.environ if name.startswith("GRISTMILL_")}
    login = {"GRISTMILL_URL": server.url, "GRISTMILL_API_KEY": API_KEY, "GRISTMILL_CA": str(server.ca)}
    made = Shell({**inherited, **login, "GRISTMILL_SPACE": rest.space_id, "GRISTMILL_CONFIG_DIR": str(home / "none")})
    (home / "work.py").write_text(SCRIPT)
    (home / "count.py").write_text(FUNCTION)
    before = Path.cwd()
    os.chdir(home)
    made.does("asset", "store-script", "work.py")
    made.does("asset", "store-function", "count.py")
    made.does("deployment", "create", "count", "--name", "count")
    yield made
    os.chdir(before)


def test_a_job_of_a_script_from_its_making_to_its_end(shell: Shell) -> None:
    made = shell.row(
        *("job", "create", "by hand", "--asset", "work.py", "--env", "WHO=me", "--secret", "PASSWORD"),
        *("--keep-runs", "5", "--description", "tells who I am", "--time-limit", "600"),
        PASSWORD="open sesame",
    )
    assert (made["NAME"], made["TYPE"], made["KEEPS RUNS"]) == ("by hand", "script", "5")
    assert (made["ENVIRONMENT"], made["TIME LIMIT"]) == ("WHO=me", "600")
    assert "open sesame" not in shell.does("job", "show", "by hand", "--output", "json")
    assert "by hand" in shell.does("job", "list")

    assert shell.does("job", "start", "by hand", "-f") == "I am me with 11 secret letters\n"
    ended = shell.ran("job", "start", "by hand", "--env", "WHO=nobody")
    assert ended.exit_code == 1
    assert "I will not be nobody" in ended.stderr
    assert shell.ran("job", "start", "by hand", "-f", "--no-wait").exit_code == 2

    failed = shell.id("run", "list", "--job", "by hand", "--state", "failed")
    assert shell.ran("run", "rerun", failed).exit_code == 1
    refused = shell.ran("run", "repair", failed, "--env", "WHO=me")
    assert (refused.exit_code, "is no run of a flow" in refused.stderr) == (1, True)
    run = shell.id("job", "start", made["ID"], "--env", "WHO=you", "--no-wait")
    assert shell.row("run", "wait", run)["STATE"] == "completed"
    changes = shell.document("run", "history", run)
    assert [change["state"] for change in changes][-1] == "completed"
    again = shell.id("run", "rerun", run, "--no-wait")
    assert shell.ran("run", "logs", again, "--follow").stdout == "I am you with 11 secret letters\n"


def test_the_newest_run_of_a_job_is_read_and_what_waits_or_works_is_stopped(shell: Shell) -> None:
    Path("slow.py").write_text("import time\nprint('at work', flush=True)\ntime.sleep(300)\n")
    shell.does("asset", "store-script", "slow.py")
    shell.does("job", "create", "slow", "--asset", "slow.py")
    none = shell.ran("job", "logs", "slow")
    assert (none.exit_code, "slow has no runs yet" in none.stderr) == (1, True)
    assert shell.does("job", "cancel", "slow", "--output", "ids") == ""
    started = [shell.id("job", "start", "slow", "--no-wait") for _ in range(3)]
    assert sorted(shell.does("job", "cancel", "slow", "--output", "ids").split()) == sorted(started)
    ended = shell.ran("job", "logs", "slow", "-f")
    assert ended.exit_code == 3
    assert {shell.ran("run", "wait", run).exit_code for run in started} == {3}


def test_a_job_of_a_deployment_has_its_definition_with_it(shell: Shell) -> None:
    Path("rows.csv").write_text("a\n1\n2\n3\n")
    ended = shell.ran(
        "job", "create", "too much", "--deployment", "count", "--input", "rows.csv", "--keep-days", "99999"
    )
    assert (ended.exit_code, "retention_policy.days" in ended.stderr) == (1, True)
    ended = shell.ran("asset", "show", "rows.csv")
    assert (ended.exit_code, "There is no asset" in ended.stderr) == (1, True), "what was uploaded for nothing is gone"

    work = ("--input", "rows.csv", "--output-name", "copied.zip")
    shell.does("job", "create", "of a file", "--asset", "work.py", *work)
    shown = shell.row("job", "start", "of a file")
    assert (shown["STATE"], shown["RESULT"]) == ("completed", "copied.zip")
    assert shell.row("asset", "show", "rows.csv")["TYPE"] == "data_asset"

    made = shell.document("job", "create", "inline", "--deployment", "count", "--data", "[[1], [2]]")
    assert shell.does("job", "start", "inline", "-q").split() == ["n", "2"]
    kept = made["entity"]["job"]["configuration"]["deployment_job_definition_id"]
    assert kept


def test_a_definition_whose_job_is_refused_is_gone(shell: Shell, rest: Rest) -> None:
    def definitions() -> int:
        return len(rest.call("GET", "/ml/v4/deployment_job_definitions", expect=200)["resources"])

    before = definitions()
    arguments = ("job", "create", "refused", "--deployment", "count", "--data", "[[1]]", "--keep-days", "99999")
    assert shell.ran(*arguments).exit_code == 1
    assert definitions() == before
    assert shell.ran("job", "show", "refused").exit_code == 1


def test_a_schedule_by_options_is_the_one_by_the_wire(shell: Shell, rest: Rest) -> None:
    weekdays = {"schedule": "30 7 * * 1-5", "schedule_info": {"repeat": True, "timezone": "Europe/Berlin"}}
    asset_ref = shell.id("asset", "show", "work.py")
    job: Json = {"name": "by wire", "asset_ref": asset_ref, "configuration": {}, **weekdays}
    by_wire = rest.call("POST", "/v2/jobs", expect=201, json={"job": job})["entity"]["job"]
    options = ("--cron", "30 7 * * 1-5", "--zone", "Europe/Berlin")
    made = shell.document("job", "create", "by options", "--asset", "work.py", *options)["entity"]["job"]
    parts = ("schedule", "schedule_info", "future_scheduled_runs")
    assert [made[part] for part in parts] == [by_wire[part] for part in parts]
    assert of_wire(made["schedule"], made["schedule_info"]) == of_wire(job["schedule"], job["schedule_info"])
    upcoming = shell.document("job", "preview", "by options", "--count", "100")
    assert len(upcoming) == 100
    assert {tick["local"][11:16] for tick in upcoming} == {"07:30"}
    assert len({tick["at"][11:16] for tick in upcoming}) == 2, "the clocks change within twenty weeks"
    shell.does("job", "schedule", "by options", "--cron", "30 2 * * 0", "--zone", "Europe/Berlin")
    sundays = shell.document("job", "preview", "by options", "--count", "100")
    assert any(tick.get("note") for tick in sundays), "one of them has no 02:30"


def test_a_schedule_is_changed_paused_and_ended(shell: Shell) -> None:
    shell.does("job", "create", "changing", "--asset", "work.py")
    shown = shell.row("job", "schedule", "changing", "--every", "1 day", "--at", "07:00", "--exclude", "sat,sun")
    assert (shown["EVERY"], shown["UNIT"], shown["EXCLUDED"]) == ("1", "days", "SAT, SUN")
    assert shown["NEXT RUN"].endswith("T07:00:00.000Z")
    paused = shell.row("job", "schedule", "changing", "--pause")
    assert (paused["PAUSED"], "NEXT RUN" in paused) == ("true", False)
    assert shell.row("job", "schedule", "changing", "--resume")["NEXT RUN"] == shown["NEXT RUN"]
    once = shell.row("job", "schedule", "changing", "--once", "2030-07-01 09:30", "--zone", "America/New_York")
    assert once["NEXT RUNS"] == "2030-07-01T13:30:00.000Z"
    assert "NEXT RUN" not in shell.row("job", "schedule", "changing", "--remove")
    assert shell.document("job", "preview", "changing") == []
    ended = shell.ran("job", "schedule", "changing")
    assert (ended.exit_code, "--remove" in ended.stderr) == (2, True)


def test_what_became_of_ticks(shell: Shell) -> None:
    shell.does("job", "create", "often", "--asset", "work.py", "--cron", "* * * * *")
    decided = eventually(lambda: shell.document("job", "ticks", "often"), within=90, every=1)
    assert decided[-1]["disposition"] == "ran"
    shown = shell.row("run", "show", decided[-1]["run_id"])
    assert (shown["RUN"], shown["SCHEDULED FOR"]) == (decided[-1]["run_id"], decided[-1]["scheduled_for"])
    assert decided[-1]["run_id"] in shell.does("job", "ticks", "often", "--limit", "1")
    shell.does("job", "delete", "often", "--yes")


def test_a_job_is_edited(shell: Shell) -> None:
    arguments = ("--env", "A=1", "--env", "B=2", "--keep-runs", "3")
    shell.does("job", "create", "edited", "--asset", "work.py", *arguments)
    options = ("--env", "B=3", "--env", "C=4", "--unset", "A", "--keep-days", "7", "--results", "delete")
    changed = shell.row("job", "edit", "edited", "--name", "edited once", "--description", "new", *options)
    assert (changed["NAME"], changed["DESCRIPTION"]) == ("edited once", "new")
    assert (changed["ENVIRONMENT"], changed["KEEPS DAYS"], changed["RESULTS"]) == ("B=3, C=4", "7", "delete")
    assert "KEEPS RUNS" not in changed
    assert "KEEPS DAYS" not in shell.row("job", "edit", "edited once", "--keep-default")
    ended = shell.ran("job", "edit", "edited once", "--unset", "Z")
    assert (ended.exit_code, "no environment variable Z" in ended.stderr) == (1, True)
    assert shell.ran("job", "edit", "edited once").exit_code == 2


def test_jobs_are_deleted_with_consent_only(shell: Shell) -> None:
    names = [f"to delete {number}" for number in range(22)]
    for name in names:
        shell.does("job", "create", name, "--asset", "work.py", "-q")
    assert shell.ran("job", "delete", names[0]).exit_code == 1
    shell.does("job", "delete", *names, "--yes")
    assert "to delete" not in shell.does("job", "list")
    ended = shell.ran("job", "delete", "default job - count", "--yes")
    assert (ended.exit_code, "default job of deployment" in ended.stderr) == (1, True)


def test_retention_is_tried_before_it_is_set(shell: Shell) -> None:
    shell.does("job", "create", "kept", "--asset", "work.py")
    runs = [shell.id("job", "start", "kept", "-q") for _ in range(3)]
    shell.does("run", "pin", runs[0])
    assert shell.row("run", "show", runs[0])["PINNED"] == "true"
    assert shell.row("job", "retention", "kept")["RUNS"] == "0"
    tried = shell.row("job", "retention", "kept", "--amount", "1")
    assert (tried["RUNS"], tried["KEEPS RUNS"]) == ("1", "1")
    shell.does("run", "unpin", runs[0])
    assert shell.row("job", "retention", "kept", "--amount", "1")["RUNS"] == "2"
    assert shell.ran("job", "retention", "kept", "--amount", "1", "--days", "1").exit_code == 2


def test_a_space_is_paused(shell: Shell, rest: Rest) -> None:
    assert shell.row("space", "pause", rest.space_id)["PAUSED"] == "true"
    shell.does("job", "create", "waits", "--asset", "work.py")
    ended = shell.ran("job", "start", "waits")
    assert (ended.exit_code, "paused" in ended.stderr) == (1, True)
    assert shell.row("space", "resume", rest.space_id)["PAUSED"] == "false"
    assert shell.ran("job", "start", "waits").exit_code == 0


def test_users_are_kept_by_administrators(shell: Shell) -> None:
    assert shell.row("user", "me")["NAME"] == "admin"
    arguments = ("user", "create", "ann", "--display-name", "Ann", "--email", "ann@example.com")
    made = shell.row(*arguments, "--password", "-", given="correct horse\n")
    assert (made["E-MAIL"], made["HAS PASSWORD"]) == ("ann@example.com", "true")
    assert "ann" in shell.does("user", "list")
    key = shell.row("key", "create", "first", "--user", "ann")["API KEY"]
    ann = replace(shell, environment={**shell.environment, "GRISTMILL_API_KEY": key})
    assert ann.row("user", "me")["NAME"] == "ann"
    assert ann.row("user", "email", "new@example.com")["E-MAIL"] == "new@example.com"
    refused = ann.ran("user", "list")
    assert (refused.exit_code, "administrators" in refused.stderr) == (1, True)
    ended = shell.ran("user", "password", "ann", "--password", "in the open")
    assert (ended.exit_code, "in the open" in ended.stderr) == (2, False)
    shell.does("user", "password", "ann", "--password", "-", given="battery staple\n")
    assert shell.row("user", "disable", "ann")["DISABLED"] == "true"
    assert ann.ran("user", "me").exit_code == 1
    assert shell.row("user", "enable", "ann")["DISABLED"] == "false"
    assert ann.row("user", "me")["NAME"] == "ann"
    shell.does("user", "delete", "ann", "--yes")
    assert shell.ran("user", "show", "ann").exit_code == 1


def test_a_space_has_channels(shell: Shell, mails: MailSink) -> None:
    made = shell.row("channel", "create", "operations", "--type", "email", "--address", "ops@example.com")
    assert (made["NAME"], made["ADDRESSES"]) == ("operations", "ops@example.com")
    url = "https://93.184.215.14/hook/with-a-token"
    hook = shell.row("channel", "create", "hook", "--type", "webhook", GRISTMILL_CHANNEL_URL=url)
    assert hook["SIGNING SECRET"].startswith("whsec_")
    listed = shell.does("channel", "list", "--output", "json")
    assert "hook" in listed
    assert hook["SIGNING SECRET"] not in listed
    assert "with-a-token" not in listed
    ended = shell.ran("channel", "create", "inside", "--type", "webhook", "--url", "-", given="http://127.0.0.1/x\n")
    assert (ended.exit_code, "GRISTMILL_ALLOWED_NETWORKS" in ended.stderr) == (1, True)
    assert "true" in shell.does("channel", "test", "operations")
    assert mails.recipients[-1] == ["ops@example.com"]
    mails.replies["RCPT"] = "550 nobody of this name"
    tried = shell.ran("channel", "test", "operations")
    del mails.replies["RCPT"]
    assert (tried.exit_code, "false" in tried.stdout, "nobody of this name" in tried.stdout) == (1, True, True)
    shell.does("channel", "delete", "hook", "--yes")
    assert "hook" not in shell.does("channel", "list")


def test_whoever_asked_is_told(shell: Shell, mails: MailSink) -> None:
    shell.does("channel", "create", "told", "--type", "email", "--address", "told@example.com")
    options = ("--notify", "failure,success", "--notify-to", "told", "--long-running", "30")
    made = shell.document("job", "create", "telling", "--asset", "work.py", "--env", "WHO=nobody", *options)
    types = made["entity"]["job"]["notification_types"]
    assert types == {"failure": True, "success": True, "long_running": True}
    assert shell.row("job", "show", "telling")["CHANNELS"]
    assert shell.ran("job", "start", "telling").exit_code == 1
    eventually(lambda: "telling" in shell.does("inbox", "list", "--unread"), within=30, every=0.5)
    event = shell.document("inbox", "list")[0]
    assert shell.row("inbox", "read", event["event_id"])["READ"] == "true"
    shell.does("inbox", "read-all")
    assert shell.document("inbox", "list", "--unread") == []
    eventually(lambda: ["told@example.com"] in mails.recipients, within=30)
    eventually(lambda: shell.document("job", "deliveries", "telling")[0]["state"] == "delivered", within=30, every=0.5)
    assert "told" in shell.does("job", "deliveries", "telling")
    changed = shell.document("job", "edit", "telling", "--not-started", "5", "--recipient", "ann@example.com")
    assert changed["entity"]["job"]["notification_types"] == {**types, "not_started": True}
    assert shell.row("job", "edit", "telling", "--notify", "none")["TELLS"] == "{}"


def test_packages_notebooks_and_flows_are_stored_and_run(shell: Shell) -> None:
    with zipfile.ZipFile("package.zip", "w") as package:
        package.writestr("main.py", "from mine import VALUE\nprint('the value is', VALUE)\n")
        package.writestr("mine/__init__.py", "VALUE = 42\n")
    shell.does("asset", "store-package", "package.zip")
    shell.does("job", "create", "packed", "--asset", "package.zip", "--entrypoint", "main.py", "--no-network")
    assert shell.does("job", "start", "packed", "-f") == "the value is 42\n"
    code: Json = {"cell_type": "code", "metadata": {}, "source": "print(6 * 7)", "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
    notebook = {"cells": [code], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    Path("cells.ipynb").write_text(json.dumps(notebook))
    assert shell.row("asset", "store-notebook", "cells.ipynb")["TYPE"] == "notebook"
    shell.does("job", "create", "cells", "--asset", "cells.ipynb")
    assert shell.does("job", "start", "cells", "-f") == "Cell 1:\n42\n"
    Path("wrong.pipeline").write_text("{}")
    refused = shell.ran("asset", "store-flow", "wrong.pipeline")
    assert (refused.exit_code, "invalid_flow" in refused.stderr or "flow" in refused.stderr) == (1, True)
    assert "wrong.pipeline" not in shell.does("asset", "list")


def test_an_inbox_shows_when_each_message_came(shell: Shell) -> None:
    shell.does("job", "create", "told", "--asset", "work.py", "--env", "WHO=nobody", "--notify", "failure")
    assert shell.ran("job", "start", "told").exit_code == 1
    listed = eventually(lambda: shell.document("inbox", "list"), within=30, every=0.2)
    assert listed[0]["created_at"][:10] in shell.does("inbox", "list")
