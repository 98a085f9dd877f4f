"""What must be true when all is over, for one who knows only what was asked and what is there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from tests.chaos.load import BAD, Ask, Load
from tests.chaos.world import World

# How long after a fault its trace may show: a lease, a rescue, a connection that times out.
EXCUSED_SECONDS = 15.0
FINAL = ("completed", "failed", "canceled")
_ENDINGS = frozenset({"succeeded", "erred", "stopped", "lost"})
Row = dict[str, Any]


@dataclass
class Checker:
    """Reads the database once everything is still; ``broken`` says what does not hold, in sentences."""

    world: World
    load: Load
    # What a killed sender had in hand goes to another after minutes; one that is not patient takes that for told.
    patient: bool = True
    happened: list[tuple[str, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._engine = sa.create_engine(self.world.database_url)

    def is_still(self) -> bool:
        """Whether no run waits or works, no tick is due and nothing is left to be told."""
        return not any(
            self._read(statement)
            for statement in (
                f"SELECT id FROM runs WHERE state NOT IN {FINAL}",
                "SELECT id FROM jobs WHERE next_tick_at IS NOT NULL",
                "SELECT id FROM events WHERE routed_at IS NULL",
            )
        ) and not (self._waiting_mails() if self.patient else {})

    def _waiting_mails(self) -> dict[str, float]:
        """Return when what is not told yet is tried again, by event."""
        waiting = self._read("SELECT event_id, next_attempt_at FROM deliveries WHERE state = 'waiting'")
        return {row["event_id"]: _seconds(row["next_attempt_at"]) for row in waiting}

    def broken(self) -> list[str]:
        checks: tuple[Callable[[], Iterator[str]], ...] = (
            self._stillness,
            self._submissions,
            self._outcomes,
            self._histories,
            self._rows,
            self._ticks,
            self._runs_of_ticks,
            self._user_code,
            self._limits,
            self._mails,
            self._contents,
        )
        return [*self.load.refused, *(f"{check.__name__[1:]}: {said}" for check in checks for said in check())]

    def summary(self) -> dict[str, object]:
        """Count what was asked and how it ended."""
        ends = Counter(f"{run['state']} {_code(run)}".strip() for run in self._runs.values())
        return {
            "asked": dict(Counter(ask.kind for ask in self.load.asks)),
            "asked again": self.load.retries,
            "runs": dict(ends),
            "attempts beyond the first": sum(max(0, run["attempt"] - 1) for run in self._runs.values()),
            "ticks": dict(Counter(row["disposition"] for row in self._read("SELECT disposition FROM ticks"))),
            "mails": len(self.world.mails.mails),
        }

    def close(self) -> None:
        self._engine.dispose()

    @cached_property
    def _runs(self) -> dict[str, Row]:
        return {run["id"]: run for run in self._read("SELECT * FROM runs")}

    def _submitted(self) -> Iterator[tuple[Ask, Row]]:
        for ask in self.load.asks:
            if ask.kind in {"call", "rows", "script"}:
                yield from ((ask, self._runs[answer]) for answer in ask.answers if answer in self._runs)

    def _stillness(self) -> Iterator[str]:
        for run in self._runs.values():
            if run["state"] not in FINAL:
                yield f"run {run['name']} is {run['state']}"
        for claim in self._read("SELECT run_id FROM claims"):
            yield f"a claim is left of {self._runs[claim['run_id']]['name']}"

    def _submissions(self) -> Iterator[str]:
        keys = Counter(run["idempotency_key"] for run in self._runs.values())
        for ask in self.load.asks:
            if ask.kind not in {"call", "rows", "script"}:
                continue
            if len(ask.answers) > 1:
                yield f"{ask.key} was answered with several runs: {ask.answers}"
            for answer in ask.answers - self._runs.keys():
                yield f"{ask.key} was acknowledged as {answer}, which is not there"
            if ask.answers and keys[ask.key] != 1:
                yield f"{ask.key} has {keys[ask.key]} runs"

    def _outcomes(self) -> Iterator[str]:
        for ask, run in self._submitted():
            result = json.dumps(_document(run["result"]))
            if run["state"] != "completed" and not self._is_excused(ask, run):
                yield f"{ask.key} ended as {run['state']}: {run['cause']}"
            elif run["state"] == "completed" and ask.kind == "call" and f"[{3 * ask.number}]" not in result:
                yield f"{ask.key} has the result of another: {result[:300]}"

    def _is_excused(self, ask: Ask, run: Row) -> bool:
        """Whether a fault of that time explains the run's failure: models only an outage."""
        excuses = {"content_unreachable": "the object store"} if run["state"] == "failed" else {}
        if ask.kind != "rows" and run["state"] == "failed":
            excuses |= {"worker_lost": "", "no_room": "full disk"}
        if run["finished_at"] is None:
            return False
        wanted, at = excuses.get(_code(run)), _seconds(run["finished_at"])
        return wanted is not None and any(
            wanted in said and begin <= at <= end + EXCUSED_SECONDS for said, begin, end in self.happened
        )

    def _histories(self) -> Iterator[str]:
        histories: dict[str, list[Row]] = {}
        for change in self._read("SELECT * FROM run_history ORDER BY run_id, number"):
            histories.setdefault(change["run_id"], []).append(change)
        for run in self._runs.values():
            history = histories.get(run["id"], [])
            endings = [change for change in history if change["event"] in _ENDINGS]
            if endings != history[-1:] or endings[0]["state"] != run["state"]:
                yield f"{run['name']} has the endings {[(e['event'], e['state']) for e in endings]}"
            if any(one["fence"] > other["fence"] for one, other in pairwise(history)):
                yield f"the fence of {run['name']} went back"

    def _rows(self) -> Iterator[str]:
        for ask, run in self._submitted():
            if ask.kind == "rows" and run["state"] == "completed":
                good = len([row for row in ask.rows if row != BAD])
                wanted = (len(ask.rows), good, len(ask.rows) - good, 0)
                found = tuple(run[f"rows_{name}"] for name in ("read", "scored", "rejected", "not_attempted"))
                if found != wanted:
                    yield f"{ask.key} has {found} rows read, scored, rejected, not attempted instead of {wanted}"
                doubles = [2 * row for row in ask.rows if row != BAD]
                if (predicted := _predicted(_document(run["result"]))) != doubles:
                    yield f"{ask.key} has the predictions {predicted} instead of {doubles}"

    def _ticks(self) -> Iterator[str]:
        """Every time that a schedule named has one row: a run, or a reason why not."""
        for ask in self.load.asks:
            for job_id in ask.answers if ask.kind in {"cron", "tick"} else ():
                if job_id not in self._job_names:
                    yield f"the job {ask.key} was acknowledged, and is not there"
                found = {_seconds(tick["scheduled_for"]) for tick in self._all_ticks if tick["job_id"] == job_id}
                if ask.kind == "tick" and len(found) != 1:
                    yield f"{ask.key} was due once, and has {len(found)} ticks"
                for minute in set(self._minutes(ask)) - found if ask.kind == "cron" else ():
                    yield f"{ask.key} has no run and no reason at {datetime.fromtimestamp(minute, UTC)}"

    def _runs_of_ticks(self) -> Iterator[str]:
        of_ticks = Counter(run["job_id"] for run in self._runs.values() if run["scheduled_for"] is not None)
        ran = Counter(tick["job_id"] for tick in self._all_ticks if tick["disposition"] == "ran")
        for job_id in of_ticks.keys() | ran.keys():
            if of_ticks[job_id] != ran[job_id]:
                yield f"{self._job_names[job_id]} has {of_ticks[job_id]} runs of {ran[job_id]} ticks that ran"
        for tick in self._all_ticks:
            if tick["run_id"] and tick["run_id"] not in self._runs:
                yield f"a tick of {self._job_names[tick['job_id']]} names a run that is not there"

    @cached_property
    def _all_ticks(self) -> list[Row]:
        return self._read("SELECT * FROM ticks")

    def _minutes(self, ask: Ask) -> range:
        """Return the whole minutes in which the job stood, and was due for more than a moment."""
        return range(int(ask.at // 60 + 1) * 60, int(self.load.scheduled_until) - 1, 60)

    def _user_code(self) -> Iterator[str]:
        """Code that may not be repeated begins once a run, whatever happens to its worker."""
        begun = Counter(key for word, key, _ in self._trace if word == "begin")
        runs_of = Counter(self._key(run) for run in self._runs.values())
        for key, times in begun.items():
            if times > runs_of[key]:
                yield f"the code of {key} began {times} times for {runs_of[key]} runs"
        ended = Counter(key for word, key, _ in self._trace if word == "end")
        completed = Counter(self._key(run) for run in self._runs.values() if run["state"] == "completed")
        for key, times in completed.items():
            if not key.startswith("rows-") and ended[key] < times:
                yield f"{times} runs of {key} have completed, and {ended[key]} came to their end"

    def _key(self, run: Row) -> str:
        """Return what the run's code calls itself: the key of the request, or the job's name."""
        return str(run["idempotency_key"] or self._job_names[run["job_id"]])

    @cached_property
    def _job_names(self) -> dict[str, str]:
        return {job["id"]: job["name"] for job in self._read("SELECT id, name FROM jobs")}

    def _limits(self) -> Iterator[str]:
        """Runs that completed held their claim all the while, so no more of them overlap than the lane's limit."""
        limits = {lane["id"]: lane["max_running"] for lane in self._read("SELECT id, max_running FROM lanes")}
        moments: dict[str, list[tuple[float, int]]] = {}
        places = {self._key(run): run for run in self._runs.values() if run["idempotency_key"]}
        for word, key, at in self._trace:
            run = places.get(key)
            if run is not None and run["state"] == "completed":
                moments.setdefault(run["lane_id"], []).append((at, 1 if word == "begin" else -1))
        for lane, changes in moments.items():
            at_once = most = 0
            for _, change in sorted(changes):
                at_once += change
                most = max(most, at_once)
            if most > limits[lane]:
                yield f"{most} runs at once in a lane of {limits[lane]}"

    def _mails(self) -> Iterator[str]:
        told = {mail["X-Gristmill-Event-Id"] for mail in self.world.mails.mails}
        events = {event["id"]: event for event in self._read("SELECT * FROM events")}
        later = {} if self.patient else self._waiting_mails()
        for event_id in told - events.keys():
            yield f"a mail came of the event {event_id}, which is not there"
        ended = Counter(e["run_id"] for e in events.values() if e["kind"] in {"succeeded", "failed"})
        asked = {job_id for ask in self.load.asks if ask.kind in {"cron", "tick"} for job_id in ask.answers}
        asked.add(self.load.by_hand)
        for run in self._runs.values():
            if run["job_id"] in asked and ended[run["id"]] != 1:
                yield f"the end of {run['name']} ({run['state']}) has {ended[run['id']]} events"
        for event in events.values():
            if (
                event["job_id"] in asked
                and event["kind"] in {"succeeded", "failed"}
                and event["id"] not in told | later.keys()
            ):
                yield f"no mail came of {event['kind']} of {self._job_names[event['job_id']]}"

    def _contents(self) -> Iterator[str]:
        for row in self._read("SELECT DISTINCT key FROM run_contents"):
            try:
                self.world.content.size(row["key"])
            except Exception as error:  # noqa: BLE001 - whatever it is, it is not there
                yield f"the content {row['key']} of a run cannot be read: {error}"

    @cached_property
    def _trace(self) -> list[tuple[str, str, float]]:
        lines = self.world.trace.read_text().splitlines() if self.world.trace.exists() else []
        return [(word, key, float(at)) for word, key, at in (line.rsplit(" ", 2) for line in lines)]

    def _read(self, statement: str) -> list[Row]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(statement)).mappings()]


def _predicted(result: Any) -> list[float]:
    """Return the last column of an inline result, without rows that were rejected."""
    lines = [line for table in result["predictions"] for line in table["text"].splitlines()]
    values = [json.loads(line)[-1] for line in lines]
    return [value for value in values if value is not None]


def _code(run: Row) -> str:
    cause = _document(run["cause"]) or {}
    return str(cause.get("code", ""))


def _document(value: object) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value


def _seconds(value: object) -> float:
    """Return an instant of the database in seconds."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    assert isinstance(value, int | float)
    return value / 1e6
