"""One seed, one history: what it prints, and what it found."""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gristmill.store.database import Database
from gristmill.store.migrate import migrate
from tests.simulation.database import FaultyDatabase
from tests.simulation.ending import settle
from tests.simulation.snapshot import Reader
from tests.simulation.world import World

STEPS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a seed. ``broken`` is empty where everything held; ``digest`` is the same for the same seed."""

    seed: int
    broken: list[str]
    history: str
    digest: str
    faults: int

    @property
    def line(self) -> str:
        """The report in one line."""
        return f"seed {self.seed}: {self.digest}, {self.faults} faults, {self.broken[0] if self.broken else 'holds'}"

    def __str__(self) -> str:
        """Return the whole story, and how to see it again."""
        found = "\n".join(f"  - {one}" for one in self.broken)
        return f"{self.history}\n\nSeed {self.seed} broke:\n{found}\n\nAgain: make simulate SEEDS={self.seed}"


class Laboratory:
    """A directory with a migrated database, which each seed gets anew; the connections are kept."""

    def __init__(self, directory: Path) -> None:
        self._template, self._path = directory / "template.db", directory / "gristmill.db"
        self._data_dir = directory / "data"
        (self._data_dir / "staging").mkdir(parents=True)
        made = Database(f"sqlite:///{self._template}")
        migrate(made)
        with made.snapshot() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        made.close()
        # Kept from seed to seed: a new engine would compile every statement anew.
        self._databases = [FaultyDatabase(f"sqlite:///{self._path}", name) for name in "AB"]

    def simulate(self, seed: int, *, steps: int = STEPS) -> Report:
        """Live through a seed, until something breaks or it has come to its end."""
        self._renew()
        reader = Reader(self._path)
        random.seed(seed)
        world = World(seed, self._databases, reader, self._data_dir)
        try:
            with _listening(world):
                self._live(world, steps)
        finally:
            reader.close()
        return Report(
            seed=seed,
            broken=[world.history.named(one) for one in world.broken],
            history=str(world.history),
            digest=world.history.digest,
            faults=world.faults,
        )

    def close(self) -> None:
        for database in self._databases:
            database.close()

    def _live(self, world: World, steps: int) -> None:
        world.calm = False
        for _ in range(steps):
            world.step()
            if world.broken:
                return
        settle(world)

    def _renew(self) -> None:
        for database in self._databases:
            database.close()
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        shutil.copy(self._template, self._path)


class _Complaints(logging.Handler):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        self._world.complain(record)


@contextmanager
def _listening(world: World) -> Iterator[None]:
    """Let the world hear what the code under test logs, and nobody else."""
    logger, handler = logging.getLogger("gristmill"), _Complaints(world)
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates
