"""Rejected rows: noted by those who score, kept in one file that can be scored again as it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypedDict

from gristmill_runner.chunk import Chunk, cell
from gristmill_runner.features import QUARANTINE_COLUMNS
from gristmill_runner.protocol import REJECTED, RESULTS, Rejection, Spec
from gristmill_runner.sources.csv_lines import as_it_came
from gristmill_runner.sources.rejected import sentence
from gristmill_runner.sources.source import BadRow

ROW, REASON, SOURCE, TEXT = QUARANTINE_COLUMNS
_JSON_FORMATS = ("json", "jsonl")


class Note(TypedDict, total=False):
    """A rejected row. ``row`` counts from 0 within its block first, from 1 within its source when it is committed.

    ``cells`` are its columns as they came, ``text`` the row as it came where it has none.
    """

    source: int
    row: int
    reason: str
    column: str | None
    value: str | None
    cells: dict[str, Any]
    text: str | None


def note_of(bad: BadRow, names: Sequence[str]) -> Note:
    """Note a row that has no values for its columns."""
    note: Note = {"row": bad.position, "reason": bad.reason, "column": bad.column, "value": bad.value, "text": bad.text}
    note["cells"] = dict.fromkeys(names)
    return note


def note_in(chunk: Chunk, bad: BadRow, *, position: int, names: Sequence[str]) -> Note:
    """Note a row of a chunk, which stands at ``position`` of its block."""
    note: Note = {"row": position, "reason": bad.reason, "column": bad.column, "value": bad.value}
    note["cells"] = dict(zip(names, _cells(chunk, bad.position)))  # noqa: B905 - Python 3.9
    return note


def lines_of(notes: Iterable[Note]) -> bytes:
    """Return notes as JSON, a line each."""
    return "".join(json.dumps(note, default=str) + "\n" for note in notes).encode("ascii")


def committed(notes: bytes, *, source: int, before: int) -> bytes:
    """Return a block's notes with the numbers of the rows within the source, of which ``before`` came before it."""
    read: Iterator[Note] = map(json.loads, notes.splitlines())
    return lines_of({**note, "source": source, "row": before + note["row"] + 1} for note in read)


def moved(notes: bytes, *, by: int) -> bytes:
    """Return notes whose rows stand so many rows later in their source."""
    read: Iterator[Note] = map(json.loads, notes.splitlines())
    return lines_of({**note, "row": note["row"] + by} for note in read)


def rejection(note: Note, names: Sequence[str]) -> Rejection:
    """Return what the result tells of a row; ``names`` are those of the sources."""
    told: Rejection = {"source": names[note["source"]], "row": note["row"], "reason": note["reason"]}
    told["column"], told["value"] = note.get("column"), note.get("value")
    return told


def told_in_words(told: Rejection) -> str:
    """Say which row was rejected and why, for people."""
    return sentence(told["source"], told["row"], BadRow(0, told["reason"], told["column"], told["value"]))


def write_quarantine(directory: Path, staged: Path, spec: Spec, *, names: Sequence[str], more: bytes) -> str | None:
    """Write the quarantine file from staged notes and some more; return its path, None where there are none.

    It has the input's columns, then the row's number and the reason, and where there are several inputs, the input's
    name.
    """
    if not staged.stat().st_size and not more:
        return None
    as_json = _is_json(spec)
    path = f"{RESULTS}/{REJECTED}.{'jsonl' if as_json else 'csv'}"
    (directory / RESULTS).mkdir(exist_ok=True)
    with (directory / path).open("w", encoding="utf-8", newline="") as file:
        rows = _rows(staged, more, names)
        if as_json:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            _write_csv(file, rows, _columns(_rows(staged, more, names)))
    return path


def _is_json(spec: Spec) -> bool:
    files = spec.get("files") or []
    formats = {file.get("format") or Path(file.get("name") or file["path"]).suffix[1:] for file in files}
    return bool(spec.get("inline")) or (bool(formats) and formats <= set(_JSON_FORMATS))


def _cells(chunk: Chunk, row: int) -> list[Any]:
    return [cell(column, 0) for column in as_it_came(chunk.part(row, row + 1)).columns]


def _rows(staged: Path, more: bytes, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    with staged.open("rb") as lines:
        for line in chain(lines, more.splitlines()):
            yield _row(json.loads(line), names)


def _row(note: Note, names: Sequence[str]) -> dict[str, Any]:
    row = {**note.get("cells", {}), ROW: note["row"], REASON: note["reason"]}
    if len(names) > 1:
        row[SOURCE] = names[note["source"]] or str(note["source"] + 1)
    if note.get("text") is not None:
        row[TEXT] = note["text"]
    return row


def _columns(rows: Iterable[dict[str, Any]]) -> list[str]:
    found: dict[str, None] = {}
    for row in rows:
        found.update(dict.fromkeys(row))
    return [*(name for name in found if name not in QUARANTINE_COLUMNS), *(c for c in QUARANTINE_COLUMNS if c in found)]


def _write_csv(file: Any, rows: Iterable[dict[str, Any]], columns: list[str]) -> None:  # noqa: ANN401
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_text(row.get(column)) for column in columns])


def _text(value: Any) -> Any:  # noqa: ANN401
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict, bool)) else value
