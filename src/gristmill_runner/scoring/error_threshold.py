"""How many rows may be rejected before a run fails."""

from __future__ import annotations

from dataclasses import dataclass

from gristmill_runner import protocol

_ENOUGH_ROWS = 10_000  # read, before a share is judged of which nobody knows the whole


@dataclass(frozen=True)
class ErrorThreshold:
    """A number of rows, or else a share of those that are read."""

    rows: int = 0
    share: float | None = None

    @classmethod
    def of(cls, threshold: protocol.ErrorThreshold | None) -> ErrorThreshold:
        """Return the threshold of a specification; none given means that no row may be rejected."""
        given = threshold or {}
        return cls(given.get("rows") or 0, given.get("share") if "rows" not in given else None)

    def is_broken(self, rejected: int, *, read: int, total: int | None) -> bool:
        """Tell whether more rows are rejected than may be; a share is judged when it can no longer be met.

        ``total`` are the rows that there are, None where only the end tells: then a share is judged by the rows that
        were ``read``, when those are many.
        """
        if self.share is None:
            return rejected > self.rows
        if total is not None:
            return rejected > self.share * total
        return read >= _ENOUGH_ROWS and rejected > self.share * read

    def room(self, rejected: int, *, total: int | None) -> int | None:
        """Return how many more rows may be rejected; None where nobody can tell yet."""
        if self.share is None:
            return max(0, self.rows - rejected)
        return None if total is None else max(0, int(self.share * total) - rejected)

    def __str__(self) -> str:
        return f"{self.rows}" if self.share is None else f"{self.share:.4g} of the rows"
