"""A process of the world that is killed, stopped and started anew over the same directory and port."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.fleet import AT_WORK
from tests.acceptance.server import START_SECONDS, Server, environment, start
from tests.make import eventually


@dataclass
class Member:
    """One `gristmill up`, `serve` or `work`; ``server`` is there where it answers requests."""

    command: str
    directory: Path
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    server: Server | None = None

    @property
    def name(self) -> str:
        return self.directory.name

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        if self.command != "work":
            self.server = start(self.directory, self.command, **self.settings)
            self.process = self.server.process
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        given = {**self.settings, "data_dir": str(self.directory)}
        variables = {f"GRISTMILL_{name.upper()}": value for name, value in given.items()}
        said = self.directory.with_suffix(".said")
        with said.open("ab") as output:
            begin = output.tell()
            process = self.process = subprocess.Popen(
                [sys.executable, "-m", "gristmill", "work"],
                env=environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        eventually(lambda: AT_WORK in said.read_bytes()[begin:] or process.poll() is not None, within=START_SECONDS)
        assert process.poll() is None, said.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process itself; its children go on."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
