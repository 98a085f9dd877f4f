"""A kernel: a process of its own that executes code, reached over sockets in the run directory."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed, r_missing

_NAME = "run"
_START_SECONDS = 120.0
_END_SECONDS = 2.0
_LOOK_SECONDS = 30.0


class Kernel:
    """One kernel of the language. ``directory`` takes its sockets and settings; ``python`` is its interpreter.

    The kernel leads a process group of its own, so that what it starts can be ended with it.
    """

    def __init__(self, directory: Path, *, language: str, python: str) -> None:
        self.language = language
        self.client: Any = None
        self.manager: Any = None
        self._process: subprocess.Popen[bytes] | None = None
        self._directory = directory
        self._python = python

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RunFailed: there is no such kernel, or it did not start.

        """
        from jupyter_client import AsyncKernelManager
        from jupyter_client.kernelspec import KernelSpecManager

        self._describe()
        self.manager = AsyncKernelManager(
            kernel_name=_NAME,
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(self._directory)], ensure_native_kernel=False),
            transport="ipc",
            # Relative to the current directory, which is the kernel's too: the path of a socket must be short.
            connection_file=os.path.relpath(self._directory / "c.json"),
            shutdown_wait_time=_END_SECONDS,
        )
        try:
            await self.manager.start_kernel(cwd=os.getcwd(), env=self._variables())  # noqa: PTH109 - as it stands
        except OSError as error:
            raise RunFailed("kernel_missing", f"The {self.language} kernel cannot be started: {error}.") from error
        self._process = self.manager.provisioner.process
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.allow_stdin = False  # only now: opening the channels allows it
        try:
            await self.client.wait_for_ready(timeout=_START_SECONDS)
        except RuntimeError as error:
            raise self._not_started(str(error)) from error

    def interrupt(self) -> None:
        """Interrupt the cell that is executed."""
        self._signal(signal.SIGINT)

    async def ask_to_end(self) -> None:
        """Let it begin to end in good order, with its exit hooks."""
        if self._process is not None and self.exit_code is None:
            await self.manager.request_shutdown()

    async def end(self) -> None:
        """Wait for its end, which is forced where it takes long, and end whatever it left in its process group."""
        if self._process is None:
            return
        try:
            self.client.stop_channels()
            await self.manager.finish_shutdown()
            await self.manager.cleanup_resources()
        finally:
            self._signal(signal.SIGKILL)

    @property
    def exit_code(self) -> int | None:
        """How its process ended; None while it works. Negative is a signal's number."""
        return self._process.poll() if self._process is not None else None

    def fate(self) -> str:
        """Say how it ended, in words that follow "The kernel"."""
        deadline = time.monotonic() + 1.0
        while (code := self.exit_code) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if code is None:
            return "ended"
        if code >= 0:
            return f"exited with code {code}"
        reason = ", as it happens when memory runs out" if code == -signal.SIGKILL else ""
        return f"died of signal {signal.Signals(-code).name}{reason}"

    def _describe(self) -> None:
        """Write the kernel's specification into a directory of the run's own: none has to be installed."""
        if self.language == "r":
            program = shutil.which("R")
            if program is None:
                raise r_missing()
            command = [program, "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"]
        else:
            options = ["-f", "{connection_file}", "--HistoryManager.enabled=False"]
            command = [self._python, "-m", "ipykernel_launcher", *options]
        folder = self._directory / _NAME
        folder.mkdir(parents=True)
        specification = {"argv": command, "display_name": _NAME, "language": self.language}
        (folder / "kernel.json").write_text(json.dumps(specification), encoding="utf-8")

    def _variables(self) -> dict[str, str]:
        own = {"IPYTHONDIR": str(self._directory / "ipython"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        return {**os.environ, **own}

    def _not_started(self, reason: str) -> RunFailed:
        if self.language == "r":
            look = ["Rscript", "--no-environ", "-e", "library(IRkernel)"]
            way_out = "the R package IRkernel is not installed (Debian: apt-get install r-cran-irkernel)"
        else:
            look = [self._python, "-c", "import ipykernel"]
            way_out = "its environment has no ipykernel; add that to the software specification"
        if not _succeeds(look):
            return RunFailed("kernel_missing", f"The {self.language} kernel cannot start: {way_out}.")
        return RunFailed("kernel_died", f"The kernel {self.fate()} before it was ready ({reason}); see the log.")

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process is not None:
                os.killpg(self._process.pid, number)


def _succeeds(command: list[str]) -> bool:
    try:
        ended = subprocess.run(command, capture_output=True, timeout=_LOOK_SECONDS, check=False)  # noqa: S603 - fixed
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0
