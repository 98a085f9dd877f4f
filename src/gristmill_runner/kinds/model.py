"""Kind ``model``: scores every row of the input, in chunks, so memory stays bounded however long the input is."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from gristmill_runner.outputs.form import Form
from gristmill_runner.outputs.of_run import form
from gristmill_runner.protocol import OUTPUTS, InlineTable, Result
from gristmill_runner.run_context import Run
from gristmill_runner.scoring.books import Books
from gristmill_runner.scoring.coordinator import Coordinator
from gristmill_runner.scoring.joining import join
from gristmill_runner.scoring.quarantine import write_quarantine
from gristmill_runner.scoring.scorers import Scorers
from gristmill_runner.sources.of_run import sources
from gristmill_runner.sources.source import Source

_MOST_IN_A_HURRY = 2**22  # bytes of notes on rejected rows


def run_model(run: Run) -> Result:
    """Score the run's inputs in order: an inline answer an input, or one file of all of them.

    A file has the input's columns, then the predictions.
    """
    inputs, output_form = sources(run.directory, run.spec), form(run.spec)
    scorers = run.shelf.processes_of(run.asset, Scorers)
    with contextlib.closing(Books(run, inputs, output_form)) as books:
        try:
            result = _worked(run, inputs, output_form, books=books, scorers=scorers)
        except BaseException as error:
            scorers.close()
            _account(run, inputs, books, hurried=isinstance(error, KeyboardInterrupt))
            raise
        _account(run, inputs, books, hurried=False)
        result.update(_foretold(run, books))
    run.so_far.update(result)
    return run.so_far


def _worked(run: Run, inputs: Sequence[Source], output_form: Form, *, books: Books, scorers: Scorers) -> Result:
    """Score what is to be scored; make the outputs, unless the run is a share of another one, or not to be finished."""
    join(books, [run.directory / path for path in run.spec.get("shares") or []])
    if run.spec.get("unfinished"):
        return {"outcome": "canceled"}
    Coordinator(run, inputs, books=books, scorers=scorers).work()
    if "share" in run.spec:
        return {"outputs": []}
    books.check()
    return _finished(run, inputs, output_form, books=books)


def _account(run: Run, inputs: Sequence[Source], books: Books, *, hurried: bool) -> None:
    """Tell what became of the rows, however the run ended."""
    run.so_far["rows"] = books.rows()
    run.so_far["rejections"] = books.rejections()
    run.so_far["profile"] = books.profile.told()
    run.so_far["fields"] = books.fields
    run.so_far["packages"] = books.header["packages"] if books.header else {}
    if not hurried or books.rejects.end < _MOST_IN_A_HURRY:
        names = [source.name for source in inputs]
        write_quarantine(run.directory, books.rejects.path, run.spec, names=names, more=books.loose_notes)


def _foretold(run: Run, books: Books) -> Result:
    """Tell of a run that looked at the first rows only what is needed to judge the whole."""
    if run.spec.get("row_limit") is None:
        return {}
    told: Result = {"scoring_seconds": books.seconds}
    rows = books.input_rows()
    return {**told, "input_rows": rows} if rows is not None else told


def _finished(run: Run, inputs: Sequence[Source], output_form: Form, *, books: Books) -> Result:
    """Make the outputs of what is staged; that stays, for an attempt that may follow."""
    assert books.header is not None
    names, output = books.header["names"], run.spec.get("output") or {}
    if output.get("kind") in ("file", "table"):
        path = f"{OUTPUTS}/{output['path']}"
        _finish(books.output.path, run.directory / path, output_form, names=names)
        return {"outputs": [path]}
    tables = [_table(run, number, books=books, form=output_form) for number in range(len(inputs))]
    return {"predictions": tables, "outputs": [table["path"] for table in tables]}


def _table(run: Run, number: int, *, books: Books, form: Form) -> InlineTable:
    assert books.header is not None
    path, fields = f"{OUTPUTS}/predictions-{number}.jsonl", books.header["predictions"]
    begin = max([0, *books.ends[:number]])
    if begin == 0 and books.ends[number] == books.output.end:
        _finish(books.output.path, run.directory / path, form, names=books.header["names"])
    else:
        _copy(books.output.path, run.directory / path, begin=begin, end=max(begin, books.ends[number]))
    return {"path": path, "fields": fields, "rows": books.rows_of[number], "members": {}}


def _finish(staged: Path, target: Path, output_form: Form, *, names: Sequence[str]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    spare = staged.with_name("finished")
    spare.unlink(missing_ok=True)
    try:
        os.link(staged, spare)
    except OSError:  # no second name on this file system
        shutil.copyfile(staged, spare)
    output_form.finish(spare, target, names=names)
    spare.unlink(missing_ok=True)


def _copy(staged: Path, target: Path, *, begin: int, end: int) -> None:
    with staged.open("rb") as source, target.open("wb") as file:
        source.seek(begin)
        left = end - begin
        while left > 0 and (piece := source.read(min(left, 2**20))):
            file.write(piece)
            left -= len(piece)
