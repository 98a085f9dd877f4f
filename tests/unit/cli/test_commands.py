from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.scripted_server import ScriptedServer
from typer.testing import CliRunner, Result

from gristmill.cli import lookup
from gristmill.cli.failures import CommandFailed
from gristmill.cli.main import application
from gristmill.cli.nouns import NOUNS, load

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")


def invoke(*arguments: str, config: Path, given: str | None = None, **environment: str) -> Result:
    inherited = {name: None for name in os.environ if name.startswith("GRISTMILL_")}
    wanted = {**inherited, "GRISTMILL_CONFIG_DIR": str(config), **environment}
    return CliRunner().invoke(application, arguments, input=given, env=wanted, prog_name="gristmill")


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from commands(inner, (*path, name))


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    answer = invoke("--version", config=tmp_path)
    assert (answer.exit_code, answer.stdout) == (0, f"gristmill {version('gristmill')}\n")


EVERY = [found for name in NOUNS for found in commands(load(name), (name,))]


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_the_reference_tells_of_every_command_and_its_options(path: tuple[str, ...], command: Any) -> None:
    heading = f"### `gristmill {' '.join(path)}"
    assert heading in REFERENCE
    section = REFERENCE[REFERENCE.index(heading) :].split("\n### ")[0].split("\n## ")[0]
    shared = {"--help", "--space", "--output", "--quiet", "--limit"}
    for parameter in command.params:
        for option in {*parameter.opts, *parameter.secondary_opts} - shared:
            if option.startswith("--"):
                assert f"`{option}" in section, option
    assert command.help, "it says what it does"


def test_the_reference_tells_of_no_command_that_is_not_there() -> None:
    told = set(re.findall(r"^### `gristmill ([a-z -]+[a-z])", REFERENCE, re.MULTILINE))
    assert told == {" ".join(path) for path, _ in EVERY}


def test_help_loads_nothing_that_speaks_to_servers() -> None:
    code = (
        "import sys\nfrom gristmill.cli.main import main\nsys.argv = ['gristmill', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "loaded = {'httpx', 'rich', 'gristmill.cli.space', 'gristmill.app'} & set(sys.modules)\n"
        "sys.exit(', '.join(loaded) or 0)"
    )
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    for name, (_, line) in NOUNS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", ended.stdout, re.MULTILINE), name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(tmp_path: Path, shell: str) -> None:
    printed = invoke("completion", shell, config=tmp_path)
    assert printed.exit_code == 0
    assert f"_GRISTMILL_COMPLETE=complete_{shell}" in printed.output


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("gristmill job run --output", ["--output-name", "--output"]),
        ("gristmill job sched", ["schedule"]),
        ("gristmill chan", ["channel"]),
        ("gristmill job schedule j --ga", ["--gap"]),
    ],
)
def test_a_shell_completes_commands_and_options(words: str, completed: list[str]) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "_GRISTMILL_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "gristmill"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stdout.split() == completed


@pytest.mark.parametrize(
    "arguments",
    [
        ["space", "list"],
        ["job", "run", "any", "--data", "[[1]]"],
        ["run", "logs", "any"],
        ["credential", "show"],
    ],
)
def test_without_a_login_every_command_says_so_in_one_line(tmp_path: Path, arguments: list[str]) -> None:
    ended = invoke(*arguments, config=tmp_path)
    assert ended.exit_code == 1
    assert ended.stderr.startswith("gristmill: You are not logged in.")
    assert ended.stderr.count("\n") == 1


def test_a_command_asks_for_the_space_that_it_needs(tmp_path: Path) -> None:
    login = {"GRISTMILL_URL": "https://127.0.0.1:1", "GRISTMILL_API_KEY": "k"}
    ended = invoke("asset", "list", config=tmp_path, **login)
    assert (ended.exit_code, ended.stderr.partition("?")[0]) == (1, "gristmill: Which space")
    ended = invoke("asset", "list", config=tmp_path, **login, GRISTMILL_SPACE="mine")
    assert "does not answer" in ended.stderr


