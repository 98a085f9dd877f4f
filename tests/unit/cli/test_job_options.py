"""Options that several commands share: groups, secrets, notices and settings."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
import typer
from tests.unit.cli.scripted_server import PROFILE, ScriptedServer, refusal
from typer.testing import CliRunner

from gristmill.cli import job_create, secret_variables
from gristmill.cli.client import Client
from gristmill.cli.command import Session, command, noun
from gristmill.cli.failures import CommandFailed
from gristmill.cli.job_notice import Notices
from gristmill.cli.job_request import Work
from gristmill.cli.job_settings import Settings
from gristmill.cli.output import Form, Screen
from gristmill.cli.schedule_options import ScheduleOptions
from gristmill.domain.retention import Results


@dataclass(frozen=True, kw_only=True)
class Colours:
    """A group of options."""

    shade: Annotated[str, typer.Option("--shade", help="How dark.")] = "light"
    colours: Annotated[list[str] | None, typer.Option("--colour", help="Which.")] = None


things = noun("thing", "Things.")


@command(things, "paint", in_space=False, examples=("thing paint   --shade dark",))
def paint(session: Session, name: str, *, coats: int = 1, colours: Colours) -> None:
    """Paint a thing."""
    session.screen.document([name, coats, colours.shade, colours.colours], ())


@command(things, "drop", in_space=False)
def drop(session: Session, name: str) -> None:
    """Drop a thing."""


def scripted_session(*channels: dict[str, str]) -> Session:
    class Scripted(Session):
        """A session whose server answers from a script."""

        client = Client(PROFILE, transport=ScriptedServer([httpx.Response(200, json={"results": list(channels)})]))

    return Scripted(Screen(Form.TABLE, quiet=True, out=io.StringIO(), err=io.StringIO()))


def test_a_group_stands_for_an_option_a_field() -> None:
    arguments = ["paint", "wall", "--colour", "red", "--colour", "blue", "--shade", "dark", "--output", "json"]
    ended = CliRunner().invoke(things, arguments)
    assert ended.stdout.split() == ["[", '"wall",', "1,", '"dark",', "[", '"red",', '"blue"', "]", "]"]
    told = CliRunner().invoke(things, ["paint", "--help"]).stdout
    assert "How dark." in told
    assert "  thing paint   --shade dark\n" in told, "an example is shown as it is"


def test_secrets_come_from_the_environment_not_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "open = sesame")
    assert secret_variables.read_secrets(["PASSWORD", "OTHER=given"]) == ["PASSWORD=open = sesame", "OTHER=given"]
    monkeypatch.delenv("PASSWORD")
    monkeypatch.setattr("sys.stdin", io.StringIO("not a terminal"))
    with pytest.raises(CommandFailed, match=r"value of PASSWORD; set the variable PASSWORD"):
        secret_variables.read_secrets(["PASSWORD"])
    with pytest.raises(typer.BadParameter, match="has no name"):
        secret_variables.read_secrets(["=open sesame"])


def test_notices_are_the_wires() -> None:
    session = scripted_session({"id": "1", "name": "ops"}, {"id": "2", "name": "other"})
    wanted = Notices(notify="failure, rows-rejected", notify_to=["ops"], recipients=["a@b.c"], long_running=30)
    assert wanted.members(session) == {
        "notification_types": {"failure": True, "rows_rejected": True, "long_running": True},
        "notification_channels": ["1"],
        "notification_recipients": ["a@b.c"],
        "long_running_minutes": 30,
    }
    assert Notices().members(session) == {}
    assert Notices(notify="none").members(session) == {"notification_types": {}}


def test_an_alarm_adds_to_what_a_job_tells_and_notify_replaces_it() -> None:
    session, before = scripted_session(), {"failure": True}
    added = Notices(not_started=5).members(session, before=before)
    assert added == {"notification_types": {"failure": True, "not_started": True}, "not_started_minutes": 5}
    assert Notices(notify="missed").members(session, before=before) == {"notification_types": {"missed": True}}
    assert Notices(recipients=["a@b.c"]).members(session, before=before) == {"notification_recipients": ["a@b.c"]}
    with pytest.raises(typer.BadParameter, match="what to tell") as refused:
        Notices(recipients=["a@b.c"]).members(session)
    assert refused.value.param_hint == "--notify"


def test_notices_that_nobody_knows() -> None:
    with pytest.raises(typer.BadParameter, match=r"'disaster' is none of success, .*rows_rejected, none"):
        Notices(notify="failure,disaster").members(scripted_session())
    with pytest.raises(CommandFailed, match="There is no channel named ops in this space"):
        Notices(notify="failure", notify_to=["ops"]).members(scripted_session({"id": "2", "name": "other"}))


def test_settings_have_only_what_was_given() -> None:
    assert Settings().configuration(hardware=None) == {}
    assert Settings().retention() == {}
    wanted = Settings(env=["A=1"], max_running=3, time_limit=60).configuration(hardware="M")
    assert wanted == {
        "env_variables": ["A=1"],
        "hardware_spec": {"name": "M"},
        "max_running": 3,
        "timeout_seconds": 60,
    }
    policy = Settings(keep_runs=5, results=Results.DELETE).retention()
    assert policy == {"retention_policy": {"amount": 5, "results": "delete"}}
    for wrong in (Settings(keep_runs=5, keep_days=5), Settings(results=Results.DELETE)):
        with pytest.raises(typer.BadParameter):
            wrong.retention()


DEPLOYMENT = "3663b12c-445b-4e3b-8880-ab89b6b9deb6"


def created(*answers: httpx.Response | Exception) -> tuple[str, list[str]]:
    """Make a job of a deployment; return why that failed, and what was asked of the server."""
    server = ScriptedServer([httpx.Response(201, json={"metadata": {"id": "d"}}), *answers])

    class Scripted(Session):
        """A session whose server answers from a script."""

        client = server.client()
        space_id = "s"

    session = Scripted(Screen(Form.TABLE, quiet=True, out=io.StringIO(), err=io.StringIO()))
    groups: dict[str, Any] = {"settings": Settings(), "when": ScheduleOptions(), "notices": Notices()}
    with pytest.raises(CommandFailed) as failed:
        job_create.create(session, "j", deployment=DEPLOYMENT, work=Work(data="[[1]]"), **groups)
    return str(failed.value), [f"{request.method} {request.url.path}" for request in server.asked]


def test_a_job_that_is_refused_leaves_no_definition() -> None:
    why, asked = created(refusal(400, "no"), httpx.Response(204))
    assert why == "no"
    assert asked[-1] == "DELETE /ml/v4/deployment_job_definitions/d"


def test_a_job_whose_answer_is_lost_keeps_its_definition() -> None:
    """The server may have made the job; without its definition it could not run."""
    why, asked = created(httpx.ReadError("reset"))
    assert "gristmill job list" in why
    assert asked[-1] == "POST /v2/jobs"
