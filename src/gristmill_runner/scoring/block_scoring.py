"""What a scorer does with a block: parse, predict, summarise, encode; the result lies in part files."""

from __future__ import annotations

import sys
import time
import zlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.features import Features
from gristmill_runner.loaders.files import PICKLE, find_model
from gristmill_runner.loaders.pickled import version_story
from gristmill_runner.loaders.scorer import Scorer
from gristmill_runner.outputs.form import Among
from gristmill_runner.outputs.names import input_names, output_names
from gristmill_runner.outputs.of_run import form
from gristmill_runner.run_context import Run
from gristmill_runner.scoring.attempts import Attempts, Scored
from gristmill_runner.scoring.messages import Answer, Order, Part, Plan, block_of, notes_part, output_part
from gristmill_runner.scoring.profile import summaries
from gristmill_runner.scoring.quarantine import Note, lines_of, note_in, note_of
from gristmill_runner.sources.of_run import sources
from gristmill_runner.sources.source import BadRow, Parsed

Watch = Callable[[int, int], None]
"""Is told which rows of the block are tried next: from a position up to another one."""


class BlockScoring:
    """Scores blocks of one run with a loaded model."""

    def __init__(self, run: Run, scorer: Scorer) -> None:
        self._directory, self._scorer = run.directory, scorer
        self._sources = sources(run.directory, run.spec)
        self._form = form(run.spec)
        self._features = Features(run.spec.get("fields") or scorer.appetite.fields, scorer.appetite)
        self._attempts = Attempts(scorer, self._features, lambda: _story(run))
        self._settled = False
        self._block_rows = 0

    def score(self, order: Order) -> Answer:
        """Score a block.

        Raises:
            RunFailed: the run has to fail.

        """
        begun = time.perf_counter()
        self._settle(order["plan"])
        parsed = self._parsed(order)
        read = time.perf_counter()
        deadly = dict(order.get("without") or [])
        places = _places(parsed)
        fatal = [BadRow(at, deadly[place]) for at, place in enumerate(places) if place in deadly] if deadly else []
        chunk = parsed.chunk.without({bad.position for bad in fatal})
        kept = [place for place in places if place not in deadly] if fatal else places
        if order.get("notes_only"):
            found = Scored(chunk, {}, self._features.kinds, given_up=True)
        else:
            found = self._attempts.score(chunk, untried=not self._settled, most_bad=order.get("most_bad"))
        names = self._names(parsed.chunk)
        notes = [note_of(bad, names) for bad in parsed.bad]
        notes += [note_in(parsed.chunk, bad, position=places[bad.position], names=names) for bad in fatal]
        notes += [note_in(chunk, bad, position=kept[bad.position], names=names) for bad in found.bad]
        answer = self._answer(order, parsed, found, notes=sorted(notes, key=lambda note: note["row"]))
        gone = {bad.position for bad in found.bad}
        if not found.given_up:
            left = [place for at, place in enumerate(kept) if at not in gone] if gone else kept
            self._write_output(answer, order, parsed, found, places=left)
        if order.get("most_rows") is not None:
            # The whole block was read for these rows.
            share = parsed.rows / self._block_rows if self._block_rows else 1.0
            answer["block_rows"] = self._block_rows
            answer["seconds"] = (read - begun) * share + time.perf_counter() - read
        return answer

    def survive(self, order: Order, watch: Watch) -> Answer:
        """Try a block slice by slice."""
        self._settle(order["plan"])
        parsed = self._parsed(order)
        slices, places = order["slices"], _places(parsed)
        deadly = dict(order.get("without") or [])
        for start, stop in zip(slices, slices[1:]):  # noqa: B905, RUF007 - Python 3.9
            watch(start, stop)
            first, last = bisect_left(places, start), bisect_left(places, stop)
            left_out = {at - first for at in range(first, last) if places[at] in deadly} if deadly else ()
            self._attempts.try_each(parsed.chunk.part(first, last).without(left_out), untried=not self._settled)
        return {"number": order["number"], "rows": parsed.rows, "passed": True}

    def _settle(self, plan: Plan) -> None:
        self._plan = plan
        if "kinds" in plan and not self._settled:
            self._features.settle(plan["kinds"])
            self._settled = True

    def _parsed(self, order: Order) -> Parsed:
        block = block_of(order)
        kinds = self._features.kinds if self._settled else None
        parsed = self._sources[block.source].parse(block, kinds=kinds)
        if kinds is not None:
            parsed = replace(parsed, chunk=self._features.completed(parsed.chunk))
        most, self._block_rows = order.get("most_rows"), parsed.rows
        return parsed if most is None or parsed.rows <= most else _beginning(parsed, most)

    def _names(self, chunk: Chunk) -> Sequence[str]:
        """Return the names by which a rejected row's values can be fed again."""
        if chunk.named or not chunk.rows:
            return chunk.names
        chosen = self._features.chosen(chunk)
        by_position = {position: name for name, position in chosen.items()}
        return [by_position.get(at, name) for at, name in enumerate(input_names(chunk))]

    def _answer(self, order: Order, parsed: Parsed, found: Scored, *, notes: list[Note]) -> Answer:
        predictions = list(found.predictions) or list(self._scorer.outputs)
        scored = 0 if found.given_up else found.chunk.rows
        content = lines_of(notes)
        answer: Answer = {"number": order["number"], "rows": parsed.rows, "scored": scored, "rejected": len(notes)}
        answer["predictions"] = predictions
        answer["names"] = self._plan.get("names") or output_names(parsed.chunk, predictions)
        answer["notes"] = _written(notes_part(self._directory, order["number"]), content)
        answer["profile"] = summaries(found.predictions) if scored else []
        answer["traceback"] = found.traceback
        if "names" not in self._plan:
            answer["packages"] = versions(self._scorer)
        if scored and not self._settled:
            answer["kinds"] = dict(found.kinds)
            answer["fields"] = self._features.told(found.features, found.kinds)
        return answer

    def _write_output(
        self, answer: Answer, order: Order, parsed: Parsed, found: Scored, *, places: Sequence[int]
    ) -> None:
        among = None if found.chunk.rows == parsed.rows else Among(parsed.rows, places)
        kinds = self._features.kinds if self._settled else found.kinds
        content = self._form.encode(found.chunk, found.predictions, names=answer["names"], kinds=kinds, among=among)
        answer["output"] = _written(output_part(self._directory, order["number"]), content)


