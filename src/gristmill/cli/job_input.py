"""Inputs of jobs that the command line names: assets of the space, or files, which become assets first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gristmill.cli import asset, job_request, lookup
from gristmill.cli.failures import CommandFailed, Unreachable
from gristmill.cli.output import at

if TYPE_CHECKING:
    from gristmill.cli.client import Json
    from gristmill.cli.command import Session
    from gristmill.cli.job_request import Work, WriteMode


@contextmanager
def scoring(session: Session, work: Work, *, env: Sequence[str] = ()) -> Iterator[Json]:
    """Have the section ``scoring`` for a block that sends it; where the block fails, uploaded files go again."""
    tables = job_request.inline(work.data, work.fields, work.input_json)
    # Refuses what does not fit together before anything is uploaded.
    job_request.check(work, tables)
    job_request.variables(env)
    connected = [_connected(session, each, "--from") for each in work.sources or ()]
    output = _output(session, work)
    with contextlib.ExitStack() as uploads:
        ids = [_asset_id(session, each, uploads) for each in work.inputs or ()]
        inputs = [*(job_request.asset(href=f"/v2/assets/{asset_id}") for asset_id in ids), *connected]
        try:
            yield job_request.scoring(tables, inputs, output, env)
        except Unreachable:
            # The answer is lost, perhaps not the request: it would miss its input.
            uploads.pop_all()
            raise
        uploads.pop_all()


def _output(session: Session, work: Work) -> Json | None:
    if work.target:
        return _connected(session, work.target, "--to", work.write_mode)
    return job_request.asset(name=work.output_name) if work.output_name else None


def _connected(session: Session, given: str, option: str, write_mode: WriteMode | None = None) -> Json:
    named, path = job_request.place(given, option)
    connection_id = lookup.connection(session.client, session.space_id, named)
    return job_request.connected(connection_id, path, write_mode)


def _asset_id(session: Session, named: str, uploads: contextlib.ExitStack) -> str:
    """Return the asset of this name or id; where there is none, of the file of this name, uploaded now."""
    client, space_id = session.client, session.space_id
    file = Path(named)
    if lookup.is_id(named) or not file.is_file() or lookup.assets_named(client, space_id, named):
        return lookup.asset_id(client, space_id, named)
    made = str(at(asset.upload_file(session, file), "metadata.asset_id"))
    uploads.callback(_remove, session, made)
    session.screen.remark(f"{file} is now the data asset {made}.")
    return made


def _remove(session: Session, asset_id: str) -> None:
    with contextlib.suppress(CommandFailed):
        session.client.delete(f"/v2/assets/{asset_id}", space_id=session.space_id, purge_on_delete=True)
