"""Kind ``model``: scores every row of the input, in chunks, so memory stays bounded however long the input is."""

from __future__ import annotations

import contextlib
import sys

from gristmill_runner.features import Features
from gristmill_runner.loaders.files import PICKLE, find_model
from gristmill_runner.loaders.load import load_model
from gristmill_runner.loaders.pickled import version_story
from gristmill_runner.loaders.scorer import Scorer
from gristmill_runner.progress import Progress
from gristmill_runner.protocol import OUTPUTS, PROGRESS, InlineTable, Result
from gristmill_runner.readers import Source, sources
from gristmill_runner.run_context import Run
from gristmill_runner.scoring import Scoring
from gristmill_runner.writers import RowWriter, Writer, file_writer


def run_model(run: Run) -> Result:
    """Score the run's inputs in order: an inline answer an input, or one file of all of them.

    A file has the input's columns, then the predictions.
    """
    inputs = sources(run.directory, run.spec)
    scorer: Scorer = run.shelf.get(run.asset, lambda: load_model(run.asset, run.spec))
    scoring = Scoring(scorer, Features(run.spec.get("fields") or [], scorer.appetite), lambda: _story(run))
    to_file = (run.spec.get("output") or {}).get("kind") == "file"
    with contextlib.closing(_progress(run, inputs)) as progress:
        write = _to_file if to_file else _to_rows
        result = write(run, inputs, scoring, progress)
        result["rows"] = {"read": progress.rows_done, "scored": progress.rows_done}
    result["packages"] = _versions(scorer)
    return result


def _to_rows(run: Run, inputs: list[Source], scoring: Scoring, progress: Progress) -> Result:
    tables: list[InlineTable] = []
    for number, source in enumerate(inputs):
        path = f"{OUTPUTS}/predictions-{number}.jsonl"
        with contextlib.closing(RowWriter(run.directory / path)) as writer:
            _score(source, scoring, writer, progress)
        fields = writer.fields or list(scoring.scorer.outputs)
        tables.append({"path": path, "fields": fields, "rows": writer.rows, "members": {}})
    return {"predictions": tables, "outputs": [table["path"] for table in tables]}


def _to_file(run: Run, inputs: list[Source], scoring: Scoring, progress: Progress) -> Result:
    output = run.spec["output"]
    path, file_format = f"{OUTPUTS}/{output['path']}", output.get("format") or "csv"
    # A type that was only inferred may widen on the way, which Parquet does not allow.
    kinds = dict(scoring.features.kinds) if file_format == "parquet" else scoring.features.kinds
    with contextlib.closing(file_writer(run.directory / path, file_format, kinds)) as writer:
        for source in inputs:
            _score(source, scoring, writer, progress)
    return {"outputs": [path]}


def _score(source: Source, scoring: Scoring, writer: Writer, progress: Progress) -> None:
    for chunk in source.chunks():
        writer.write(chunk, scoring.predict(chunk))
        progress.advance(chunk.rows)


def _story(run: Run) -> str | None:
    path, kind = find_model(run.asset, run.spec.get("asset_type") or "")
    return version_story(path, run.spec) if kind == PICKLE else None


def _progress(run: Run, inputs: list[Source]) -> Progress:
    rows = [source.rows for source in inputs]
    return Progress(run.directory / PROGRESS, None if None in rows else sum(row or 0 for row in rows))


def _versions(scorer: Scorer) -> dict[str, str]:
    modules = {"numpy": "numpy", "pandas": "pandas", "scikit-learn": "sklearn"}
    libraries = dict.fromkeys(("numpy", "pandas", *scorer.libraries))
    versions = {name: getattr(sys.modules.get(modules.get(name, name)), "__version__", None) for name in libraries}
    return {name: version for name, version in versions.items() if version is not None}
