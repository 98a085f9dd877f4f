"""The execution of a notebook's cells in a kernel: one after the other, with live output and progress."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import Callable
from typing import Any

from gristmill_runner.failure import OUT_OF_MEMORY, TRACEBACK_LIMIT, RunFailed, is_out_of_memory
from gristmill_runner.notebooks.document import is_executable, tags_of
from gristmill_runner.notebooks.kernel import Kernel
from gristmill_runner.notebooks.parameters import INJECTED
from gristmill_runner.progress import Progress
from gristmill_runner.protocol import Cause

_LAST_WORDS_SECONDS = 3.0
_COLORS = re.compile(r"\x1b\[[0-9;]*m")


class Cells:
    """Executes a notebook's cells; ``on_change`` is called after each, ``on_end`` once, while the kernel ends."""

    def __init__(
        self,
        notebook: Any,  # noqa: ANN401 - a notebook of nbformat's, which is imported late
        kernel: Kernel,
        progress: Progress,
        *,
        on_change: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        self._notebook = notebook
        self._kernel = kernel
        self._progress = progress
        self._on_change = on_change
        self._on_end = on_end
        self._at = ""

    def execute(self) -> Cause | None:
        """Execute them all, or up to the first that fails; return why it failed.

        A stop of the run interrupts the cell, as a person would, and gives it a moment for its last words.

        Raises:
            RunFailed: the kernel is not there, or died.
            KeyboardInterrupt: the run is to stop.

        """
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        work = loop.create_task(self._execute())
        try:
            return loop.run_until_complete(work)
        except KeyboardInterrupt:
            self._kernel.interrupt()
            loop.run_until_complete(asyncio.wait([work], timeout=_LAST_WORDS_SECONDS))
            raise
        finally:
            self._wind_up(loop)

    def _wind_up(self, loop: asyncio.AbstractEventLoop) -> None:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        with contextlib.suppress(Exception):
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(self._kernel.ask_to_end())
        self._on_end()
        with contextlib.suppress(Exception):
            loop.run_until_complete(self._kernel.end())
        asyncio.set_event_loop(None)
        loop.close()

    async def _execute(self) -> Cause | None:
        from nbclient.exceptions import CellExecutionError, DeadKernelError

        await self._kernel.start()
        client = live_client(self._notebook, self._kernel)
        number = 0
        try:
            for position, cell in enumerate(self._notebook["cells"]):
                number += cell["cell_type"] == "code" and INJECTED not in tags_of(cell)
                if is_executable(cell):
                    self._at = "the cell of parameters" if INJECTED in tags_of(cell) else f"cell {number}"
                    _say(f"{self._at[:1].upper()}{self._at[1:]}:\n")
                    await client.async_execute_cell(cell, position)
                    self._progress.advance(1)
                    self._on_change()
        except CellExecutionError as error:
            return None if _is_end(error) else self._cause(error, cell)
        except DeadKernelError as error:
            raise RunFailed("kernel_died", f"The kernel {self._kernel.fate()} while it executed {self._at}.") from error
        client.set_widgets_metadata()
        return None

    def _cause(self, error: Any, cell: Any) -> Cause:  # noqa: ANN401 - nbclient's, which is imported late
        # What R calls an error's name says nothing.
        words = error.evalue if error.ename == "ERROR" else f"{error.ename}: {error.evalue}"
        code = OUT_OF_MEMORY if error.ename == "MemoryError" or _cannot_allocate(words) else "user_code_failed"
        lines = [line for output in cell["outputs"] for line in output.get("traceback", [])]
        story = _COLORS.sub("", "\n".join(lines)).rstrip()[-TRACEBACK_LIMIT:]
        return {"code": code, "message": _COLORS.sub("", f"{self._at}: {words}").strip(), "traceback": f"{story}\n"}


def live_client(notebook: Any, kernel: Kernel) -> Any:  # noqa: ANN401 - nbclient's, which is imported late
    """Return a client that passes on what a cell prints at the moment when it is printed."""
    from nbclient import NotebookClient

    class Live(NotebookClient):  # type: ignore[misc, unused-ignore]
        def process_message(self, message: Any, cell: Any, cell_index: int) -> Any:  # noqa: ANN401
            output = super().process_message(message, cell, cell_index)
            # The traceback of what ends the run is told with its cause.
            if message["msg_type"] != "error" or "raises-exception" in tags_of(cell):
                _tell(message)
            return output

    client = Live(notebook, km=kernel.manager, timeout=None)
    client.kc = kernel.client
    client.reset_execution_trackers()
    return client


def _tell(message: Any) -> None:  # noqa: ANN401 - see live_client
    kind, content = message["msg_type"], message["content"]
    if kind == "stream":
        _say(content["text"], error=content["name"] == "stderr")
    elif kind in ("execute_result", "display_data"):
        _say(f"{content['data'].get('text/plain', '')}\n")
    elif kind == "error":
        _say(_COLORS.sub("", "\n".join(content["traceback"])) + "\n", error=True)


def _say(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(text)
    stream.flush()


def _is_end(error: Any) -> bool:  # noqa: ANN401 - see live_client
    """Tell whether the notebook ended itself in good order, with ``sys.exit()``."""
    return error.ename == "SystemExit" and error.evalue in ("", "0", "None")


def _cannot_allocate(words: str) -> bool:
    return is_out_of_memory(RuntimeError(words)) or "cannot allocate vector" in words
