"""The books of a run: every row that was read, what became of it, and the ledger and staged files that prove it."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed
from gristmill_runner.outputs.form import Form
from gristmill_runner.protocol import Field, Rejection, Rows, Share
from gristmill_runner.run_context import Run
from gristmill_runner.scoring.error_threshold import ErrorThreshold
from gristmill_runner.scoring.ledger import VERSION, Entry, Header, Ledger, Piece, fingerprint
from gristmill_runner.scoring.messages import Answer, Plan, notes_part, output_part
from gristmill_runner.scoring.profile import RunProfile
from gristmill_runner.scoring.quarantine import committed, moved, rejection, told_in_words
from gristmill_runner.scoring.seen import Seen
from gristmill_runner.scoring.staged import staged_files
from gristmill_runner.sources.source import Block, Source

_TOLD_REJECTIONS = 10


class Books:
    """Counts and commits; one who opens them goes on behind what an earlier attempt committed."""

    def __init__(self, run: Run, inputs: Sequence[Source], form: Form) -> None:
        self._directory, self._form, self._inputs = run.directory, form, inputs
        self._threshold = ErrorThreshold.of(run.spec.get("error_threshold"))
        self._limit = run.spec.get("row_limit")
        self.output, self.rejects = staged_files(run.directory)
        self._made_for = fingerprint(run.spec, inputs)
        self._ledger = Ledger(run.directory, output=self.output, rejects=self.rejects, made_for=self._made_for)
        self.rows_of, self.ends = [0] * len(inputs), [0] * len(inputs)
        self.marks: dict[int, Any] = {}
        self.scored = self.rejected = self.chunks = 0
        self.loose_notes, self._loose_rows, self._unattempted = b"", 0, 0
        self.plan: Plan = {}
        self.settled_at: int | None = None  # the number behind the chunk that told the kinds of the input
        self._is_share = "share" in run.spec
        self._take_plan(run.spec.get("share") or {})
        self.fields: list[Field] = []
        self.profile = RunProfile()
        self.seconds, self._seen = 0.0, Seen()
        self._recover()
        self.resumed = self.done

    @property
    def done(self) -> int:
        """How many rows are scored or rejected."""
        return self.scored + self.rejected

    @property
    def total(self) -> int | None:
        """How many rows there are, None where nobody knows."""
        known = [source.rows for source in self._inputs]
        total = None if None in known else sum(rows or 0 for rows in known)
        return total if self._limit is None or total is None else min(total, self._limit)

    @property
    def header(self) -> Header | None:
        """The ledger's first line."""
        return self._ledger.header

    @property
    def rows_left(self) -> int | None:
        """How many more rows are looked at, None without a limit."""
        return None if self._limit is None else self._limit - self.done

    @property
    def room(self) -> int | None:
        """How many more rows may be rejected, None where nobody can tell yet."""
        return self._threshold.room(self.rejected, total=self.total)

    @property
    def made_for(self) -> str:
        """What tells a ledger of this input and output."""
        return self._made_for

    @property
    def reached(self) -> list[Any] | None:
        """Source and mark of the last chunk."""
        last = max(self.marks, default=None)
        return None if last is None else [last, self.marks[last]]

    def adopt(self, entry: Entry, header: Header, *, output: Path, start: int, notes: bytes) -> None:
        """Account for the next chunk, which a share's ledger has; its piece of the output begins at ``start``."""
        if self.header is None:
            self._begin(header["names"], header["predictions"], header["packages"])
        self.output.append_file(output, entry["output"]["end"] - start, start=start)
        notes = moved(notes, by=self.rows_of[entry["source"]])
        self.rejects.append(notes)
        own: Entry = {**entry, "chunk": self.chunks}
        own["output"] = Piece(end=self.output.end, crc=entry["output"]["crc"])
        own["rejects"] = Piece(end=self.rejects.end, crc=zlib.crc32(notes))
        own.pop("after", None)
        self._ledger.commit(own)
        self._account(own)

    def commit(self, answer: Answer, block: Block, *, after: Any = None) -> None:  # noqa: ANN401 - JSON
        """Account for a block and stage what became of it; ``after`` tells where it begins.

        Raises:
            RunFailed: ``row_failed``: with it, more rows are rejected than may be. Then it is not staged.
                ``output_failed``: with it, there are more rows than the output can have.

        """
        if self.header is None:
            self._begin(answer["names"], answer["predictions"], answer.get("packages", {}))
        self._judge(answer, block)
        self.output.append_file(output_part(self._directory, answer["number"]), answer["output"]["size"])
        before = 0 if self._is_share else self.rows_of[block.source]
        notes = committed(self._notes(answer), source=block.source, before=before)
        self.rejects.append(notes)
        entry: Entry = {"chunk": self.chunks, "at": time.time(), "source": block.source, "mark": block.mark}
        entry.update({"rows": answer["rows"], "scored": answer["scored"], "rejected": answer["rejected"]})
        entry["output"] = Piece(end=self.output.end, crc=answer["output"]["crc"])
        entry["rejects"] = Piece(end=self.rejects.end, crc=zlib.crc32(notes))
        entry["profile"] = answer["profile"]
        if "kinds" in answer:
            entry["kinds"], entry["fields"] = answer["kinds"], answer["fields"]
        if self._is_share:
            entry["after"] = after
        self._ledger.commit(entry)
        self._account(entry)
        self.seconds += answer.get("seconds", 0.0)
        self._seen.add(block, rows=answer.get("block_rows", 0))
        self.check_output()

    def check_output(self) -> None:
        """See to it that the output can have all rows that will be in it for certain.

        Raises:
            RunFailed: ``output_failed``.

        """
        certain, room = self.scored, self.room
        if self.total is not None and room is not None:
            certain = max(certain, self.total - self.rejected - room)
        self._form.check_rows(certain)

    def leave(self, rows: int) -> None:
        """Account for rows that were read and are not committed, because the run ends before."""
        self._unattempted += rows

    def are_too_many(self, rejected: int) -> bool:
        """Tell whether so many more rejected rows are more than may be."""
        return self._threshold.is_broken(self.rejected + rejected, read=self.done, total=self.total)

    def check(self) -> None:
        """See to it that every row is accounted for.

        Raises:
            RunFailed: ``row_failed``: the share of rejected rows is too large; ``rows_unaccounted``.

        """
        if self._threshold.is_broken(self.rejected, read=self.done, total=self.done):
            raise self._failure(None)
        if self.total is not None and self.done != self.total:
            message = f"of {self.total} rows, {self.scored} were scored and {self.rejected} rejected: some are missing"
            raise RunFailed("rows_unaccounted", message)

    def rows(self) -> Rows:
        """Return the counts: read = scored + rejected + not attempted."""
        rejected = self.rejected + self._loose_rows
        unattempted = self._unattempted if self.total is None else self.total - self.scored - rejected
        read = self.scored + rejected + unattempted
        return Rows(read=read, scored=self.scored, rejected=rejected, not_attempted=unattempted, resumed=self.resumed)

    def input_rows(self) -> int | None:
        """Return how many rows the whole input has, judged by what was seen of it; None where nothing tells."""
        return self._seen.rows_of(self._inputs)

    def rejections(self) -> list[Rejection]:
        """Return the first few rejected rows."""
        names = [source.name for source in self._inputs]
        with self.rejects.path.open("rb") as staged:
            lines = [*islice(staged, _TOLD_REJECTIONS), *self.loose_notes.splitlines()]
        return [rejection(json.loads(line), names) for line in lines[:_TOLD_REJECTIONS]]

    def close(self) -> None:
        """Close the files."""
        for file in (self._ledger, self.output, self.rejects):
            file.close()

    def _recover(self) -> None:
        for entry in self._ledger.recover():
            self._account(entry)
        if self.header is not None:
            self.plan["names"] = self.header["names"]

    def _take_plan(self, share: Share) -> None:
        """Begin with what the first chunk of the input showed elsewhere."""
        if "kinds" in share:
            self.plan["names"], self.plan["kinds"] = share["names"], share["kinds"]

    def _begin(self, names: list[str], predictions: list[str], packages: dict[str, str]) -> None:
        """Write what holds for all chunks."""
        content = self._form.header(names)
        self.output.append(content)
        header = Header(
            ledger=VERSION,
            made_for=self._made_for,
            names=names,
            predictions=predictions,
            packages=packages,
            output=Piece(end=self.output.end, crc=zlib.crc32(content)),
        )
        self._ledger.begin(header)
        self.plan["names"] = names

    def _account(self, entry: Entry) -> None:
        self.chunks = entry["chunk"] + 1
        self.scored += entry["scored"]
        self.rejected += entry["rejected"]
        self.rows_of[entry["source"]] += entry["rows"]
        self.ends[entry["source"]] = entry["output"]["end"]
        self.marks[entry["source"]] = entry["mark"]
        self.profile.add(entry["profile"])
        if "kinds" in entry:
            self.plan["kinds"], self.fields = entry["kinds"], entry["fields"]
            self.settled_at = self.chunks

    def _judge(self, answer: Answer, block: Block) -> None:
        rejected = self.rejected + answer["rejected"]
        given_up = answer["scored"] + answer["rejected"] < answer["rows"]
        if given_up or self._threshold.is_broken(rejected, read=self.done + answer["rows"], total=self.total):
            before = self.rows_of[block.source]
            self.loose_notes = committed(self._notes(answer), source=block.source, before=before)
            self._loose_rows = answer["rejected"]
            self._unattempted += answer["rows"] - answer["rejected"]
            raise self._failure(answer["traceback"])

    def _failure(self, traceback: str | None) -> RunFailed:
        """Return the failure that names the first rejected row, and tells how many there are."""
        number = self.rejected + self._loose_rows
        more = f"; {number} rows were rejected, and the error threshold is {self._threshold}" if number > 1 else ""
        return RunFailed("row_failed", told_in_words(self.rejections()[0]) + more, traceback=traceback)

    def _notes(self, answer: Answer) -> bytes:
        if not answer["rejected"]:
            return b""
        return notes_part(self._directory, answer["number"]).read_bytes()
