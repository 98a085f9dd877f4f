"""Makes run directories and small real models for the runner's tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tests.unit.runner.warm import WARM

from gristmill_runner.failure import RunFailed
from gristmill_runner.kinds.run_kind import run_kind
from gristmill_runner.protocol import InlineTable, InputFile, Result, Rows, Spec, write_spec
from gristmill_runner.run_context import Run, Shelf

PEOPLE = pd.DataFrame(
    {
        "age": [22, 38, 26, 35, 54, 2, 27, 14],
        "fare": [7.25, 71.28, 7.92, 53.1, 51.86, 21.07, 11.13, 30.07],
        "port": ["S", "C", "S", "S", "Q", "S", "C", "Q"],
    }
)
SURVIVED = [0, 1, 1, 1, 0, 0, 1, 1]
FIELDS = [{"name": "age", "type": "int64"}, {"name": "fare", "type": "double"}, {"name": "port", "type": "string"}]


def people_classifier() -> Any:
    """A pipeline on text and numbers that refuses ports it does not know."""
    columns = make_column_transformer((StandardScaler(), ["age", "fare"]), (OneHotEncoder(), ["port"]))
    return make_pipeline(columns, LogisticRegression()).fit(PEOPLE, SURVIVED)


def doubling_regressor() -> Any:
    """Predicts twice ``x``; fitted on a bare matrix, so it knows no names."""
    return LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0])


def stored(model: Any, directory: Path, name: str = "scikit_model.pkl") -> Path:
    """Store a model as the client's archive unpacks: a directory with one file."""
    directory.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, directory / name)
    return directory


def rows(read: int, *, rejected: int = 0, not_attempted: int = 0, resumed: int = 0) -> Rows:
    """Counts of rows that add up."""
    scored = read - rejected - not_attempted
    return Rows(read=read, scored=scored, rejected=rejected, not_attempted=not_attempted, resumed=resumed)


class Directory:
    """A run directory in the making."""

    def __init__(self, path: Path, **spec: Any) -> None:
        self.path = path
        self.spec: Spec = {"version": 1, "run_id": "r", "kind": "model", "output": {"kind": "inline"}, **spec}  # type: ignore[typeddict-item]
        self.spec.setdefault("inline", [])
        self.spec.setdefault("files", [])
        write_spec(path, self.spec)

    def with_rows(self, rows: Iterable[Any], fields: Sequence[str] | None = None, **members: Any) -> Directory:
        """Add an inline table."""
        rows, number = list(rows), len(self.spec["inline"])
        path = f"inputs/inline-{number}.jsonl"
        (self.path / path).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        table: InlineTable = {"path": path, "rows": len(rows), "members": members}
        if fields is not None:
            table["fields"] = list(fields)
        self.spec["inline"].append(table)
        return self

    def with_file(self, name: str, content: str | bytes, **more: Any) -> Directory:
        """Add an input file."""
        (self.path / "inputs" / name).write_bytes(content.encode() if isinstance(content, str) else content)
        file: InputFile = {"path": f"inputs/{name}", "name": name, **more}  # type: ignore[typeddict-item]
        self.spec["files"].append(file)
        return self

    def to_file(self, name: str, file_format: str = "csv") -> Directory:
        """Send the output to a file."""
        self.spec["output"] = {"kind": "file", "path": name, "format": file_format}
        return self

    def saved(self) -> Path:
        """Write the specification as it is now."""
        write_spec(self.path, self.spec)
        return self.path

    def run(self, shelf: Shelf | None = None) -> Result:
        """Run it; a model in a child that stays warm, all else in this process."""
        self.saved()
        if self.spec["kind"] != "model":
            return run_kind(Run(self.path, self.spec, shelf or Shelf()))
        result, self.log = WARM.run(self.path)
        if "cause" in result:
            raise RunFailed(result["cause"]["code"], result["cause"]["message"])
        return result

    def predictions(self, number: int = 0) -> list[Any]:
        """Return the rows of an inline answer."""
        lines = (self.path / f"outputs/predictions-{number}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def output(self, name: str) -> str:
        """Return an output file's text."""
        return (self.path / "outputs" / name).read_bytes().decode()
