"""What every loaded model offers, whatever framework made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from gristmill_runner.features import Appetite

PREDICTION, PROBABILITY = "prediction", "probability"


class Scorer(Protocol):
    """A loaded model."""

    @property
    def appetite(self) -> Appetite:
        """What it wants to be fed."""

    @property
    def outputs(self) -> Sequence[str]:
        """The names of its output columns, known before the first row."""

    @property
    def libraries(self) -> Sequence[str]:
        """The libraries at work, by the names of their packages."""

    def predict(self, features: Any) -> dict[str, Any]:  # noqa: ANN401 - a frame or a matrix
        """Return the output columns by name: arrays of one or two dimensions, or lists, with an entry a row."""
