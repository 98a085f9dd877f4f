"""A space with jobs that have a past, laid into a data directory before its server starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from gristmill.app import compose
from gristmill.domain.cron import parse_cron
from gristmill.domain.schedule import Schedule
from gristmill.service import users
from gristmill.settings import Settings
from tests.acceptance.server import API_KEY
from tests.make_past import make_past_job
from tests.make_work import open_shop

NIGHTLY, WARD = "Nightly drug scoring", "Ward A intake"


def make_past(data_dir: Path) -> str:
    """Make the space; return its id."""
    context = compose(Settings(data_dir=data_dir))
    try:
        users.bootstrap(context, API_KEY)
        shop = open_shop(context)
        schedule = Schedule(repetition=parse_cron("0 2 * * *"), zone="Europe/Berlin")
        nightly, ward = make_past_job(shop, NIGHTLY, schedule=schedule), make_past_job(shop, WARD)
        begun = datetime.now(UTC) - timedelta(days=20)
        for day in range(16):
            state = "failed" if day in {4, 15} else "completed"
            rejected = 31 if day == 12 else 0
            nightly.ended(state, seconds=300 + 20 * day, at=begun + timedelta(days=day), rejected=rejected)
        ward.ended("completed", seconds=100, at=begun)
        ward.ended("completed", seconds=100, at=begun + timedelta(days=1))
        ward.ended("completed", seconds=200, at=begun + timedelta(days=2), rejected=1)
        return shop.space_id
    finally:
        context.database.close()
