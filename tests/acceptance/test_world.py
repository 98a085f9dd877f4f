"""The world that a test's id names is the one in which its server stands: what it keeps, and where its runs work."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil
from sqlalchemy import text
from tests.acceptance.rest import Rest
from tests.acceptance.server import Server
from tests.acceptance.worlds import ClusterWorld, World
from tests.make import eventually

from gristmill.store.database import Database

LONG = """
def score(payload):
    import time
    time.sleep(300)
"""


def test_runs_rows_and_bytes_are_where_the_world_says(world: World, server: Server, rest: Rest) -> None:
    job = rest.submit(rest.deployment(rest.function(LONG)), {"input_data": [{"values": [[1]]}]})
    run, process = job["entity"]["platform_job"]["run_id"], psutil.Process(server.process.pid)
    if isinstance(world, ClusterWorld):
        eventually(lambda: _works_below(world.ray.processes(), run), within=60)
        assert not _works_below(process.children(recursive=True), run)
        assert _has_bytes(world, server.data_dir)
        assert not any((server.data_dir / name).exists() for name in ("gristmill.db", "content"))
        url = world.settings(server.data_dir)["database_url"]
    else:
        eventually(lambda: _works_below(process.children(recursive=True), run), within=60)
        assert any((server.data_dir / "content").iterdir())
        url = f"sqlite:///{server.data_dir / 'gristmill.db'}"
    assert _runs(url) == 1
    rest.call("DELETE", f"/ml/v4/deployment_jobs/{job['metadata']['id']}", expect=204)
    assert rest.ended(job["metadata"]["id"])["state"] == "canceled"


def _works_below(processes: list[psutil.Process], run: str) -> bool:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if run in process.cwd():
                return True
    return False


def _runs(url: str) -> int:
    database = Database(url)
    with database.snapshot() as connection:
        found = int(connection.execute(text("SELECT count(*) FROM runs")).scalar_one())
    database.close()
    return found


def _has_bytes(world: ClusterWorld, data_dir: Path) -> bool:
    bucket = world.settings(data_dir)["content"].removeprefix("s3://").partition("/")[0]
    return any(page for page in world.object_store.store(bucket).list())
