"""All commands of `gristmill run`."""

from __future__ import annotations

from gristmill.cli import run_profile
from gristmill.cli.run import runs

__all__ = ["run_profile", "runs"]
