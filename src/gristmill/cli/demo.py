"""The command ``demo``: a server, a trained model and its first jobs, through the client that data scientists use."""

from __future__ import annotations

import importlib.util
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.demo_server import KEY_FILE

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
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    from gristmill.cli.demo_server import Address, DidNotStart, running

    try:
        if url and api_key:
            _tell(Address(url=url.rstrip("/"), user=user, api_key=api_key, ca=ca), rows, stays=True)
            return
        stays = sys.stdout.isatty() and not once
        print(f"Starting a server on free ports, with its data in {data_dir} ...", flush=True)
        with running(data_dir) as address:
            _tell(address, rows, stays=stays)
            if stays:
                _stay(address, data_dir)
        _say_how_to_come_back(data_dir)
    except DidNotStart as error:
        _refuse(str(error))
    except KeyboardInterrupt:
        print("\nStopped.") if url else _say_how_to_come_back(data_dir)


def _check(*, url: str | None, api_key: str | None) -> None:
    if importlib.util.find_spec(CLIENT) is None:
        _refuse(
            "The demo drives the server through the client of data scientists, which is not installed here.\n"
            "Install it with: pip install ibm-watsonx-ai tqdm"
        )
    if url and not api_key:
        _refuse("--url needs an API key: give it with --api-key or in GRISTMILL_API_KEY.")


def _tell(address: Address, rows: int, *, stays: bool) -> None:
    print("Loading scikit-learn and the client, which takes some seconds ...", flush=True)
    from gristmill.cli.demo_story import DemoFailed, Story

    try:
        Story(address, rows, stays=stays).tell()
    except DemoFailed as error:
        _refuse(str(error))


def _stay(address: Address, data_dir: Path) -> None:
    print(f"\nThe server stays up at {address.url} until Ctrl-C.")
    print(f"Its administrator is the user {address.user}; the API key is in {data_dir / KEY_FILE}.", flush=True)
    while address.alive():
        time.sleep(1)
    _refuse("The server has ended.")


def _say_how_to_come_back(data_dir: Path) -> None:
    print(f"\nThe server has ended, and its data stays. Go on with it:\n  gristmill up --data-dir {data_dir}")
    print(f"Then it is at https://127.0.0.1:18443; the API key of the user admin is in {data_dir / KEY_FILE}.")


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _refuse(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    raise typer.Exit(1)
