"""A query over a node's input files, by DuckDB: each CSV, Parquet or JSON-lines file is a view by its name."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

from gristmill_runner.failure import OUT_OF_MEMORY, RunFailed
from gristmill_runner.protocol import BATCH, Result
from gristmill_runner.run_context import WORK, Run

_READERS = {
    ".csv": "read_csv_auto({path})",
    ".tsv": "read_csv_auto({path})",
    ".parquet": "read_parquet({path})",
    ".pq": "read_parquet({path})",
    ".jsonl": "read_json_auto({path}, format='newline_delimited')",
    ".ndjson": "read_json_auto({path}, format='newline_delimited')",
}
_WRITERS = {".csv": "FORMAT csv, HEADER", ".parquet": "FORMAT parquet", ".jsonl": "FORMAT json"}
_SHARE = 0.8  # of the run's memory: the rest is Python's


def answer(run: Run) -> Result:
    """Answer the node's query and write its rows as a file.

    Raises:
        RunFailed: a file cannot be read, or the query is wrong.

    """
    duckdb = _duckdb()
    settings = run.spec["node"]["settings"]
    target = run.directory / BATCH / settings["output"]
    try:
        with duckdb.connect(config=_configuration(run)) as database:
            for name, path in views(run).items():
                database.execute(f"CREATE VIEW {_name(name)} AS SELECT * FROM {_reader(path)}")  # noqa: S608 - names are quoted
            copied = f"COPY (\n{_select(duckdb, database, settings['query'])}\n) TO {_text(str(target))}"
            rows = database.execute(f"{copied} ({_WRITERS[target.suffix]})").fetchall()[0][0]
    except duckdb.OutOfMemoryException as error:
        raise RunFailed(OUT_OF_MEMORY, f"the query needed more memory than the run has: {error}") from None
    except duckdb.Error as error:
        raise RunFailed("sql_failed", str(error)) from None
    print(f"{rows} rows in {settings['output']}")  # noqa: T201 - the node's log
    return {"rows": {"read": int(rows), "scored": int(rows)}}


def views(run: Run) -> dict[str, Path]:
    """Return the files by their views' names: without the ending, where no other file has the same name then."""
    files = [
        (file["name"], run.directory / file["path"])
        for file in run.spec.get("files") or []
        if Path(file["path"]).suffix.lower() in _READERS
    ]
    stems = Counter(str(Path(name).with_suffix("")) for name, _ in files)
    short = {
        str(Path(name).with_suffix("")): path for name, path in files if stems[str(Path(name).with_suffix(""))] == 1
    }
    return {**short, **dict(files)}


def _duckdb() -> Any:  # noqa: ANN401 - a module that may be missing
    try:
        return importlib.import_module("duckdb")
    except ImportError as error:
        raise RunFailed("package_missing", f"SQL nodes need the package duckdb: {error}") from error


def _configuration(run: Run) -> dict[str, str]:
    chosen = {"temp_directory": str(run.directory / WORK), "autoinstall_known_extensions": "false"}
    limit = run.spec.get("memory_limit_bytes")
    return {**chosen, "memory_limit": f"{int(limit * _SHARE) // 2**20}MiB"} if limit else chosen


def _select(duckdb: Any, database: Any, query: str) -> str:  # noqa: ANN401 - a module without types
    """Execute all statements but the last one, whose rows are wanted."""
    *first, last = database.extract_statements(query) or [None]
    if last is None or last.type != duckdb.StatementType.SELECT:
        raise RunFailed("sql_failed", "the query's last statement is no SELECT, so it has no rows to keep")
    for statement in first:
        database.execute(statement)
    return str(last.query).strip().rstrip(";")


def _reader(path: Path) -> str:
    return _READERS[path.suffix.lower()].format(path=_text(str(path)))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
