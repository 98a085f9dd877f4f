"""The body of a deployment job, made from what stands on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gristmill.cli.client import Json

Env = Annotated[list[str] | None, typer.Option("--env", metavar="K=V", help="Environment variable; may be repeated.")]


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
        str | None, typer.Option("--output-name", metavar="NAME", help="Data asset that is to hold results.")
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


def scoring(tables: Sequence[Json], input_ids: Sequence[str], output_name: str | None, env: Sequence[str]) -> Json:
    """Return the section ``scoring``; the two ways of input exclude each other."""
    if tables and (input_ids or output_name):
        raise typer.BadParameter("rows of --data and --input-json come back as rows; --input and --output-name do not.")
    section: dict[str, Any] = {}
    if tables:
        section["input_data"] = list(tables)
    else:
        section["input_data_references"] = [_reference(href=f"/v2/assets/{asset_id}") for asset_id in input_ids]
    if output_name:
        section["output_data_reference"] = _reference(name=output_name)
    if found := variables(env):
        section["environment_variables"] = found
    return section


def _reference(**location: str) -> Json:
    return {"type": "data_asset", "connection": {}, "location": location}


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
