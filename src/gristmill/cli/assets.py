"""All commands of `gristmill asset`."""

from __future__ import annotations

from gristmill.cli import asset_store, asset_trash
from gristmill.cli.asset import assets

__all__ = ["asset_store", "asset_trash", "assets"]
