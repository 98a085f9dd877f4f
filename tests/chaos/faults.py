"""What happens to the world, one at a time: nothing that docs/explanation/guarantees.md does not admit."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass
from typing import Protocol

from tests.chaos.member import Member
from tests.disk import Disk
from tests.gate import Gate
from tests.postgres import Postgres


class Fault(Protocol):
    """``seconds`` lie between the two."""

    @property
    def seconds(self) -> float: ...
    def begin(self) -> None: ...
    def end(self) -> None: ...


@dataclass(frozen=True)
class Killed:
    """Kill -9, and a new process over the same directory."""

    member: Member
    seconds: float

    def begin(self) -> None:
        self.member.kill()

    def end(self) -> None:
        self.member.start()

    def __str__(self) -> str:
        return f"kill -9 of {self.member.name}"


@dataclass(frozen=True)
class Paused:
    """SIGSTOP for longer than a lease, and SIGCONT."""

    member: Member
    seconds: float

    def begin(self) -> None:
        self.member.signal(signal.SIGSTOP)

    def end(self) -> None:
        self.member.signal(signal.SIGCONT)

    def __str__(self) -> str:
        return f"STOP and CONT of {self.member.name}"


@dataclass(frozen=True)
class DatabaseRestarted:
    """A restart that cuts everybody: ``fast`` rolls back, ``immediate`` is a crash and a recovery."""

    postgres: Postgres
    mode: str
    seconds: float = 0.0

    def begin(self) -> None:
        self.postgres.restart(self.mode)

    def end(self) -> None:
        """It is up again."""

    def __str__(self) -> str:
        return f"restart of PostgreSQL ({self.mode})"


@dataclass(frozen=True)
class Gone:
    """A service that refuses everybody for some seconds."""

    name: str
    gate: Gate
    seconds: float

    def begin(self) -> None:
        self.gate.shut()

    def end(self) -> None:
        self.gate.open()

    def __str__(self) -> str:
        return f"{self.name} away"


@dataclass(frozen=True)
class FullDisk:
    """No byte more can be written below a member's directory; left out, and said so, where it has no own disk."""

    disk: Disk
    full_seconds: float

    @property
    def seconds(self) -> float:
        return 0.0 if self.disk.missing else self.full_seconds

    def begin(self) -> None:
        if not self.disk.missing:
            self.disk.fill()

    def end(self) -> None:
        if not self.disk.missing:
            self.disk.clear()

    def __str__(self) -> str:
        left_out = f" LEFT OUT: {self.disk.missing}" if self.disk.missing else ""
        return f"full disk of {self.disk.place.name}{left_out}"


@dataclass(frozen=True)
class Targets:
    """What faults may happen to."""

    members: list[Member]
    gates: dict[str, Gate]
    disks: list[Disk]
    postgres: Postgres | None
    lease_seconds: float

    def chosen(self, chance: random.Random) -> list[Fault]:
        """Return one fault of each sort, in an order by chance: no sort is left out for long."""
        faults: list[Fault] = []
        for member in self.members:
            faults.append(Killed(member, chance.uniform(0, 2)))
            faults.append(Paused(member, self.lease_seconds * chance.uniform(1.5, 2.5)))
        faults += [Gone(name, gate, chance.uniform(2, 6)) for name, gate in self.gates.items()]
        faults += [FullDisk(disk, chance.uniform(2, 6)) for disk in self.disks]
        if self.postgres is not None:
            faults += [DatabaseRestarted(self.postgres, mode) for mode in ("fast", "immediate")]
        chance.shuffle(faults)
        return faults
