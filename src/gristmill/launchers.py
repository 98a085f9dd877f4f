"""Which launcher a worker has: that of its own machine, or that of a Ray cluster, whose capacity it offers then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gristmill.domain.capacity import Capacity
from gristmill.launch.environments import shipped
from gristmill.launch.launcher import Launcher
from gristmill.launch.process import ProcessLauncher
from gristmill.settings import Settings


@dataclass(frozen=True, slots=True)
class Chosen:
    """A launcher, and the settings with what it has to offer where they do not say; what that is may change."""

    launcher: Launcher
    settings: Settings
    offers_now: Callable[[], Capacity] | None = None


def launcher_of(settings: Settings, directory: Path, *, served: Path, readable: Sequence[Path]) -> Chosen:
    """Return the launcher that the settings ask for.

    Raises:
        ClusterUnusable: there is a Ray cluster to be used, which cannot be.

    """
    if settings.ray_address:
        return _of_cluster(settings, settings.ray_address, directory, served=served, readable=readable)
    launcher = ProcessLauncher(
        directory=directory, environment=shipped(), sandbox=settings.sandbox, served=served, readable=readable
    )
    return Chosen(launcher, settings)


def _of_cluster(settings: Settings, address: str, directory: Path, *, served: Path, readable: Sequence[Path]) -> Chosen:
    # Imported late: most do without.
    from gristmill.launch.ray import RayLauncher
    from gristmill.launch.ray_cluster import Cluster

    cluster = Cluster.connect(address)
    said = settings.model_fields_set

    def offered() -> Settings:
        has = cluster.has()
        cpus = max(1.0, has.millicores / 1000)
        offers = {"worker_cpus": cpus, "worker_memory_bytes": has.memory_bytes, "worker_slots": max(4, int(2 * cpus))}
        return settings.model_copy(update={name: value for name, value in offers.items() if name not in said})

    launcher = RayLauncher(cluster, directory=directory, sandbox=settings.sandbox, readable=readable, served=served)
    return Chosen(launcher, offered(), lambda: offer_of(offered()))


def offer_of(settings: Settings) -> Capacity:
    """Return what a worker with these settings offers."""
    return Capacity.of(cpus=settings.worker_cpus, memory_bytes=settings.worker_memory_bytes)
