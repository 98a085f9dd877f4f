"""The run directory: what the worker writes for a run, and what the run leaves for the worker.

    spec.json        what to run (``Spec``); written by the worker before anything else
    payload.json     the job's request as the client sent it, for scripts (JOBS_PAYLOAD_FILE); may be absent
    inputs/          inline tables as JSON lines (a row a line), input files under their names
    outputs/         what the run produced
    results/         files that are kept with the run under their names, however it ends
    progress.jsonl   one ``{"rows_done": n, "rows_total": n or null}`` a line; "unit": "cells" where cells are counted;
                     of a flow also ``{"node": id, "state": .., "at": .., "cause": ..}`` for each change of a node;
                     of a model also "rows_rejected", and "bytes_done" and "bytes_total" of the input where known
    ledger.jsonl     of a model: what is committed, a chunk a line, in the order of the input (``ledger.py``)
    staged/          of a model: what those chunks brought. An attempt that finds both goes on behind the last chunk
    nodes/0/, ...    of a flow: a run directory a node, in the order of the specification
    result.json      how it ended (``Result``); written last, by rename
    run.log          standard output and standard error, captured by the parent

The server imports this file too: it is the one description of the format.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, TypedDict

VERSION = 1

SPEC = "spec.json"
PAYLOAD = "payload.json"
RESULT = "result.json"
PROGRESS = "progress.jsonl"
LOG = "run.log"
INPUTS = "inputs"
OUTPUTS = "outputs"
RESULTS = "results"
BATCH = "outputs/batch"
"""BATCH_OUTPUT_DIR: what scripts leave here is zipped, by the run itself or, where it could not, by the worker."""
NODES = "nodes"
LEDGER = "ledger.jsonl"
STAGED = "staged"
REJECTED = "rejected_rows"
"""The quarantine is ``results/rejected_rows.csv`` or ``.jsonl``: rejected rows as they came, with number and reason."""
ARCHIVE = "results/outputs.zip"
"""Where that archive goes when the job asks for no output asset."""

EXIT_COMPLETED = 0
EXIT_FAILED = 1
EXIT_CANCELED = 3
EXIT_PROTOCOL = 4
EXIT_NO_ROOM = 122
"""There was no room left on the disk to say how the run ended; a number that user code will hardly exit with."""


class InlineTable(TypedDict, total=False):
    """One element of the client's ``input_data`` or ``predictions``.

    ``path`` names a JSON-lines file in the run directory, one row a line; ``members`` are the element's other members
    as they came (``id`` and the like). ``fields`` is absent when the element had none.
    """

    path: str
    fields: list[str] | None
    rows: int
    members: dict[str, Any]


class Dialect(TypedDict, total=False):
    """How a CSV file is written, where that is known; what is absent is found out from the file's beginning."""

    delimiter: str
    quote: str
    encoding: str


class InputFile(TypedDict, total=False):
    """A data asset, object or table laid into ``inputs/``; ``name`` is its own name.

    ``format`` is csv, parquet, jsonl, json (the wire's ``input_data``), xlsx, arrow or zip; a compression (gzip, zstd)
    is told by the name's ending or the first bytes. A table is an arrow file: Arrow streams one behind the other.
    ``digest`` is there for what was read from behind a connection: a ledger was made for this very content. ``rows`` is
    there where the worker counted them: of a table.
    """

    path: str
    name: str
    format: str
    dialect: Dialect
    digest: str
    rows: int


class Output(TypedDict, total=False):
    """Where results go.

    ``kind`` is ``inline``; ``file``, with a path below ``outputs/`` and a format (csv, parquet, jsonl, json, xlsx,
    arrow; a name that ends in .gz or .zst is compressed); or ``table``: Arrow streams at the path, which the worker
    loads.
    """

    kind: str
    path: str
    format: str


class ErrorThreshold(TypedDict, total=False):
    """How many rows may be rejected before the run fails: ``rows``, or a ``share`` of those read (0 to 1)."""

    rows: int
    share: float


class Field(TypedDict, total=False):
    """A column of the model's input schema; ``type`` in the client's words (double, int64, string, ...)."""

    name: str
    type: str
    inferred: bool


class FlowNode(TypedDict, total=False):
    """A node of a flow. ``tag`` is its unique short name; ``needs`` are the ids of those that it waits for.

    ``asset_path`` is the tree that its code is in, at ``path``, or the asset that is its code (then it has no path) or
    its model. A ``kept`` node is not run: what it left lies in its directory as ``results/outputs.zip``.
    """

    id: str
    tag: str
    kind: str
    needs: list[str]
    asset_path: str
    path: str | None
    asset_type: str | None
    fields: list[Field] | None
    settings: dict[str, str]
    outputs: list[str]
    variables: dict[str, str]
    kept: bool


class Flow(TypedDict, total=False):
    """The nodes of a flow, each after those that it needs; ``at_once`` is how many may work side by side."""

    at_once: int
    nodes: list[FlowNode]


class Share(TypedDict, total=False):
    """Which chunks of a model's input one of ``of`` nodes scores: of those from ``begin`` on every ``of``-th.

    Number 0 scores the first ones too, until rows of one were scored: behind that the others ``begin``, and what it
    showed of the input (``names`` of the output's columns, ``kinds`` of the input's) holds for them.
    """

    number: int
    of: int
    begin: int
    names: list[str]
    kinds: dict[str, str | None]


