"""What the ring's servers stand on: SQLite, a folder and processes, or PostgreSQL, a bucket and a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from tests.postgres import Postgres
from tests.ray_cluster import RayCluster
from tests.s3 import ACCESS_KEY, SECRET_KEY, ObjectStore

ALONE, CLUSTER = "sqlite-folder-process", "postgres-s3-ray"
WORLDS = (ALONE, CLUSTER)
# Some stories need two runs of the default specification at once, on whatever machine they are told.
_ROOM = {"worker_cpus": "4", "worker_memory_bytes": str(16 * 2**30)}


class World:
    """One machine: everything is in the data directory, and runs are children of the server."""

    name = ALONE

    def settings(self, data_dir: Path) -> dict[str, str]:
        """Return what a server over this directory is told; the same each time that one starts there."""
        return {**_ROOM, "data_dir": str(data_dir)}

    def elsewhere(self, data_dir: Path) -> list[psutil.Process]:
        """Return the processes that work for a server and are no children of it."""
        assert data_dir
        return []


@dataclass
class ClusterWorld(World):
    """Each data directory has a database and a bucket of its own; runs work on the nodes of one Ray cluster."""

    postgres: Postgres
    object_store: ObjectStore
    ray: RayCluster
    _given: dict[Path, dict[str, str]] = field(default_factory=dict)
    name = CLUSTER

    def settings(self, data_dir: Path) -> dict[str, str]:
        if data_dir not in self._given:
            self._given[data_dir] = {
                "data_dir": str(data_dir),
                "database_url": self.postgres.new_empty_database(),
                "content": f"s3://{self.object_store.new_bucket()}/gristmill",
                "content_endpoint": self.object_store.url,
                "content_access_key": ACCESS_KEY,
                "content_secret_key": SECRET_KEY,
                "ray_address": self.ray.address,
            }
        return self._given[data_dir]

    def elsewhere(self, data_dir: Path) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for process in self.ray.processes():
            if _name(process).startswith("ray::Agent"):
                family = [process, *process.children(recursive=True)]
                # One that is idle works nowhere, and may be this server's as well as another's.
                found += family if all(str(data_dir) in place for place in _places(family)) else []
        return found


_standing: list[World] = [World()]


def standing() -> World:
    """Return what servers stand on that are started now."""
    return _standing[-1]


@contextmanager
def within(world: World) -> Iterator[World]:
    """Have servers stand on this for as long as the block takes."""
    _standing.append(world)
    try:
        yield world
    finally:
        _standing.remove(world)


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _places(family: list[psutil.Process]) -> list[str]:
    """Return the boxes in which runs are at work."""
    found = []
    for process in family:
        with suppress(psutil.Error):
            found.append(process.cwd())
    return [place for place in found if "/boxes/" in place]
