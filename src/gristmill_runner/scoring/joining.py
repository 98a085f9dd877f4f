"""Takes what several nodes have scored of one input into the books of their run, in the order of the input.

Whatever does not fit ends it: behind that the run scores the rest by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from gristmill_runner.protocol import LEDGER
from gristmill_runner.scoring.books import Books
from gristmill_runner.scoring.ledger import Entry, Ledger
from gristmill_runner.scoring.share import Share
from gristmill_runner.scoring.staged import staged_files


def join(books: Books, places: Sequence[Path]) -> None:
    """Take over chunks from the directories of shares, share by share; they are copied, and checked before."""
    with ExitStack() as stack:
        readers = [stack.enter_context(closing(_Reader(place, books))) for place in places]
        while _next(books, readers):
            pass


def _next(books: Books, readers: Sequence[_Reader]) -> bool:
    """Take the next chunk; False where there is none."""
    number, begin = books.chunks, books.settled_at
    of = next((at for at in range(len(readers)) if Share(at, len(readers), begin).has(number)), None)
    if of is None:
        return False
    reader = readers[of]
    entry = reader.entry(Share(of, len(readers), begin).index(number))
    header = reader.ledger.header
    if entry is None or header is None or entry.get("after") != books.reached:
        return False
    books.adopt(entry, header, output=reader.output.path, start=reader.start, notes=reader.notes())
    return True


class _Reader:
    """The ledger of a share, read once from its beginning; ``start`` is where the entry's output begins."""

    def __init__(self, place: Path, books: Books) -> None:
        (place / LEDGER).touch()
        self.output, self.rejects = staged_files(place)
        self.ledger = Ledger(place, output=self.output, rejects=self.rejects, made_for=books.made_for)
        self.start = self._notes_start = self._read = 0
        self._entries = self.ledger.recover()

    def entry(self, index: int) -> Entry | None:
        """Return its chunk of this number, with what it speaks of found to be there; None where it has none."""
        entry = None
        while self._read <= index:
            self.start, self._notes_start = self.output.end, self.rejects.end
            entry = next(self._entries, None)
            if entry is None:
                return None
            if self._read == 0:  # the header's bytes come before it
                self.start = self._header_end()
            self._read += 1
        return entry

    def notes(self) -> bytes:
        """Return the notes on the entry's rejected rows."""
        with self.rejects.path.open("rb") as file:
            file.seek(self._notes_start)
            return file.read(self.rejects.end - self._notes_start)

    def close(self) -> None:
        """Close the files."""
        for file in (self.ledger, self.output, self.rejects):
            file.close()

    def _header_end(self) -> int:
        return self.ledger.header["output"]["end"] if self.ledger.header else 0
