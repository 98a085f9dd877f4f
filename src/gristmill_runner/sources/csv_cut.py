"""Where the rows of CSV bytes end: exactly, also where quoted cells hold line breaks.

Quotes are understood as Arrow understands them: one opens at the beginning of a cell only, and behind a closed one the
rest of the cell is taken as it is.
"""

from __future__ import annotations

import re
from typing import Any

from gristmill_runner.sources.csv_dialect import Dialect

_LINE_FEED, _RETURN = 10, 13


def whole_rows(content: bytes, dialect: Dialect) -> int:
    """Return how many of the bytes are whole rows; they begin at the beginning of one."""
    if dialect.quote.encode() not in content:
        return content.rfind(dialect.break_) + 1
    ends = row_ends(content, dialect)
    # A carriage return may be half of a line's end, of which the other half was not read yet.
    certain = ends[_array(content)[ends - 1] == dialect.break_[0]] if len(ends) else ends
    return int(certain[-1]) if len(certain) else 0


def row_ends(content: bytes, dialect: Dialect) -> Any:  # noqa: ANN401 - a numpy.ndarray
    """Return where each row ends, line break included, blank ones too; not where the last one has no line break."""
    import numpy as np

    breaks = _breaks(content)
    if dialect.quote.encode() not in content:
        return breaks + 1
    data = _array(content)
    quotes = np.flatnonzero(data == ord(dialect.quote))
    if not _regular(data, quotes, dialect):
        return np.array([match.end() for match in _row_pattern(dialect).finditer(content) if match[1]], dtype=np.int64)
    return breaks[np.searchsorted(quotes, breaks) % 2 == 0] + 1


def quotes_are_regular(content: bytes, dialect: Dialect) -> bool:
    """Tell whether every quote opens, closes or is doubled within a pair, so that counting tells what is quoted."""
    import numpy as np

    data = _array(content)
    quotes = np.flatnonzero(data == ord(dialect.quote))
    return len(quotes) % 2 == 0 and _regular(data, quotes, dialect)


def _array(content: bytes) -> Any:  # noqa: ANN401
    import numpy as np

    return np.frombuffer(content, dtype=np.uint8)


def _breaks(content: bytes) -> Any:  # noqa: ANN401
    """Return the last byte of each line's end."""
    import numpy as np

    data = _array(content)
    feeds = data == _LINE_FEED
    if b"\r" in content:
        alone = data == _RETURN
        alone[:-1] &= ~feeds[1:]
        feeds |= alone
    return np.flatnonzero(feeds)


def _regular(data: Any, quotes: Any, dialect: Dialect) -> bool:  # noqa: ANN401
    """Tell whether quotes stand at the borders of cells only, or doubled within them."""
    import numpy as np

    borders = np.zeros(256, dtype=bool)
    borders[[ord(dialect.delimiter), ord(dialect.quote), _LINE_FEED, _RETURN]] = True
    opening, closing = quotes[::2], quotes[1::2]
    opening, closing = opening[opening > 0], closing[closing < len(data) - 1]
    return bool(borders[data[opening - 1]].all() and borders[data[closing + 1]].all())


def _row_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    sign, quote = re.escape(dialect.delimiter.encode()), re.escape(dialect.quote.encode())
    # There is one way only to match a cell, so that nothing is tried twice.
    quoted = rb"Q[^Q]*(?:QQ[^Q]*)*(?:Q(?!Q)|\Z)".replace(b"Q", quote)
    cell = rb"(?:%b|(?!%b))[^%b\r\n]*" % (quoted, quote, sign)
    return re.compile(rb"(?:%b%b)*%b(\r\n|\r|\n|\Z)" % (cell, sign, cell))
