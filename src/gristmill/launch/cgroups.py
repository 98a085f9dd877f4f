"""Control groups of the kernel, one a child: what holds a run to its memory, its processors and its number of tasks.

Both versions of the interface, below the server's own groups: version 1 where the controllers are mounted each by
itself, version 2 where the server was given its group (``Delegate=yes`` of systemd, or a container's own root).
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_MICROSECONDS = 100_000
_MOST_TASKS = 1024
_RESERVE_BYTES = 64 * 2**20  # above the bound that user code is told about by a MemoryError
_CONTROLLERS = ("memory", "cpu", "pids")
_REMOVE_SECONDS = 1.0
_READ_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a child may use; None is whatever there is."""

    memory_bytes: int | None = None
    cpus: float | None = None


@dataclass(eq=False)
class Group:
    """One child's groups, by controller. ``held`` are the names of what holds."""

    places: dict[str, Path]
    second_version: bool
    held: list[str] = field(default_factory=list)

    @property
    def entrances(self) -> list[str]:
        """The files into which a process writes itself to join."""
        return [str(place / "cgroup.procs") for place in dict.fromkeys(self.places.values())]

    def memory_kills(self) -> int | None:
        """Return how many of its processes the kernel has ended because its memory was used up; None: unknown."""
        if "memory" not in self.places:
            return None
        name = "memory.events" if self.second_version else "memory.oom_control"
        return _number(self.places["memory"] / name, after="oom_kill ")

    def peak_bytes(self) -> int | None:
        """Return the most memory that its processes held together, None where that is not counted."""
        if "memory" not in self.places:
            return None
        name = "memory.peak" if self.second_version else "memory.max_usage_in_bytes"
        return _number(self.places["memory"] / name)

    def remove(self) -> None:
        """End whatever is left in it, and take it away."""
        deadline = time.monotonic() + _REMOVE_SECONDS
        for place in dict.fromkeys(self.places.values()):
            with contextlib.suppress(OSError):
                (place / "cgroup.kill").write_text("1", encoding="ascii")
            while not _removed(place) and time.monotonic() < deadline:
                time.sleep(0.005)


class Cgroups:
    """Makes groups below those of this process; without the right to do so, groups that hold nothing."""

    def __init__(self, root: Path = _ROOT, own: Path = Path("/proc/self/cgroup")) -> None:
        self._parents = _parents(root, own)
        self._second = (
            next(iter(self._parents.values())).joinpath("cgroup.controllers").exists() if self._parents else False
        )
        self._number = 0
        self._sweep()

    @property
    def held(self) -> list[str]:
        """The names of what groups hold."""
        version = "2" if self._second else "1"
        return [f"cgroup-v{version}:{name}" for name in self._parents if name != "kill"]

    def new(self, share: Share) -> Group:
        """Make a group that holds a child to its share."""
        self._number += 1
        name = f"gristmill-{os.getpid()}-{self._number}"
        group = Group({}, self._second)
        for controller, parent in self._parents.items():
            place = parent / name
            try:
                place.mkdir(exist_ok=True)
                self._limit(controller, place, share)
            except OSError:
                _removed(place)
                continue
            group.places[controller] = place
        version = "2" if self._second else "1"
        group.held = [f"cgroup-v{version}:{name}" for name in group.places if name != "kill"]
        return group

    def _limit(self, controller: str, place: Path, share: Share) -> None:
        if controller == "memory" and share.memory_bytes is not None:
            _write(
                place / ("memory.max" if self._second else "memory.limit_in_bytes"), share.memory_bytes + _RESERVE_BYTES
            )
            self._no_swap(place, share.memory_bytes + _RESERVE_BYTES)
        if controller == "cpu" and share.cpus is not None:
            quota = max(1_000, round(share.cpus * _PERIOD_MICROSECONDS))
            if self._second:
                _write(place / "cpu.max", f"{quota} {_PERIOD_MICROSECONDS}")
            else:
                _write(place / "cpu.cfs_quota_us", quota)
        if controller == "pids":
            _write(place / "pids.max", _MOST_TASKS)

    def _no_swap(self, place: Path, limit_bytes: int) -> None:
        """Count swap too, where the kernel counts it; and let all of a run end when one of it must."""
        with contextlib.suppress(OSError):
            if self._second:
                _write(place / "memory.oom.group", 1)
                _write(place / "memory.swap.max", 0)
            else:
                _write(place / "memory.memsw.limit_in_bytes", limit_bytes)

    def _sweep(self) -> None:
        """Remove the groups of servers that are gone."""
        for parent in self._parents.values():
            for place in parent.glob("gristmill-[0-9]*-*"):
                owner = place.name.split("-")[1]
                if owner == str(os.getpid()) or not Path(f"/proc/{owner}").exists():
                    _removed(place)


