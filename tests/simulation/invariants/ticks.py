"""Each tick of a schedule is decided once: it became one run, or there is a row that says why not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from gristmill.domain.disposition import Disposition
from tests.simulation.invariants.commit import Commit
from tests.simulation.snapshot import JobRow, Snapshot, moment

_MINUTE = timedelta(minutes=1)
_MOST_LISTED = 100


def check(before: Snapshot, after: Snapshot, _commit: Commit) -> Iterator[str]:
    if before.ticks is not after.ticks:
        yield from _once(after)
        yield from _for_good(before, after)
    yield from _runs(before, after)
    for job in after.jobs.values():
        old = before.jobs.get(job.id)
        if old and old.key_id == job.key_id and old.decided_until != job.decided_until:
            yield from _none_left_out(old, job, after)


def _once(after: Snapshot) -> Iterator[str]:
    if len(after.dispositions) != len(after.ticks):
        twice = [key for key, number in Counter((t.job_id, t.scheduled_for) for t in after.ticks).items() if number > 1]
        yield f"ticks were decided twice: {twice}"


def _for_good(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for tick in set(before.ticks) - set(after.ticks):
        key = (tick.job_id, tick.scheduled_for)
        now = after.dispositions.get(key)
        job = before.jobs.get(tick.job_id)
        if now is None and not (job is None or job.deleted_at):
            yield f"the tick {key} is forgotten"
        if now is not None and now != tick:
            yield f"the tick {key} was {tick.disposition}, and is {now.disposition}"


def _runs(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for run in after.runs.values():
        if run.scheduled_for and run.id not in before.runs:
            tick = after.dispositions.get((run.job_id, run.scheduled_for))
            if tick is None or tick.run_id != run.id:
                yield f"{run.id} is the run of a tick that says {tick}"
    if before.ticks is after.ticks:
        return
    for key in after.dispositions.keys() - before.dispositions.keys():
        tick = after.dispositions[key]
        if tick.disposition == Disposition.RAN and tick.run_id not in after.runs:
            yield f"the tick {key} ran, but its run was never made"


def _none_left_out(old: JobRow, job: JobRow, after: Snapshot) -> Iterator[str]:
    if not old.decided_until or not job.decided_until or not job.schedule:
        return
    since, until = moment(old.decided_until), moment(job.decided_until)
    if until < since:
        yield f"{job.id} was decided until {since}, and is until {until} only"
    due = list(_ticks(json.loads(job.schedule)["cron"], since, until))
    for tick in due[-_MOST_LISTED:]:
        if (job.id, tick.strftime("%Y-%m-%d %H:%M:%S.%f")) not in after.dispositions:
            yield f"the tick {tick} of {job.id} was left out"


def _ticks(cron: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Walk the minutes: the simulation's crons name minutes only, as a star, a step or a number."""
    field = cron.split(" ", maxsplit=1)[0]
    step = int(field.removeprefix("*/")) if field.startswith("*/") else 60 if field == "0" else 1
    tick = after.replace(second=0, microsecond=0)
    while (tick := tick + _MINUTE) <= until:
        if tick.minute % step == 0:
            yield tick
