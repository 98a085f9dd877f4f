"""One claiming process of the race: claims and finishes runs until none is left, watching the limit all the time."""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from gristmill.domain.run import RunEvent
from gristmill.store import claims, runs
from gristmill.store.database import Database

_LIVE = text("SELECT count(*) FROM claims WHERE lane_id = :lane")
_LEFT = text("SELECT count(*) FROM runs WHERE state = 'queued'")


def main(url: str, name: str, limit: int) -> None:
    """Print each run claimed, then the most claims seen at once in a lane."""
    database = Database(url)
    most = 0
    while True:
        now = datetime.now(UTC)
        with database.transaction() as connection:
            found = claims.claim(connection, name, now=now, expires_at=now + timedelta(minutes=5))
        if found is None:
            with database.snapshot() as connection:
                if connection.execute(_LEFT).scalar_one() == 0:
                    break
            time.sleep(0.002)
            continue
        run = found.run
        with database.snapshot() as connection:
            most = max(most, connection.execute(_LIVE, {"lane": run.lane_id}).scalar_one())
        time.sleep(random.random() * 0.004)
        with database.transaction() as connection:
            runs.advance(connection, run.id, RunEvent.STARTED, now=now, actor=name, fence=run.fence)
            runs.advance(connection, run.id, RunEvent.SUCCEEDED, now=now, actor=name, fence=run.fence)
        sys.stdout.write(f"{run.id}\n")
    sys.stdout.write(f"most {most} {limit}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