def test_a_url_that_is_none_ends_a_command_with_one_line(tmp_path: Path) -> None:
    for arguments in (["space", "list"], ["login", "--api-key", "-"]):
        for url in ("https://127.0.0.1:1\n", "https://\u2488.test", "https://a..test"):
            ended = invoke(*arguments, config=tmp_path, GRISTMILL_URL=url, GRISTMILL_API_KEY="k", given="k\n")
            assert ended.exit_code == 1, ended.output
            assert ended.stderr.startswith("gristmill: "), ended.stderr
            assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "list", "--job", "j", "--deployment", "d"], "not both"),
        (["job", "run", "d", "--data", "no JSON"], "not JSON"),
        (["job", "run", "d", "--data", "[[1]]", "--env", "K"], "NAME=VALUE"),
        (["deployment", "update", "d"], "--max-running"),
        (["space", "list", "--output", "xml"], "'table', 'json', 'ids'"),
        (["asset", "upload", "missing.csv"], "missing.csv"),
        (["job", "create", "j"], "one of --deployment and --asset"),
        (["job", "create", "j", "--asset", "a", "--deployment", "d"], "one of --deployment and --asset"),
        (["job", "create", "j", "--asset", "a", "--cron", "daily"], "--cron"),
        (["job", "create", "j", "--asset", "a", "--keep-runs", "1", "--keep-days", "1"], "not both"),
        (["job", "create", "j", "--asset", "a", "--notify", "disaster"], "--notify"),
        (["job", "schedule", "j"], "--remove"),
        (["job", "schedule", "j", "--remove", "--cron", "0 7 * * *"], "not both"),
        (["job", "edit", "j"], "--help"),
        (["job", "start", "j", "-f", "--no-wait"], "--follow"),
        (["job", "retention", "j", "--amount", "1", "--days", "1"], "not both"),
        (["user", "password", "ann", "--password", "open sesame"], "command lines"),
        (["channel", "create", "c", "--type", "email"], "--address"),
        (["channel", "create", "c", "--type", "webhook", "--address", "a@b.c"], "--url"),
        (["channel", "create", "c", "--type", "pigeon"], "'email', 'webhook', 'apprise'"),
    ],
)
def test_a_command_line_that_is_wrong_ends_with_two_before_anything_is_sent(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    ended = invoke(*arguments, config=tmp_path, GRISTMILL_URL="https://127.0.0.1:1", GRISTMILL_API_KEY="k")
    assert ended.exit_code == 2, ended.output
    assert message in ended.stderr


def test_login_wants_a_key_and_keeps_none_that_was_not_proven(tmp_path: Path) -> None:
    ended = invoke("login", config=tmp_path)
    assert "--api-key -" in ended.stderr
    ended = invoke("login", "--url", "http://127.0.0.1:1", "--api-key", "-", config=tmp_path, given="k\n")
    assert (ended.exit_code, "does not answer" in ended.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []
    assert "no login" in invoke("logout", config=tmp_path).output


def test_a_name_that_no_url_holds_is_refused_in_one_line() -> None:
    with ScriptedServer([]).client() as client, pytest.raises(CommandFailed, match="URL too long"):
        lookup.run(client, None, "a" * 100_000)


def test_a_key_that_cannot_be_sent_is_refused_by_its_variable(tmp_path: Path) -> None:
    ended = invoke("space", "list", config=tmp_path, GRISTMILL_URL="https://127.0.0.1:1", GRISTMILL_API_KEY="k\udcff")
    assert (ended.exit_code, ended.stderr.count("\n")) == (1, 1)
    assert "Check GRISTMILL_API_KEY" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["migrate", "--tls-cert", "c"], "tls_cert and tls_key belong together: give both or none\n"),
        # Before the first administrator's key is made and shown.
        (
            ["up", "--port", "0", "--http-port", "none", "--tls-cert", "/no/c", "--tls-key", "/no/k"],
            "The certificate /no/c with the key /no/k cannot be used: [Errno 2] No such file or directory.\n",
        ),
        (["restore", "/dev/null"], "/dev/null/manifest.json: Not a directory.\n"),
        (
            ["migrate", "--content", "/dev/null/x"],
            "The folder for content /dev/null/x cannot be used: File exists.\n",
        ),
    ],
)
def test_what_does_not_fit_a_server_is_told_in_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    ended = invoke(*arguments, "--data-dir", str(tmp_path / "data"), config=tmp_path)
    assert ended.exit_code != 0
    assert ended.stderr.endswith(said)
    assert (ended.stderr.count("\n"), ended.stdout) == (1, "")
