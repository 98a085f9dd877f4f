"""What coordinator and scorers say to each other, as JSON; rows and predictions lie in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypedDict

from gristmill_runner.protocol import Cause, Field, Spec
from gristmill_runner.sources.source import Block

PARTS = "parts"


class Plan(TypedDict, total=False):
    """What holds for all blocks of a run: the output's columns, and the kinds of the input's as far as they are known.

    Without ``kinds``, the model has not scored a row yet.
    """

    names: list[str]
    kinds: dict[str, str | None]


class Beginning(TypedDict):
    """The first message of a run."""

    directory: str
    spec: Spec
    plan: Plan


class Order(TypedDict, total=False):
    """A block to score. ``path`` and what follows it are the block's.

    With ``slices``, ascending positions in the block, it is only tried in these pieces. ``without`` are rows that kill
    their process: position and reason. ``most_bad`` is how many rows may be bad before the rest need not be scored;
    ``most_rows`` are the first ones that are looked at. With ``notes_only`` nothing is scored, only noted.
    """

    number: int
    source: int
    path: str
    start: int
    stop: int
    plan: Plan
    slices: list[int]
    without: list[tuple[int, str]]
    most_bad: int | None
    most_rows: int | None
    notes_only: bool


class Part(TypedDict):
    """A file with a piece of the output or with notes: its size and CRC-32."""

    size: int
    crc: int


class Answer(TypedDict, total=False):
    """What became of a block. ``cause`` alone: the run has to fail; ``passed`` alone: all slices were survived.

    ``scored`` and ``rejected`` are less than ``rows`` together where the scorer gave up. The first block brings
    ``packages`` too, the first one of which rows were scored ``kinds`` and ``fields``. Where only the first rows are
    looked at, ``block_rows`` are those of the whole block, and ``seconds`` is how long the rows looked at took.
    """

    number: int
    rows: int
    scored: int
    rejected: int
    output: Part
    notes: Part
    profile: list[dict[str, Any]]
    names: list[str]
    predictions: list[str]
    kinds: dict[str, str | None]
    fields: list[Field]
    packages: dict[str, str]
    traceback: str | None
    block_rows: int
    seconds: float
    cause: Cause
    passed: bool


class Farewell(TypedDict):
    """What a scorer says at the end of a run: whether processes are left, and what it has used so far."""

    has_children: bool
    peak_bytes: int
    cpu_seconds: float


def send(connection: Connection, message: Mapping[str, Any]) -> None:
    """Send a message."""
    connection.send_bytes(json.dumps(message).encode("ascii"))


def receive(connection: Connection) -> Any:  # noqa: ANN401 - a message
    """Return the next message.

    Raises:
        EOFError: the other end is gone.

    """
    try:
        return json.loads(connection.recv_bytes())
    except OSError:
        raise EOFError from None


def block_of(order: Order) -> Block:
    """Return the block that an order is about; its mark is the coordinator's business."""
    return Block(order["source"], Path(order["path"]), order["start"], order["stop"], None)


def output_part(directory: Path, number: int) -> Path:
    """Return where a block's piece of the output lies."""
    return directory / PARTS / f"{number}.output"


def notes_part(directory: Path, number: int) -> Path:
    """Return where the notes on a block's rejected rows lie."""
    return directory / PARTS / f"{number}.rejected"