class Spec(TypedDict, total=False):
    """Everything a run needs, and nothing else: no key and no password.

    ``platform_variables`` win over the user's ``environment_variables``; scripts, notebooks and packages find a token
    there that ends with the run. ``entrypoint`` is a path inside a code package. ``parameters`` of a notebook are JSON
    values (None where none were given), ``variable_parameters`` those of its variables that are no secrets. ``python``
    is the interpreter of a notebook's kernel, and of a flow's scripts; absent, the runner's own. ``node`` is what one
    process of a flow does. ``scorers`` is how many processes may score a model's chunks at once, on a machine that has
    as many processors; no ``error_threshold`` means that no row may be rejected; with ``row_limit`` only so many rows
    of the input are looked at. ``block_bytes`` is how much of an input is scored at once, about; absent, the runner's
    own measure. With a ``share`` only this much of the input is scored, and no output is made; ``shares`` are paths of
    directories where that was done, whose ledgers go into the run's own first. Of an ``unfinished`` run that is all.
    """

    version: int
    run_id: str
    kind: str
    asset_path: str
    asset_type: str
    fields: list[Field] | None
    inline: list[InlineTable]
    files: list[InputFile]
    output: Output
    environment_variables: dict[str, str]
    platform_variables: dict[str, str]
    entrypoint: str | None
    parameters: dict[str, Any] | None
    variable_parameters: dict[str, str]
    python: str
    flow: Flow | None
    node: FlowNode
    chunk_rows: int
    block_bytes: int
    scorers: int
    error_threshold: ErrorThreshold
    row_limit: int | None
    specification_name: str
    specification_packages: dict[str, str]
    memory_limit_bytes: int | None
    share: Share
    shares: list[str]
    unfinished: bool


class Cause(TypedDict, total=False):
    """Why a run failed: a stable code, one sentence, and the traceback where there is one."""

    code: str
    message: str
    traceback: str


class Rows(TypedDict, total=False):
    """Row counts: read = scored + rejected + not_attempted. ``resumed`` of them an earlier attempt had done."""

    read: int
    scored: int
    rejected: int
    not_attempted: int
    resumed: int


class Rejection(TypedDict, total=False):
    """A row that was not scored: its number within its source (from 1), and why; the value at fault, if it is one."""

    source: str
    row: int
    reason: str
    column: str | None
    value: str | None


class ColumnProfile(TypedDict, total=False):
    """A summary of one prediction column: ``rows`` and ``nulls`` are counts.

    Of numbers also ``minimum``, ``maximum``, ``mean``, ``deviation`` and ``quantiles`` ([[0.05, value], ...]), of other
    values ``categories`` ([[value, count], ...], the most frequent first) and ``distinct``.
    """

    name: str
    type: str
    rows: int
    nulls: int
    minimum: float
    maximum: float
    mean: float
    deviation: float
    quantiles: list[list[float]]
    categories: list[list[Any]]
    distinct: int


class Result(TypedDict, total=False):
    """How a run ended. ``outcome`` is completed, failed or canceled; ``outputs`` are paths below the run directory.

    Of a model also: ``rejections``, the first few; ``profile`` of its prediction columns; ``fields``, the columns that
    it was fed, with ``"inferred": true`` where their types were inferred from the first rows. With a ``row_limit`` also
    ``scoring_seconds``, how long its rows took without what comes before (the model is loaded, ...), and
    ``input_rows``, how many rows its inputs have, judged by their size where nothing else tells.
    """

    version: int
    outcome: str
    cause: Cause
    warning: str
    predictions: list[InlineTable]
    outputs: list[str]
    rows: Rows
    rejections: list[Rejection]
    profile: list[ColumnProfile]
    fields: list[Field]
    scoring_seconds: float
    input_rows: int
    python: str
    packages: dict[str, str]


class Reply(TypedDict):
    """What a serving child answers when a run is over, as one line; ``reusable`` if it may serve another one."""

    exit_code: int
    reusable: bool


def read_spec(directory: Path) -> Spec:
    """Read ``spec.json``; a version other than ours is a ValueError, because guessing would be worse."""
    spec: Spec = json.loads((directory / SPEC).read_text(encoding="utf-8"))
    if spec.get("version") != VERSION:
        raise ValueError(f"run directory of protocol {spec.get('version')}, this runner speaks {VERSION}")
    return spec


def write_spec(directory: Path, spec: Spec) -> None:
    """Write ``spec.json`` and make the directories that a run expects."""
    for name in (INPUTS, OUTPUTS):
        (directory / name).mkdir(parents=True, exist_ok=True)
    _write(directory / SPEC, spec)


def write_result(directory: Path, result: Result) -> None:
    """Write ``result.json`` by rename, so that whoever sees it sees all of it."""
    _write(directory / RESULT, result)


def read_result(directory: Path) -> Result | None:
    """Return the result, or None where the run left none (it was killed)."""
    try:
        with open_plain(directory / RESULT) as file:
            result: Result = json.loads(file.read())
    except OSError:
        return None
    return result


def open_plain(path: Path) -> BinaryIO:
    """Open a file that user code may have replaced: by a link that leads out, or by a pipe that nobody writes to.

    Raises:
        OSError: there is none, or it is no plain file.

    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "no plain file", str(path))
    return file


def _write(path: Path, document: object) -> None:
    draft = path.with_name(path.name + ".draft")
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(path)
