"""Waiting for a run: a bar on a terminal, a line a state elsewhere; and patience with a server that restarts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from gristmill.cli.ctrl_c import CtrlC
from gristmill.cli.failures import INTERRUPTED, TIMED_OUT, CommandFailed, Refused, Unreachable
from gristmill.cli.output import at
from gristmill.cli.run_state import FINAL

if TYPE_CHECKING:
    from gristmill.cli.client import Client, Json
    from gristmill.cli.output import Screen

T = TypeVar("T")
_PATIENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0
_AWAY = frozenset({502, 503, 504})


def wait(client: Client, screen: Screen, run_id: str, *, timeout_seconds: float | None = None) -> Json:
    """Wait until a run has ended; return its status.

    Raises:
        CommandFailed: the time is up or the user pressed Ctrl-C; the run goes on, and the message says how to see it.

    """
    begun, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
    patience = Patience(screen)
    try:
        with CtrlC() as ctrl_c, _shown(screen, run_id) as show:
            while True:
                ctrl_c.look()
                status = patience.with_answer(lambda: _status(client, run_id))
                if status is not None:
                    show(status)
                    if status["state"] in FINAL:
                        return status
                if timeout_seconds is not None and time.monotonic() - begun > timeout_seconds:
                    why = f"Run {run_id} has not ended within {timeout_seconds:g} s."
                    raise CommandFailed(f"{why} {_how_to_go_on(run_id)}", exit_code=TIMED_OUT)
                time.sleep(pause)
                pause = min(pause * 1.3, _LONGEST_PAUSE_SECONDS)
    except KeyboardInterrupt:
        raise CommandFailed(f"Run {run_id} goes on. {_how_to_go_on(run_id)}", exit_code=INTERRUPTED) from None


class Patience:
    """Asks a server that may be restarting: no answer is None, until there was none for a minute."""

    def __init__(self, screen: Screen, *, seconds: float = _PATIENCE_SECONDS) -> None:
        self._screen = screen
        self._seconds = seconds
        self._silent_since: float | None = None

    def with_answer(self, ask: Callable[[], T]) -> T | None:
        """Return what ``ask`` returns, None where the server was away.

        Raises:
            CommandFailed: the server refused, or has been away for too long.

        """
        try:
            found = ask()
        except (Unreachable, Refused) as error:
            if isinstance(error, Refused) and error.status not in _AWAY:
                raise
            now = time.monotonic()
            if self._silent_since is None:
                self._silent_since = now
                self._screen.remark(f"{error} Asking again.")
            if now - self._silent_since > self._seconds:
                raise
            return None
        self._silent_since = None
        return found


def _status(client: Client, run_id: str) -> Json:
    found = client.get(f"/ml/v4/deployment_jobs/{run_id}", include="status")
    status: Json = at(found, "entity.scoring.status")
    return status


def _how_to_go_on(run_id: str) -> str:
    return f"`gristmill run wait {run_id}` waits for it, `gristmill run cancel {run_id}` stops it."


@contextmanager
def _shown(screen: Screen, run_id: str) -> Iterator[Callable[[Json], None]]:
    """Have a function that shows a status."""
    if screen.quiet or not screen.err.isatty():
        yield _lines(screen, run_id)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=screen.err), transient=True) as bar:
        task = bar.add_task("queued", total=None, pace="")

        def show(status: Json) -> None:
            rows = status.get("progress") or {}
            bar.update(
                task,
                description=status["state"],
                completed=rows.get("rows_done", 0),
                total=rows.get("rows_total"),
                pace=pace_said(rows, now=datetime.now(UTC)),
            )

        yield show


def pace_said(rows: Json, *, now: datetime) -> str:
    """Say how fast a run goes, how long it still needs, and how many rows it rejected, as far as that is known."""
    parts = []
    if rows.get("rows_per_second") is not None:
        parts.append(f"{rows['rows_per_second']:,.0f} rows/s")
    if rows.get("estimated_end"):
        left = max(0, round((datetime.fromisoformat(rows["estimated_end"]) - now).total_seconds()))
        parts.append(f"{timedelta(seconds=left)} left")
    if rows.get("rows_rejected"):
        parts.append(f"{rows['rows_rejected']:,} rejected")
    return ", ".join(parts)


def _lines(screen: Screen, run_id: str) -> Callable[[Json], None]:
    said: list[str] = []

    def show(status: Json) -> None:
        if status["state"] not in said[-1:]:
            said.append(status["state"])
            screen.remark(f"Run {run_id}: {status['state']}")

    return show
