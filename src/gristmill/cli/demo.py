"""The command ``demo``: a server, a trained model and its first jobs, through the client that data scientists use."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from types import FrameType

    from gristmill.cli.demo_server import Address

CLIENT = "ibm_watsonx_ai"
DEFAULT_ROWS = 100_000


def demo(
    data_dir: Annotated[
        Path, typer.Option(help="Data directory of the server that the demo starts.", show_default="./gristmill-data")
    ] = Path("gristmill-data"),
    url: Annotated[str | None, typer.Option(help="Use this server instead of starting one.")] = None,
    ca: Annotated[Path | None, typer.Option(help="With --url: the CA's certificate that proves that server.")] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="GRISTMILL_API_KEY", help="With --url: your API key there.")
    ] = None,
    user: Annotated[str, typer.Option(help="With --url: your user name there.")] = "admin",
    rows: Annotated[int, typer.Option(min=1, help="Rows of the table that the second job scores.")] = DEFAULT_ROWS,
    once: Annotated[bool, typer.Option("--once", help="End when the jobs have, also on a terminal.")] = False,
) -> None:
    """Train a model, deploy it, score rows inline and from a table; on a terminal the server stays up until Ctrl-C."""
    _check(url=url, api_key=api_key)
    signal.signal(signal.SIGTERM, _interrupted)
    from gristmill.cli.demo_server import Address, DidNotStart, running

    try:
        if url and api_key:
            _tell(Address(url=url.rstrip("/"), user=user, api_key=api_key, ca=ca), rows)
            return
        print("Starting a server ...", flush=True)
        with running(data_dir) as address:
            _tell(address, rows)
            if sys.stdout.isatty() and not once:
                _stay(address)
    except DidNotStart as error:
        _refuse(str(error))
    except KeyboardInterrupt:
        print("\nStopped.")


def _check(*, url: str | None, api_key: str | None) -> None:
    if importlib.util.find_spec(CLIENT) is None:
        _refuse(
            "The demo drives the server through the client of data scientists, which is not installed here.\n"
            "Install it with: pip install ibm-watsonx-ai tqdm"
        )
    if url and not api_key:
        _refuse("--url needs an API key: give it with --api-key or in GRISTMILL_API_KEY.")


def _tell(address: Address, rows: int) -> None:
    print("Loading scikit-learn and the client, which takes some seconds ...", flush=True)
    # The client writes files to the current user's home directory where it can; it lives without one too.
    os.environ.setdefault("HOME", str(Path.cwd()))
    from gristmill.cli.demo_story import DemoFailed, Story

    try:
        Story(address, rows).tell()
    except DemoFailed as error:
        _refuse(str(error))


def _stay(address: Address) -> None:
    print(f"\nThe server stays up at {address.url} until Ctrl-C.", flush=True)
    while address.alive():
        time.sleep(1)
    _refuse("The server has ended.")


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _refuse(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    raise typer.Exit(1)
