"""All commands of `gristmill deployment`."""

from __future__ import annotations

from gristmill.cli import deployment_preview
from gristmill.cli.deployment import deployments

__all__ = ["deployment_preview", "deployments"]
