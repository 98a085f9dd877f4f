"""How many processes are expected to score the chunks of a run at once."""

from __future__ import annotations

import os

from gristmill.domain.run_spec import RunSpec


def scorers(spec: RunSpec) -> int:
    """Return the whole processors of the run's hardware, at least one, and at most those of this machine."""
    return max(1, min(int(spec.cpus or 1), os.cpu_count() or 1))