def memory_limit_bytes(root: Path = _ROOT, own: Path = Path("/proc/self/cgroup")) -> int | None:
    """Return the memory that this process's own group may use; None where nothing limits it."""
    groups = _own_groups(own)
    first = [place / "memory.limit_in_bytes" for place in _places(root, groups, "memory")]
    second = [root / groups.get("", "") / "memory.max"]
    limits = [_number(path) for path in first or second]
    return min((limit for limit in limits if limit is not None and limit < 2**60), default=None)


def processor_limit(root: Path = _ROOT, own: Path = Path("/proc/self/cgroup")) -> float | None:
    """Return how many processors this process's own group may use; None where nothing limits it."""
    groups = _own_groups(own)
    pairs = [_quota(place) for place in _places(root, groups, "cpu")]
    pairs = pairs or [_words(root / groups.get("", "") / "cpu.max")]
    numbers = [(int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2 and all(map(str.isdecimal, pair))]
    return min((quota / period for quota, period in numbers if quota and period), default=None)


def _places(root: Path, groups: dict[str, str], controller: str) -> list[Path]:
    """Return where the first version may tell of this process's group, which a container sees as the root."""
    if controller not in groups:
        return []
    return [root / controller / groups[controller], root / controller]


def _quota(place: Path) -> list[str]:
    return [*_words(place / "cpu.cfs_quota_us"), *_words(place / "cpu.cfs_period_us")]


def _parents(root: Path, own: Path) -> dict[str, Path]:
    """Return where groups can be made, by controller."""
    groups = _own_groups(own)
    first = {name: root / name / groups[name] for name in _CONTROLLERS if name in groups}
    if first:
        return {name: place for name, place in first.items() if _can_make(place)}
    place = root / groups.get("", "")
    if not _can_make(place):
        return {}
    enabled = _enabled(place)
    return dict.fromkeys([*enabled, "kill"], place)


def _enabled(place: Path) -> list[str]:
    """Switch the controllers on for groups below this one; return those that are on.

    A group that has processes of its own cannot have them on, so the server moves into one below.
    """
    offered = _words(place / "cgroup.controllers")
    wanted = [name for name in _CONTROLLERS if name in offered and name not in _words(place / "cgroup.subtree_control")]
    if wanted:
        with contextlib.suppress(OSError):
            (place / "gristmill-server").mkdir(exist_ok=True)
            _write(place / "gristmill-server" / "cgroup.procs", os.getpid())
            _write(place / "cgroup.subtree_control", " ".join(f"+{name}" for name in wanted))
    on = _words(place / "cgroup.subtree_control")
    return [name for name in _CONTROLLERS if name in on]


def _own_groups(own: Path) -> dict[str, str]:
    """Return this process's groups by controller; version 2 is the empty one."""
    groups: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in own.read_text(encoding="ascii").splitlines():
            _, controllers, group = line.split(":", 2)
            groups |= dict.fromkeys(controllers.split(","), group.lstrip("/"))
    return groups


def _can_make(parent: Path) -> bool:
    trial = parent / f"gristmill-{os.getpid()}-0"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError:
        return False
    return True


def _removed(place: Path) -> bool:
    try:
        place.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []


def _number(path: Path, *, after: str = "") -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = [line for line in _read(path).splitlines() if line.startswith(after)]
        return int(lines[0].removeprefix(after).strip())
    return None


def _read(path: Path) -> str:
    # Read at the beginning and the end of each run: without the layers of a file object.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, _READ_BYTES).decode("ascii")
    finally:
        os.close(descriptor)


def _write(path: Path, value: object) -> None:
    path.write_text(str(value), encoding="ascii")
