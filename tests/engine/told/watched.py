"""A job that is watched, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gristmill.domain.event import Event, EventKind
from gristmill.domain.job import Job
from gristmill.domain.notification import NotificationType
from gristmill.domain.run import Run
from gristmill.engine.notifier import Notifier
from gristmill.service import channels, inbox, job_runs, jobs, runs
from gristmill.service.channels import NewChannel
from gristmill.service.context import Context
from gristmill.service.job_runs import Overrides
from gristmill.service.jobs import NewJob
from gristmill.store import events as event_store
from tests.engine.conftest import Works

HOOK, MAIL = "https://hooks.example.com/1", "ann@example.com"


SLACK = "slack://TokenA/TokenB/TokenC/#jobs"


EVERYTHING = {str(wanted): True for wanted in NotificationType}


_K = EventKind


@dataclass
class Watched:
    """A job whose every event is wanted, by a webhook and by e-mail."""

    works: Works
    job: Job

    def start(self, **configuration: Any) -> Run:
        """Queue a run."""
        shop, overrides = self.works.shop, Overrides(configuration=configuration)
        return job_runs.start(shop.context, shop.actor, self.job.id, overrides)[0]

    def run(self) -> Run:
        """Return the newest run as it is now."""
        shop = self.works.shop
        return runs.page(shop.context, shop.actor, shop.space_id, limit=1, job_id=self.job.id).items[0]

    def work(self) -> None:
        """Let a worker take what waits, and wait until it has ended."""
        self.works.launcher.gate.set()
        worker = self.works.new_worker()
        worker.step()
        self.works.until_idle(worker)


def watch(works: Works, *, types: dict[str, bool] | None = None, slack: bool = False, **wishes: Any) -> Watched:
    shop = works.shop
    schedule = wishes.pop("schedule", None)
    made = [hook(works), *([hook(works, SLACK, kind="apprise")] if slack else [])]
    wanted = {
        "types": EVERYTHING if types is None else types,
        "channels": made,
        "recipients": [MAIL],
        "long_running_minutes": 30,
        "not_started_minutes": 5,
        **wishes,
    }
    new = NewJob(
        space_id=shop.space_id, name="nightly", asset_ref=shop.script(), notification=wanted, schedule=schedule
    )
    return Watched(works, jobs.create(shop.context, shop.actor, new))


def hook(works: Works, url: str = HOOK, *, kind: str = "webhook") -> str:
    """Make a channel with a URL."""
    shop = works.shop
    new = NewChannel(space_id=shop.space_id, name=url, type=kind, settings={"url": url})
    return channels.create(shop.context, shop.actor, new).channel.id


def notify(context: Context) -> None:
    """Take one step of a notifier that is born for it, and stops after it."""
    notifier = Notifier(context)
    notifier.step()
    notifier.stop(10)


def recorded(context: Context) -> list[tuple[str, EventKind]]:
    """Return id and kind of every event, the oldest first."""
    with context.database.snapshot() as connection:
        rows = connection.exec_driver_sql("SELECT id, kind FROM events ORDER BY at, subject").all()
    return [(row[0], EventKind(row[1])) for row in rows]


def in_inbox(works: Works) -> list[EventKind]:
    found, _ = inbox.page(works.shop.context, works.shop.actor, limit=100)
    return [entry.event.kind for entry in found.items]


def ends(ending: Any) -> Callable[[Watched], None]:
    """Return a fault: the child ends like this."""

    def fault(watched: Watched) -> None:
        watched.works.launcher.script = lambda _directory: ending
        watched.start()
        watched.work()

    return fault


def another(works: Works, wishes: dict[str, Any]) -> Job:
    shop = works.shop
    new = NewJob(space_id=shop.space_id, name="other", asset_ref=shop.script(), notification=wishes)
    return jobs.create(shop.context, shop.actor, new)


def broken(works: Works, job: Job) -> None:
    """Record that a job's schedule is broken, as who finds it out does."""
    found = Event(
        subject=f"schedule/{job.id}",
        kind=EventKind.SCHEDULE_BROKEN,
        space_id=job.space_id,
        job_id=job.id,
        at=works.clock.now,
        document={"job_name": job.name, "reason": "The key was revoked.", "schedule": True},
    )
    with works.shop.context.database.transaction() as connection:
        event_store.record(connection, [found])
