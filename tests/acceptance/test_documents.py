"""The code in the documents works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.server import API_KEY, ROOT, Server, environment, running
from tests.conformance.sinks import mail_sink
from tests.make import eventually
from tests.reference import settings_page


@pytest.mark.parametrize("document", ["README.md", pytest.param("docs/how-to/first-job.md", marks=pytest.mark.sweep)])
def test_the_python_of_a_document_runs(server: Server, tmp_path: Path, document: str) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    code = "\n".join(blocks)
    for written, here in {
        "https://127.0.0.1:18443": server.url,
        "YOUR-API-KEY": API_KEY,
        "gristmill-data/tls/ca.pem": str(server.ca),
    }.items():
        assert written in code
        code = code.replace(written, here)
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "prediction" in ended.stdout
    if document == "README.md":
        _the_commands_of_the_readme_follow(server, tmp_path)


def test_the_page_of_the_settings_is_that_of_the_present_code() -> None:
    written = settings_page.PAGE.read_text(encoding="utf-8")
    assert written == settings_page.text(), "run `python -m tests.reference.settings_page`"


def test_the_commands_of_the_schedule_page_end_in_an_e_mail(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "schedule-a-job.md").read_text()
    servers, commands, start = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert "aiosmtpd" in servers
    assert "GRISTMILL_SMTP_URL=smtp://127.0.0.1:8025" in servers
    with mail_sink() as mails:
        settings = {"smtp_url": f"smtp://127.0.0.1:{mails.port}", "mail_from": "gristmill@example.com"}
        with running(tmp_path / "data", **settings) as server:
            known = "--ca gristmill-data/tls/ca.pem"
            assert known in commands
            commands = commands.replace(known, f"--url {server.url} --ca {server.ca}")
            began, ended = _shell(commands, tmp_path), _shell(start, tmp_path)
            assert began.returncode == 0, began.stdout + began.stderr
            assert ended.returncode == 1, ended.stdout + ended.stderr
            eventually(lambda: mails.mails, within=30, every=0.2)
    assert "07:30" in began.stdout
    assert "there is no data today" in ended.stdout + ended.stderr
    (letter,) = mails.mails
    assert (letter["To"], letter["Subject"]) == ("ann@example.com", "morning report: failed")
    assert "there is no data today" in letter.get_content()


def _the_commands_of_the_readme_follow(server: Server, home: Path) -> None:
    """They schedule what its Python deployed."""
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    known = "--ca gristmill-data/tls/ca.pem"
    assert known in commands
    ended = _shell(commands.replace(known, f"--url {server.url} --ca {server.ca}"), home)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "07:30" in ended.stdout
    assert (home / "scores.csv").read_text().startswith("a,b,prediction,probability\n3,0,1,")


def _shell(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the lines of a page as a new user would, with `gristmill` on the path."""
    search = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = {"GRISTMILL_API_KEY": API_KEY, "HOME": str(home), "PATH": search}
    lines = "\n".join(line for line in script.splitlines() if not line.startswith("export PATH"))
    return subprocess.run(
        ["bash", "-e", "-c", lines],
        cwd=home,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
