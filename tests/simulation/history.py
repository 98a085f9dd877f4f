"""What happened, line by line, with short names in place of ids: the same text for the same seed."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class History:
    """Lines; one that was begun is ended later, below what happened meanwhile."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._names: dict[str, str] = {}

    def say(self, text: str, *, depth: int = 0) -> None:
        """Add a line."""
        self._lines.append(self._indented(text, depth))

    def begin(self, at: datetime, text: str, *, depth: int) -> int:
        """Add a line that is to be ended; return its number."""
        self._lines.append(self._indented(f"{at:%d %H:%M:%S.%f}"[:-5] + f"  {text}", depth))
        return len(self._lines) - 1

    def end(self, line: int, said: object) -> None:
        """Add to a line how it ended."""
        if said is not None:
            self._lines[line] += f" -> {said}"

    def named(self, text: str) -> str:
        """Return a text with its ids in short: #1 is the first that was ever named."""
        return _ID.sub(lambda found: self._names.setdefault(found[0], f"#{len(self._names) + 1}"), text)

    @property
    def length(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    @property
    def digest(self) -> str:
        """What tells two histories apart."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return "\n".join(f"{number:5}  {line}" for number, line in enumerate(self._lines))

    def _indented(self, text: str, depth: int) -> str:
        return f"{'    ' * depth}{text}"