def versions(scorer: Scorer) -> dict[str, str]:
    """Return the versions of the libraries at work."""
    modules = {"numpy": "numpy", "pandas": "pandas", "scikit-learn": "sklearn"}
    libraries = dict.fromkeys(("numpy", "pandas", *scorer.libraries))
    found = {name: getattr(sys.modules.get(modules.get(name, name)), "__version__", None) for name in libraries}
    return {name: version for name, version in found.items() if version is not None}


def _places(parsed: Parsed) -> Sequence[int]:
    """Return where the chunk's rows stand in the block."""
    return range(parsed.chunk.rows) if parsed.positions is None else parsed.positions


def _beginning(parsed: Parsed, rows: int) -> Parsed:
    places = _places(parsed)
    kept = sum(place < rows for place in places)
    bad = [each for each in parsed.bad if each.position < rows]
    return Parsed(parsed.chunk.part(0, kept), rows, places[:kept], bad)


def _written(path: Path, content: Any) -> Part:  # noqa: ANN401 - bytes, or what is like them
    if content:
        path.write_bytes(content)
    return {"size": len(content), "crc": zlib.crc32(content)}


def _story(run: Run) -> str | None:
    path, kind = find_model(run.asset, run.spec.get("asset_type") or "")
    return version_story(path, run.spec) if kind == PICKLE else None
