"""`gristmill asset trash` and `restore`: what was deleted, and how to have it back."""

from __future__ import annotations

from gristmill.cli import lookup, pages
from gristmill.cli.asset import SHOWN, Asset, assets
from gristmill.cli.command import LISTED, Limit, Session, command
from gristmill.cli.failures import CommandFailed
from gristmill.cli.output import Column, at

_TRASH = "/v2/trashed_assets"
_MOST = 10_000
_LISTED = (*SHOWN[:3], Column("DELETED", "metadata.deleted_at"))


@command(assets, "trash")
def trash(session: Session, limit: Limit = LISTED) -> None:
    """List what was deleted and can be had back."""
    session.screen.listing(pages.resources(session.client, _TRASH, limit=limit, space_id=session.space_id), _LISTED)


@command(assets, "restore")
def restore(session: Session, asset: Asset) -> None:
    """Take an asset out of the trash."""
    asset_id = asset if lookup.is_id(asset) else _id_of(session, asset)
    found = session.client.post(f"{_TRASH}/{asset_id}/restore", space_id=session.space_id)
    session.screen.document(found, SHOWN)


def _id_of(session: Session, name: str) -> str:
    """Return the id of the deleted asset of a name, the only one that has it."""
    found = pages.resources(session.client, _TRASH, limit=_MOST, space_id=session.space_id).items
    named = [str(at(each, "metadata.asset_id")) for each in found if at(each, "metadata.name") == name]
    if not named:
        raise CommandFailed(f"There is no asset {name} in the trash; `gristmill asset trash` lists what is.")
    if len(named) > 1:
        raise CommandFailed(f"{len(named)} in the trash are named {name}; give the id of one: {', '.join(named)}.")
    return named[0]
