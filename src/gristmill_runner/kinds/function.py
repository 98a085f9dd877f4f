"""Kind ``function``: the user's own ``score(payload)``, called once with all input, or its ``generate_batch``."""

from __future__ import annotations

import functools
import gzip
import inspect
import linecache
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.convert import infer, is_text, to_series
from gristmill_runner.failure import RunFailed
from gristmill_runner.kinds.batch_function import RuntimeContext, batch_of, offers_batch, run_batch
from gristmill_runner.kinds.reply import rows_of, tables_of
from gristmill_runner.outputs.of_run import file_form
from gristmill_runner.plain import column_values, json_lines
from gristmill_runner.protocol import OUTPUTS, InlineTable, Result
from gristmill_runner.run_context import Run
from gristmill_runner.sources.of_run import sources
from gristmill_runner.sources.rejected import sentence
from gristmill_runner.sources.source import Source

_MODULE = "gristmill_function"
_DRAFT = "reply"
_GZIP = b"\x1f\x8b"
_Score = Callable[[Any], Any]


def run_function(run: Run) -> Result:
    """Call the function and store its reply: inline, an element each; as a file, the rows of all elements.

    A file has the columns of the reply alone, because a function need not answer row by row. One that offers
    ``generate_batch`` gets the references themselves, unless the run brings rows.
    """
    function: _Function = run.shelf.get(run.asset, lambda: _Function(_load(run.asset)))
    if not run.spec.get("inline") and offers_batch(function.module):
        return run_batch(run, function.batch(run))
    inputs = sources(run.directory, run.spec)
    score = function.score
    elements = [_element(source) for source in inputs]
    rows = sum(len(element["values"]) for element in elements)
    replied = tables_of(score({"input_data": elements}))
    output = run.spec.get("output") or {}
    result = _to_file(run, replied) if output.get("kind") == "file" else _to_rows(run, replied)
    result["rows"] = {"read": rows, "scored": rows}
    return result


class _Function:
    """Code that was executed, and what was found in it; it stays from run to run."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self._context = RuntimeContext()
        self._batch: Callable[..., Any] | None = None

    @functools.cached_property
    def score(self) -> _Score:
        """The scorer: ``score``, or what a function around a ``score`` returns."""
        return _scorer(self.module)

    def batch(self, run: Run) -> Callable[..., Any]:
        """Return ``generate_batch``, at work for this run; its parameters are those of the deployment."""
        self._context.use(run.spec.get("platform_variables") or {})
        if self._batch is None:
            self._batch = batch_of(self.module, self._context, run.spec.get("parameters") or {})
        return self._batch


def _load(asset: Path) -> ModuleType:
    """Execute the source."""
    path = _source_file(asset)
    content = path.read_bytes()
    source = (gzip.decompress(content) if content.startswith(_GZIP) else content).decode("utf-8")
    module = ModuleType(_MODULE)
    module.__file__ = str(path)
    sys.modules[_MODULE] = module
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - running it is the job
    return module


def _source_file(asset: Path) -> Path:
    if asset.is_file():
        return asset
    files = sorted(asset.rglob("*.py")) or sorted(file for file in asset.rglob("*") if file.is_file())
    if len(files) != 1:
        raise RunFailed("no_scorer", f"the function's content has {len(files)} source files, where one is expected")
    return files[0]


def _scorer(module: ModuleType) -> _Score:
    score = getattr(module, "score", None)
    if callable(score):
        found: _Score = score
        return found
    own = [member for member in vars(module).values() if isinstance(member, FunctionType)]
    makers = [member for member in own if member.__module__ == _MODULE and _holds_score(member.__code__)]
    for maker in makers:
        made: _Score | None = maker() if _needs_nothing(maker) else None
        if callable(made):
            return made
    raise RunFailed(
        "no_scorer", "there is no score(payload), neither by itself nor inside a function without arguments"
    )


def _holds_score(code: CodeType) -> bool:
    return any(isinstance(inner, CodeType) and inner.co_name == "score" for inner in code.co_consts)


def _needs_nothing(function: FunctionType) -> bool:
    free = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return all(parameter.default is not parameter.empty or parameter.kind in free for parameter in parameters)


def _element(source: Source) -> dict[str, Any]:
    """Return one element of ``input_data``; a function gets its whole input at once, as in the product."""
    chunks = list(_chunks(source))
    element: dict[str, Any] = dict(getattr(source, "members", {}))
    if chunks and chunks[0].named:
        element["fields"] = list(chunks[0].names)
    kinds = (
        {name: infer(chunks[0].columns[position]) for position, name in enumerate(chunks[0].names)} if chunks else {}
    )
    element["values"] = [row for chunk in chunks for row in _rows(chunk, kinds)]
    return element


def _chunks(source: Source) -> Iterator[Chunk]:
    """Yield the whole input; a row that cannot be read fails the run, because a function cannot be fed without it."""
    before = 0
    with tempfile.TemporaryDirectory() as scratch:
        for block in source.blocks(Path(scratch)):
            parsed = source.parse(block)
            for bad in parsed.bad:
                raise RunFailed("row_failed", sentence(source.name, before + bad.position + 1, bad))
            before += parsed.rows
            yield parsed.chunk
            if block.scratch:
                block.path.unlink()


def _rows(chunk: Chunk, kinds: dict[str, str | None]) -> list[list[Any]]:
    columns = [_values(name, chunk.columns[position], kinds.get(name)) for position, name in enumerate(chunk.names)]
    return [[column[row] for column in columns] for row in range(chunk.rows)]


def _values(name: str, column: Any, kind: str | None) -> list[object]:  # noqa: ANN401 - see chunk.Column
    if isinstance(column, list):
        return column
    return column_values(to_series(column, name=name, kind=kind) if kind and is_text(column) else column)


def _to_rows(run: Run, replied: list[dict[str, Any]]) -> Result:
    tables: list[InlineTable] = []
    for number, element in enumerate(replied):
        path = f"{OUTPUTS}/predictions-{number}.jsonl"
        with (run.directory / path).open("w", encoding="utf-8") as file:
            file.write(json_lines(element["values"]))
        members = {name: value for name, value in element.items() if name not in ("fields", "values")}
        table: InlineTable = {"path": path, "rows": len(element["values"]), "members": members}
        tables.append({**table, "fields": element["fields"]} if "fields" in element else table)
    return {"predictions": tables, "outputs": [table["path"] for table in tables]}


def _to_file(run: Run, replied: list[dict[str, Any]]) -> Result:
    path = f"{OUTPUTS}/{run.spec['output']['path']}"
    fields, rows = rows_of(replied)
    columns = [[row[position] for row in rows] for position in range(len(fields))]
    form, target, draft = file_form(run.spec["output"]), run.directory / path, run.directory / _DRAFT
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.write_bytes(form.header(fields) + form.encode(Chunk("", 1, fields, columns), {}, names=fields, kinds={}))
    form.finish(draft, target, names=fields)
    return {"outputs": [path]}
