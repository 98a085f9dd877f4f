"""`gristmill asset store-model`, `store-function`, `store-script` and kin: code and models, with where they run."""

from __future__ import annotations

import contextlib
import gzip
import json
import mimetypes
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli import pages
from gristmill.cli.asset import SHOWN, AssetName, Description, File, assets, store
from gristmill.cli.command import Session, command
from gristmill.cli.failures import CommandFailed
from gristmill.cli.output import at

if TYPE_CHECKING:
    from gristmill.cli.client import Json

Specification = Annotated[
    str | None,
    typer.Option(
        "--spec",
        help="Software specification; by default, the server's own environment (gristmill-py3.x), and for code in R "
        "the newest of R (runtime-25.1-r4.4).",
    ),
]


@dataclass(frozen=True)
class _Known:
    """A software specification that there is; ``is_current`` of one that ships and is not deprecated."""

    name: str
    platform: str
    version: str
    is_current: bool


@command(assets, "store-model")
def store_model(
    session: Session,
    path: Annotated[Path, typer.Argument(metavar="PATH", exists=True, help="A model's file, archive or directory.")],
    kind: Annotated[str, typer.Option("--type", metavar="TYPE", help="The model's type, such as scikit-learn_1.9.")],
    name: AssetName = None,
    description: Description = "",
    spec: Specification = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help='JSON file with the input fields: [{"name": "AGE", "type": "integer"}, ...].',
        ),
    ] = None,
) -> None:
    """Store a model. A directory is packed; rows that do not fit the schema are refused when they are submitted."""
    fields = _fields(schema) if schema else None
    with _packed(path) as content:
        document = _document(session, name or path.stem, description, spec) | {"type": kind}
        if fields:
            document["schemas"] = {"input": [{"id": "input", "type": "struct", "fields": fields}]}
        _store(session, "models", document, "content", content)


@command(assets, "store-function")
def store_function(
    session: Session, file: File, name: AssetName = None, description: Description = "", spec: Specification = None
) -> None:
    """Store a Python function: a file (.py, or .py.gz) that defines score, or a function that returns it."""
    source = file.read_bytes()
    packed = source if source.startswith(b"\x1f\x8b") else gzip.compress(source, mtime=0)
    document = _document(session, name or file.name.partition(".")[0], description, spec)
    _store(session, "functions", document, "code", packed)


@command(assets, "store-script")
def store_script(
    session: Session, file: File, name: AssetName = None, description: Description = "", spec: Specification = None
) -> None:
    """Store a script in Python, or in R (.R): it reads BATCH_INPUT_DIR and writes to BATCH_OUTPUT_DIR."""
    language = "R" if _is_in_r(file) else "python3"
    _store_code(session, file, "script", name=name, description=description, spec=spec, language={"name": language})


@command(assets, "store-notebook")
def store_notebook(
    session: Session, file: File, name: AssetName = None, description: Description = "", spec: Specification = None
) -> None:
    """Store a Jupyter notebook (.ipynb), in Python or R."""
    _store_code(session, file, "notebook", name=name, description=description, spec=spec)


@command(assets, "store-package")
def store_package(
    session: Session, file: File, name: AssetName = None, description: Description = "", spec: Specification = None
) -> None:
    """Store a code package: a zip of scripts, notebooks and modules; its job names the entry point."""
    _store_code(session, file, "code_package", name=name, description=description, spec=spec)


@command(assets, "store-flow")
def store_flow(
    session: Session, file: File, name: AssetName = None, description: Description = "", spec: Specification = None
) -> None:
    """Store a flow: a pipeline document (.pipeline, .json), or a zip of one with the files that it names."""
    _store_code(session, file, "flow", name=name, description=description, spec=spec)


def _store_code(  # a file, what it is called, and where it runs
    session: Session,
    file: Path,
    asset_type: str,
    *,
    name: str | None,
    description: str,
    spec: str | None,
    **entity: object,
) -> None:
    chosen = spec or (_newest_of_r(session) if _is_in_r(file) else None)
    base = _document(session, name or file.name, description, chosen)
    metadata = {"name": base["name"], "description": description, "asset_type": asset_type}
    document = {"metadata": metadata, "entity": {asset_type: {**entity, "software_spec": base["software_spec"]}}}
    mime = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    session.screen.document(store(session, document, file, mime=mime), SHOWN)


def _document(session: Session, name: str, description: str, specification: str | None) -> Json:
    chosen = specification or _own_specification(session)
    return {
        "name": name,
        "description": description,
        "space_id": session.space_id,
        "software_spec": {"name": chosen},
    }


def _own_specification(session: Session) -> str:
    known = _specifications(session)
    own = next((each.name for each in known if each.name.startswith("gristmill-py")), None)
    if own is None:
        raise CommandFailed(_choose(known))
    return own


def _newest_of_r(session: Session) -> str:
    known = _specifications(session)
    of_r = [each for each in known if each.platform == "r" and each.is_current]
    if not of_r:
        raise CommandFailed(_choose(known))
    return max(of_r, key=lambda each: [int(part) for part in each.version.split(".") if part.isdecimal()]).name


def _choose(known: list[_Known]) -> str:
    return f"Choose the software specification with --spec; there are {', '.join(each.name for each in known)}."


def _specifications(session: Session) -> list[_Known]:
    found = pages.resources(session.client, "/v2/software_specifications", limit=1_000, space_id=session.space_id)
    return [_known(each) for each in found.items]


def _known(document: Json) -> _Known:
    platform = "entity.software_specification.software_configuration.platform"
    return _Known(
        name=str(at(document, "metadata.name")),
        platform=str(at(document, f"{platform}.name")),
        version=str(at(document, f"{platform}.version")),
        is_current=at(document, "entity.software_specification.type") == "base"
        and not at(document, "metadata.life_cycle.deprecated"),
    )


def _is_in_r(file: Path) -> bool:
    """Tell whether a script or a notebook is in R; what is no notebook, the server says."""
    if file.suffix.lower() != ".ipynb":
        return file.suffix.lower() == ".r"
    try:
        named = json.loads(file.read_bytes())["metadata"]["kernelspec"]
        return str(named.get("language", "")).lower() == "r" or named.get("name") == "ir"
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _store(session: Session, family: str, document: Json, part: str, content: Any) -> None:  # noqa: ANN401 - bytes, file
    client, space_id = session.client, session.space_id
    asset_id = at(client.post(f"/ml/v4/{family}", document, space_id=space_id), "metadata.id")
    try:
        stored = client.put(f"/ml/v4/{family}/{asset_id}/{part}", content, space_id=space_id)
        shown = client.get(f"/v2/assets/{asset_id}", space_id=space_id)
    except BaseException:
        with contextlib.suppress(CommandFailed):
            client.delete(f"/v2/assets/{asset_id}", space_id=space_id, purge_on_delete=True)
        raise
    for warning in at(stored, "system.warnings") or []:
        session.screen.remark(f"gristmill: {warning['message']}")
    session.screen.document(shown, SHOWN)


@contextmanager
def _packed(path: Path) -> Iterator[Any]:
    """Have a model's content to read: the file as it is, or a directory's files in an archive."""
    if path.is_file():
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for each in sorted(path.iterdir()):
                archive.add(each, arcname=each.name)
        packed.seek(0)
        yield packed


def _fields(path: Path) -> list[Json]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{path}: this is not JSON: {error}.") from error
    if not isinstance(fields, list) or not all(isinstance(each, dict) and "name" in each for each in fields):
        raise CommandFailed(f'{path}: write a list of fields, [{{"name": "AGE", "type": "integer"}}, ...].')
    return fields
