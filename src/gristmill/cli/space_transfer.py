"""`gristmill space export` and `import`: a space as one file, and back."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from gristmill.cli import lookup
from gristmill.cli.command import Session
from gristmill.cli.failures import CommandFailed
from gristmill.cli.output import Column

_BLOCK_BYTES = 1024 * 1024
_IMPORTED = (
    Column("ASSETS", "entity.summary.imported"),
    Column("DEPLOYMENTS", "entity.summary.made.deployments"),
    Column("JOBS", "entity.summary.made.jobs"),
)
Name = Annotated[str, typer.Argument(metavar="SPACE", help="Name or id of the space.")]


def export_space(
    session: Session,
    space: Name,
    output: Annotated[Path, typer.Option("--file", "-f", help="The zip to write; it must not exist.")],
) -> None:
    """Write a space to a zip: assets, specifications, deployments and jobs; no runs, members or secrets."""
    space_id = lookup.space(session.client, space)
    if output.exists():
        raise CommandFailed(f"There is a file {output} already; name another.")
    exports = "/v2/asset_exports"
    made = session.client.post(exports, {"name": space, "assets": {"all_assets": True}}, space_id=space_id)
    place = f"{exports}/{made['metadata']['id']}"
    draft = output.with_name(f".{output.name}.draft")
    try:
        with draft.open("wb") as file:
            for block in session.client.stream(f"{place}/content", space_id=space_id):
                file.write(block)
        draft.rename(output)
    finally:
        draft.unlink(missing_ok=True)
        # The server keeps a copy of its own until then.
        with suppress(CommandFailed):
            session.client.delete(place, space_id=space_id, hard_delete=True)
    session.screen.remark(f"The space is in {output} ({output.stat().st_size} bytes).")


def import_space(
    session: Session,
    space: Name,
    file: Annotated[
        Path, typer.Argument(help="The zip that `gristmill space export` wrote.", exists=True, dir_okay=False)
    ],
) -> None:
    """Bring a zip of `gristmill space export` into a space; what it has by name already stays as it is."""
    space_id = lookup.space(session.client, space)
    with file.open("rb") as content:
        done = session.client.call(
            "POST",
            "/v2/asset_imports",
            params={"space_id": space_id},
            content=iter(lambda: content.read(_BLOCK_BYTES), b""),
            headers={"Content-Type": "application/zip"},
        )
    session.screen.document(done, _IMPORTED)
    summary: dict[str, Any] = done["entity"]["summary"]
    for skipped in summary["skipped"]:
        session.screen.remark(f"Not imported: {skipped['asset_type']} {skipped['name']}: {skipped['reason']}")
    for left in summary.get("attention", []):
        session.screen.remark(f"To do: {left['type']} {left['name']}: {left['note']}")
