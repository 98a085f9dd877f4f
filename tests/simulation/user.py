"""What people do: they submit, cancel, delete, pin, pause, and change their minds about jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

from gristmill.domain.deployment import Deployment
from gristmill.domain.notification import NotificationType
from gristmill.domain.run import FINAL
from gristmill.domain.schedule import MissedPolicy, OverlapPolicy, Schedule
from gristmill.domain.schedule_wire import of_wire
from gristmill.service import channels, deployment_job_definitions, job_runs, jobs, retention, runs
from gristmill.service.channels import NewChannel
from gristmill.service.context import Context
from gristmill.service.deployment_job_definitions import NewDefinition
from gristmill.service.job_runs import Overrides
from gristmill.service.jobs import NewJob
from tests.make_work import Shop, open_shop
from tests.simulation.receivers import HOOK, MAIL
from tests.simulation.snapshot import JobRow, RunRow, Snapshot

_CRONS = ("* * * * *", "* * * * *", "*/5 * * * *", "0 * * * *")
_LONG_ROWS = [[number, "x" * 1000] for number in range(70)]
_MOST_JOBS = 6
_MOST_WAITING = 25
T = TypeVar("T")
Request = Callable[[Context], str]


@dataclass
class User:
    """Acts on a shop through whichever server answers. ``keys`` are those of submissions, which may be repeated."""

    shop: Shop
    dice: Random
    deployments: list[Deployment] = field(default_factory=list)
    definition_id: str = ""
    channel_id: str = ""
    keys: int = 0

    @classmethod
    def moves_in(cls, context: Context, dice: Random) -> User:
        """Set up deployments, a channel and jobs."""
        user = cls(open_shop(context), dice)
        shop = user.shop
        user.deployments = [shop.deploy(batch={"max_running": limit}) for limit in (1, 2)]
        hook = NewChannel(space_id=shop.space_id, name="hook", type="webhook", settings={"url": HOOK})
        user.channel_id = channels.create(context, shop.actor, hook).channel.id
        rows = [{"fields": ["a", "b"], "values": _LONG_ROWS}]
        definition = NewDefinition(
            space_id=shop.space_id,
            deployment_id=user.deployments[1].id,
            name="d",
            document={"scoring": {"input_data": rows}},
        )
        user.definition_id = deployment_job_definitions.create(context, shop.actor, definition).id
        for _ in range(3):
            user.new_job(context)
        return user

    def choice(self, seen: Snapshot) -> tuple[str, Request]:
        """Return the next thing to do, and its name."""
        wishes: list[tuple[float, str, Callable[[Context, Snapshot], str]]] = [
            (3, "submit", self._submit),
            (3, "start", self._start),
            (2, "cancel", self._cancel),
            (1, "delete a run", self._delete_run),
            (1, "pin", self._pin),
            (0.7, "rerun", self._rerun),
            (1, "pause", self._pause),
            (0.8, "set a schedule", self._set_schedule),
            (0.8, "set retention", self._set_retention),
            (0.5, "set a limit", self._set_limit),
            (0.5, "set notification", self._set_notification),
            (0.3, "delete a job", self._delete_job),
            (0.5, "make a job", lambda context, seen: self.new_job(context) if len(_jobs(seen)) < _MOST_JOBS else "-"),
        ]
        ((_, name, act),) = self.dice.choices(wishes, [weight for weight, *_ in wishes])
        return name, lambda context: act(context, seen)

    def new_job(self, context: Context) -> str:
        wanted: dict[str, Any] = {"space_id": self.shop.space_id, "name": "job", "schedule": self._schedule()}
        wanted["notification"] = self._wishes()
        wanted["retention"] = self.dice.choice([None, {"amount": 3}, {"days": 1}])
        if self.dice.random() < 0.5:
            configuration = {"deployment_job_definition_id": self.definition_id}
            job = jobs.create(context, self.shop.actor, NewJob(**wanted, configuration=configuration))
        else:
            script, limit = replace(self.shop, context=context).script(), self.dice.choice([1, 1, 2])
            new = NewJob(**wanted, asset_ref=script, configuration={"max_running": limit})
            job = jobs.create(context, self.shop.actor, new)
        return job.id

    def pause_all(self, context: Context, seen: Snapshot) -> None:
        """Let no more runs be made."""
        for job in _jobs(seen):
            jobs.change(context, self.shop.actor, job.id, {"paused": True})

    def _submit(self, context: Context, seen: Snapshot) -> str:
        if _waiting(seen) > _MOST_WAITING:
            return "-"
        self.keys += self.dice.random() < 0.8
        options: dict[str, Any] = {"idempotency_key": f"key {self.keys}"}
        if self.dice.random() < 0.2:
            options["retention_days"] = self.dice.choice([-1, 1])
        shop = replace(self.shop, context=context)
        return shop.submit(self.dice.choice(self.deployments), **options).run.id

    def _start(self, context: Context, seen: Snapshot) -> str:
        job = self._one(_jobs(seen))
        if job is None or _waiting(seen) > _MOST_WAITING:
            return "-"
        return job_runs.start(context, self.shop.actor, job.id, Overrides())[0].id

    def _rerun(self, context: Context, seen: Snapshot) -> str:
        run = self._one(list(seen.runs.values()))
        return job_runs.rerun(context, self.shop.actor, run.job_id, run.id)[0].id if run else "-"

    def _cancel(self, context: Context, seen: Snapshot) -> str:
        run = self._one([run for run in seen.runs.values() if run.state not in FINAL])
        if run is None:
            return "-"
        runs.cancel_of_job(context, self.shop.actor, run.job_id, run.id)
        return run.id

    def _delete_run(self, context: Context, seen: Snapshot) -> str:
        run = self._one(list(seen.runs.values()))
        if run is None:
            return "-"
        runs.delete_of_job(context, self.shop.actor, run.job_id, run.id)
        return run.id

    def _pin(self, context: Context, seen: Snapshot) -> str:
        run = self._one(list(seen.runs.values()))
        if run is None:
            return "-"
        retention.pin(context, self.shop.actor, run.job_id, run.id, pinned=not run.pinned)
        return run.id

    def _pause(self, context: Context, seen: Snapshot) -> str:
        job = self._one(_jobs(seen))
        return self._change(context, job, {"paused": not job.paused}) if job else "-"

    def _set_schedule(self, context: Context, seen: Snapshot) -> str:
        return self._change(context, self._one(_jobs(seen)), {"schedule": self._schedule()})

    def _set_retention(self, context: Context, seen: Snapshot) -> str:
        policy = self.dice.choice([None, {"amount": 1}, {"amount": 4}, {"days": 1}, {"days": 2}])
        return self._change(context, self._one(_jobs(seen)), {"retention_policy": policy})

    def _set_limit(self, context: Context, seen: Snapshot) -> str:
        limit = {"configuration/max_running": self.dice.choice([1, 2, 3])}
        return self._change(context, self._one([job for job in _jobs(seen) if job.kind == "asset"]), limit)

    def _set_notification(self, context: Context, seen: Snapshot) -> str:
        wishes = {f"notification/{name}": value for name, value in self._wishes().items()}
        return self._change(context, self._one(_jobs(seen)), wishes)

    def _delete_job(self, context: Context, seen: Snapshot) -> str:
        job = self._one(_jobs(seen))
        if job is None:
            return "-"
        jobs.delete(context, self.shop.actor, [job.id])
        return job.id

    def _change(self, context: Context, job: JobRow | None, wanted: dict[str, Any]) -> str:
        if job is None:
            return "-"
        jobs.change(context, self.shop.actor, job.id, wanted)
        return job.id

    def _schedule(self) -> Schedule:
        schedule = of_wire(self.dice.choice(_CRONS), {})
        assert schedule
        return replace(
            schedule,
            missed=self.dice.choice([MissedPolicy.LAST, MissedPolicy.NONE, MissedPolicy.LAST]),
            overlap=self.dice.choice(list(OverlapPolicy)),
        )

    def _wishes(self) -> dict[str, Any]:
        types = {str(kind): True for kind in NotificationType} if self.dice.random() < 0.8 else {}
        return {
            "types": types,
            "channels": [self.channel_id],
            "recipients": [MAIL],
            "long_running_minutes": 5,
            "not_started_minutes": 5,
        }

    def _one(self, some: Sequence[T]) -> T | None:
        return self.dice.choice(some) if some else None


def _jobs(seen: Snapshot) -> list[JobRow]:
    """Return the jobs that people see and may change."""
    return [job for job in seen.jobs.values() if job.kind != "default" and job.deleted_at is None]


def _waiting(seen: Snapshot) -> int:
    return len(_unended(seen.runs.values()))


def _unended(found: Any) -> list[RunRow]:
    return [run for run in found if run.state not in FINAL]
