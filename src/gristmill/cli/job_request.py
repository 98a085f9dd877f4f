"""The body of a deployment job, made from what stands on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gristmill.cli.client import Json

Env = Annotated[list[str] | None, typer.Option("--env", metavar="K=V", help="Environment variable; may be repeated.")]


class WriteMode(StrEnum):
    """What happens to the rows that a table has."""

    APPEND = "append"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a run is to work on, and where its result goes, as the command line says it."""

    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON", help="Rows to score: [[47, 0.7], [23, 0.8]].")
    ] = None
    fields: Annotated[str | None, typer.Option("--fields", metavar="A,B", help="Names of the columns of --data.")] = (
        None
    )
    input_json: Annotated[
        Path | None,
        typer.Option(
            "--input-json",
            metavar="FILE",
            help='File with {"fields": [...], "values": [...]}, or several; - is input.',
        ),
    ] = None
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="ASSET",
            help="Data asset to work on, or a file here, which is uploaded; may be repeated.",
        ),
    ] = None
    output_name: Annotated[
        str | None,
        typer.Option(
            "--output-name", metavar="NAME", help="Data asset that is to hold results; ${run_id} and kin are filled in."
        ),
    ] = None
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="CONNECTION:PATH",
            help="Table or file behind a connection to work on, after those of --input: warehouse:/public/patients; "
            "may be repeated.",
        ),
    ] = None
    target: Annotated[
        str | None,
        typer.Option("--to", metavar="CONNECTION:PATH", help="Table or file behind a connection for the results."),
    ] = None
    write_mode: Annotated[
        WriteMode | None,
        typer.Option("--write-mode", help="Whether rows are added to the table of --to (the default), or replace it."),
    ] = None


def inline(data: str | None, fields: str | None, file: Path | None) -> list[Json]:
    """Return the tables of inline rows: of --data and --fields, or of the file of --input-json.

    Raises:
        BadParameter: both are given, or what is given is not of that shape.

    """
    if data is not None and file is not None:
        raise typer.BadParameter("give --data or --input-json, not both.")
    if fields is not None and data is None:
        raise typer.BadParameter("--fields names the columns of --data.", param_hint="--fields")
    if file is not None:
        return _tables(_parsed(_text(file), "--input-json"))
    return [_table(data, fields)] if data is not None else []


def variables(given: Sequence[str]) -> dict[str, str]:
    """Return the environment variables of ``NAME=VALUE`` texts."""
    pairs = [each.partition("=") for each in given]
    for each, (name, sign, _) in zip(given, pairs, strict=True):
        if not name or not sign:
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE.", param_hint="--env")
    return {name: value for name, _, value in pairs}


def check(work: Work, tables: Sequence[Json]) -> None:
    """Refuse options that do not go together: rows come back as rows, and results go to one place."""
    if tables and (work.inputs or work.sources or work.output_name or work.target):
        raise typer.BadParameter(
            "rows of --data and --input-json come back as rows; --input, --from, --output-name and --to do not."
        )
    if work.output_name and work.target:
        raise typer.BadParameter("results go to one place: give --output-name or --to, not both.")
    if work.write_mode and not work.target:
        raise typer.BadParameter("--write-mode goes with --to.", param_hint="--write-mode")


def scoring(tables: Sequence[Json], inputs: Sequence[Json], output: Json | None, env: Sequence[str]) -> Json:
    """Return the section ``scoring`` of tables of rows, or of references."""
    section: dict[str, Any] = {"input_data": list(tables)} if tables else {"input_data_references": list(inputs)}
    if output:
        section["output_data_reference"] = output
    if found := variables(env):
        section["environment_variables"] = found
    return section


def asset(**location: str) -> Json:
    """Return the reference of a data asset, by ``href`` or by ``name``."""
    return {"type": "data_asset", "connection": {}, "location": location}


def connected(connection_id: str, path: str, write_mode: WriteMode | None = None) -> Json:
    """Return the reference of what is behind a connection at a path, as browsing shows it."""
    location = {"path": path, **({"write_mode": str(write_mode)} if write_mode else {})}
    return {"type": "connection_asset", "connection": {"id": connection_id}, "location": location}


def place(given: str, option: str) -> tuple[str, str]:
    """Return the connection and the path of ``CONNECTION:PATH``."""
    connection, _, path = given.partition(":")
    if not connection or not path:
        raise typer.BadParameter(f"{given!r} is not CONNECTION:PATH.", param_hint=option)
    return connection, path


def _table(data: str, fields: str | None) -> Json:
    rows = _parsed(data, "--data")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise typer.BadParameter("write a list of rows, such as [[47, 'M'], [23, 'F']] in JSON.", param_hint="--data")
    named = {"fields": [each.strip() for each in fields.split(",")]} if fields else {}
    return {**named, "values": rows}


def _tables(found: Any) -> list[Json]:  # noqa: ANN401 - any JSON
    """Take one table, a list of tables, or an object with these under ``input_data``."""
    if isinstance(found, dict) and "input_data" in found:
        found = found["input_data"]
    tables = [found] if isinstance(found, dict) else found
    if not isinstance(tables, list) or not all(isinstance(each, dict) and "values" in each for each in tables):
        raise typer.BadParameter('write {"fields": [...], "values": [[...], ...]}.', param_hint="--input-json")
    return tables


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}", param_hint="--input-json") from error


def _parsed(text: str, option: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"this is not JSON: {error}", param_hint=option) from error
