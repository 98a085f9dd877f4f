"""The server of the pytest plugin ends when the tests that it is for are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.acceptance.server import are_gone, environment


def test_it_ends_when_its_tests_are_killed(tmp_path: Path) -> None:
    code = "import sys, time, pathlib\nfrom gristmill.testing import running\n"
    code += "with running(pathlib.Path(sys.argv[1]), {}):\n    print('up', flush=True)\n    time.sleep(600)\n"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, env=environment({})
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        servers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    are_gone(servers, within=30)
