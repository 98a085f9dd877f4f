"""The states of a flow's nodes, told to the worker with each change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from gristmill_runner.protocol import Cause, FlowNode

WAITING, RUNNING, COMPLETED = "waiting", "running", "completed"
FAILED, SKIPPED, CANCELED = "failed", "skipped", "canceled"
OVER = frozenset((COMPLETED, FAILED, SKIPPED, CANCELED))
_MOST_CHARACTERS = 1_000


class States:
    """The state of every node; a change is a line in the progress file, and a line of figures follows it."""

    def __init__(self, path: Path, nodes: Iterable[FlowNode]) -> None:
        self._file = path.open("w", encoding="ascii", buffering=1)
        self._states = {node["id"]: COMPLETED if node.get("kept") else WAITING for node in nodes}
        self.causes: dict[str, Cause] = {}
        self._tell()

    def of(self, node: FlowNode) -> str:
        """Return the state of a node."""
        return self._states[node["id"]]

    def number(self, *states: str) -> int:
        """Return how many nodes are in one of the states."""
        return sum(state in states for state in self._states.values())

    def change(self, node: FlowNode, state: str, cause: Cause | None = None) -> None:
        """Note a node's new state."""
        self._states[node["id"]] = state
        at = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")  # noqa: UP017 - 3.9
        told: dict[str, Any] = {"node": node["id"], "state": state, "at": at}
        if cause is not None:
            self.causes[node["id"]] = cause
            told["cause"] = {name: str(cause.get(name, ""))[:_MOST_CHARACTERS] for name in ("code", "message")}
        self._tell(told)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _tell(self, told: dict[str, Any] | None = None) -> None:
        figures = {"rows_done": self.number(*OVER), "rows_total": len(self._states), "unit": "nodes"}
        lines = [json.dumps(told)] if told else []
        # In one piece: whoever reads the last line finds figures.
        self._file.write("\n".join([*lines, json.dumps(figures)]) + "\n")
