"""The world of one seed: two servers over one database, their faults, and who acts next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from uuid import UUID

from gristmill.deliver.channel import DeliveryFailed, Message
from gristmill.domain.errors import GristmillError
from gristmill.service import users
from gristmill.service.context import Context
from gristmill.service.secrets import Secrets
from tests.make_faults import Died
from tests.simulation.clock import ServerClock, TrueTime
from tests.simulation.content import MemoryContent
from tests.simulation.database import FaultyDatabase, Injected, Site, failure, is_injected
from tests.simulation.history import History
from tests.simulation.invariants import Commit, violations
from tests.simulation.promptness import Promptness
from tests.simulation.receivers import HOOK, Receivers
from tests.simulation.server import Process, Server, uuids
from tests.simulation.snapshot import Reader, Snapshot
from tests.simulation.user import User

_DEEPEST = 2


class Action(NamedTuple):
    """Something that may happen next. ``server`` is None where it happens to the world."""

    weight: float
    server: Server | None
    role: str
    do: Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Climate:
    """What can go wrong in a seed: each has a subset of it, so that rare things happen together in some of them."""

    statement: float
    commit: float
    dies: float
    interlude: float
    clocks: bool
    halts: bool
    leaps: bool
    receivers: float

    @classmethod
    def of(cls, dice: Random) -> Climate:
        return cls(
            statement=dice.choice([0, 0.001, 0.004]),
            commit=dice.choice([0, 0.02, 0.06]),
            dies=dice.choice([0, 0.1, 0.4]),
            interlude=dice.choice([0, 0.05, 0.2]),
            clocks=dice.random() < 0.4,
            halts=dice.random() < 0.5,
            leaps=dice.random() < 0.5,
            receivers=dice.choice([0, 0.1, 0.5]),
        )


@dataclass
class World:
    """Implements ``Fate`` for the databases of its servers. Everything that is random comes from ``dice``."""

    seed: int
    databases: Sequence[FaultyDatabase]
    reader: Reader
    data_dir: Path
    calm: bool = True
    stack: list[tuple[str, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    faults: int = 0

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)
        self.climate = Climate.of(self.dice)
        self.time, self.history, self.receivers = TrueTime(), History(), Receivers(meet=self._meet)
        self.promptness = Promptness(self)
        new_uuid = uuids(self.seed)
        self.content = MemoryContent(lambda: self.time.now, lambda: str(new_uuid()))
        self.servers = [self._server(database, new_uuid) for database in self.databases]
        self.reader.changed()
        self.seen: Snapshot = self.reader.read()
        for database in self.databases:
            database.fate = self
        users.bootstrap(self.servers[0].context, "admin-api-key-of-the-tests")
        self.user = User.moves_in(self.servers[0].context, self.dice)
        for server in self.servers:
            server.start()
        self.history.say(f"seed {self.seed}: {self.climate}")

    def target(self, kept: str) -> str:
        """Return where a delivery goes whose target is kept like this."""
        return HOOK if kept == self.user.channel_id else kept

    def attached(self) -> set[str]:
        """Return the keys of content that assets have."""
        return self.reader.attached()

    def step(self) -> None:
        """Let one thing happen, and what happens within it."""
        actions = list(self._actions())
        action = self.dice.choices(actions, [one.weight for one in actions])[0]
        self.perform(action)

    def perform(self, action: Action) -> None:
        """Do it; a process that dies of it is gone."""
        server, role = action.server, action.role
        name = server.name if server else "world"
        line = self.history.begin(self.time.now, f"{name} {role}", depth=len(self.stack))
        self.stack.append((name, role))
        try:
            said = action.do()
            self.history.end(line, said)
        except Died:
            self.history.end(line, "died")
        except Exception as error:  # noqa: BLE001 - as a loop or a request would take it
            self.history.end(line, self._taken(error, by_user=role.startswith("user")))
        finally:
            self.stack.pop()

    def befalls(self, database: FaultyDatabase, site: Site) -> None:
        """Let the database fail, or its process die of it."""
        if self.calm or not self.stack:
            return
        climate = self.climate
        chance = climate.statement if site in {Site.BEFORE_STATEMENT, Site.AFTER_STATEMENT} else climate.commit
        if self.dice.random() >= chance:
            return
        self.faults += 1
        server = self._of(database)
        if self.dice.random() < climate.dies:
            self.history.say(f"!! {server.name} dies at {site}", depth=len(self.stack))
            server.kill()
            raise Died
        self.history.say(f"!! {server.name}'s database fails at {site}", depth=len(self.stack))
        raise failure(site)

    def interlude(self, database: FaultyDatabase) -> None:
        """Let others act between two transactions of somebody."""
        if self.calm or not self.stack or len(self.stack) > _DEEPEST or any(one.open for one in self.databases):
            return
        if self.dice.random() >= self.climate.interlude:
            return
        server = self._of(database)
        births = server.births
        for _ in range(self.dice.choice([1, 1, 1, 2, 3, 6])):
            self.step()
        if server.births != births:
            # It was killed, and perhaps started anew: what was at work in it is gone.
            raise Died

    def committed(self, database: FaultyDatabase) -> None:
        """Hold what has just become true against the invariants."""
        if not self.reader.changed():
            return
        role = self.stack[-1][1] if self.stack else "setup"
        commit = Commit(role=role.split(":")[0], now=self._of(database).clock())
        before, self.seen = self.seen, self.reader.read()
        self.broken += [f"after a commit of the {role}: {one}" for one in violations(before, self.seen, commit)]
        missing = {key for _, key in self.seen.held} - self.content.kept.keys()
        self.broken += [f"after a commit of the {role}: the content {key} is gone, and held" for key in sorted(missing)]
        self.promptness.look(before, self.seen)

    def complain(self, record: logging.LogRecord) -> None:
        """Take an error that the code under test has logged."""
        error = record.exc_info[1] if record.exc_info else None
        if getattr(record, "kind", None) == Injected.__name__:
            return
        if record.levelno >= logging.ERROR and not is_injected(error):
            self.broken.append(f"{record.getMessage()} was logged: {error!r}")

    def _taken(self, error: Exception, *, by_user: bool) -> str:
        if is_injected(error):
            return "failed"
        if by_user and isinstance(error, GristmillError):
            return f"refused: {error.code}"
        self.broken.append(f"an error that nobody injected: {error!r}")
        return f"failed: {error!r}"

    def _actions(self) -> Iterator[Action]:
        """Yield what may happen now, but for what is under way already."""
        busy = set(self.stack)
        for action in [*self._of_world(), *(one for server in self.servers for one in server_actions(self, server))]:
            name = action.server.name if action.server else "world"
            if (name, action.role) not in busy:
                yield action

    def _of_world(self) -> Iterator[Action]:
        yield Action(14, None, "time", lambda: self.pass_time(self.dice.choice([0.1, 0.5, 1, 2, 3])))
        yield Action(3, None, "more time", lambda: self.pass_time(self.dice.choice([5, 8, 12])))
        if self.climate.leaps:
            yield Action(0.5, None, "a leap", lambda: self.pass_time(self.dice.choice([35, 60, 300, 1800])))
            yield Action(0.08, None, "a long leap", lambda: self.pass_time(self.dice.choice([6, 25, 50]) * 3600))

    def pass_time(self, seconds: float) -> str:
        """Move the true time on."""
        self.time.advance(timedelta(seconds=seconds))
        return f"{seconds} s"

    def ask(self, server: Server) -> str:
        """Let the user do something through a server."""
        name, request = self.user.choice(self.seen)
        self.stack[-1] = (self.stack[-1][0], f"user: {name}")
        return f"{name}: {self.history.named(request(server.context))}"

    def _meet(self, target: str, message: Message, take: Callable[[], None]) -> None:
        """Let a message fail before or after it got through, or its sender die, or others act meanwhile."""
        if message.event_id not in self.seen.events:
            self.broken.append(f"{target} was told of an event that is not there")
        server = self._of(self._sending())
        self.interlude(server.database)
        bad = not self.calm and self.dice.random() < self.climate.receivers
        if bad and self.dice.random() < 0.5:
            raise DeliveryFailed("503", permanent=self.dice.random() < 0.1)
        take()
        if bad and self.dice.random() < self.climate.dies:
            self.history.say(f"!! {server.name} dies after sending", depth=len(self.stack))
            server.kill()
            raise Died
        if bad:
            raise DeliveryFailed("timed out", permanent=False)

    def _sending(self) -> FaultyDatabase:
        name = next(name for name, role in reversed(self.stack) if role == "send")
        return next(server.database for server in self.servers if server.name == name)

    def _server(self, database: FaultyDatabase, new_uuid: Callable[[], UUID]) -> Server:
        clock = ServerClock(self.time)
        context = Context(
            database=database,
            content=self.content,
            secrets=Secrets(b"a secret key for tests, and only for tests"),
            data_dir=self.data_dir,
            outlets=self.receivers,
            clock=clock,
            new_uuid=new_uuid,
        )
        return Server(database.name, database, clock, context, self.dice)

    def _of(self, database: FaultyDatabase) -> Server:
        return next(server for server in self.servers if server.database is database)


def server_actions(world: World, server: Server) -> Iterator[Action]:
    """Yield what a server may do, or what may happen to it."""
    if server.process is None:
        yield Action(3, server, "start", server.start)
        return
    yield from _mishaps(world, server)
    if server.halted:
        return
    if all(name != server.name for name, _ in world.stack):
        # What is at work in it would have to be waited for.
        yield Action(0.1, server, "stop", server.stop)
    yield from _duties(world, server, server.process)


def _mishaps(world: World, server: Server) -> Iterator[Action]:
    climate, dice = world.climate, world.dice
    if climate.halts:
        name, weight = ("resume", 0.8) if server.halted else ("halt", 0.1)
        yield Action(weight, server, name, lambda: _halt(server))
    if climate.clocks:
        yield Action(0.15, server, "clock", lambda: _set(server, dice))
    if climate.dies:
        yield Action(0.1, server, "kill", server.kill)


def _duties(world: World, server: Server, process: Process) -> Iterator[Action]:
    dice = world.dice
    yield Action(4, server, "user", lambda: world.ask(server))
    yield Action(4, server, "worker", lambda: world.promptness.claim(server))
    yield Action(5, server, "pulse", server.pulse)
    yield Action(3, server, "scheduler", lambda: world.promptness.schedule(server))
    yield Action(2, server, "rescuer", lambda: world.promptness.rescue(server))
    yield Action(1, server, "janitor", process.janitor.step)
    yield Action(2, server, "route", process.deliverer.route)
    yield Action(1.5, server, "take", process.deliverer.take)
    if process.deliverer.taken:
        yield Action(4, server, "send", lambda: process.deliverer.send(dice.choice(process.deliverer.taken)))
    if process.pool.tasks:
        yield Action(9, server, "execution", lambda: _go_on(world, server))


def _halt(server: Server) -> None:
    server.halted = not server.halted


def _set(server: Server, dice: Random) -> str:
    seconds = dice.choice([0, 0, 0.7, -3, 20, -45, 7200, -7200, 90000])
    server.clock.set(timedelta(seconds=seconds))
    return f"{seconds} s off"


def _go_on(world: World, server: Server) -> str:
    assert server.process
    task = world.dice.choice(server.process.pool.tasks)
    execution = task.execution
    server.process.pool.go_on(task)
    run = world.history.named(execution.assignment.run.id)
    return f"{run} {execution.phase} {execution.settlement or ''}".strip()
