"""One history: a world, a load, faults one after another, and a look at what is left when all is quiet."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.checker import Checker
from tests.chaos.faults import Fault
from tests.chaos.load import Load
from tests.chaos.world import WORLDS, World
from tests.make import eventually

# A message that a killed sender had in hand is another's after five minutes.
DRY_SECONDS = 400.0


@dataclass
class Report:
    """What happened, at which second, and what does not hold."""

    lines: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    faults: int = 0


def live(
    directory: Path, *, seed: int, seconds: float, world: str, say: Callable[[str], None], patient: bool = True
) -> Report:
    """Have a world of faults for ``seconds``, let it run dry, and check it."""
    report = Report()
    say(f"seed {seed}, {world}, {seconds:.0f} s")
    with WORLDS[world](directory) as made:
        load = Load(made, seed)
        checker = Checker(made, load, patient)
        try:
            load.prepare()
            _suffer(made, load, checker, random.Random(seed), seconds, report, say)
            load.end_schedules()
            began = time.monotonic()
            try:
                eventually(checker.is_still, within=DRY_SECONDS, every=0.5)
            except AssertionError:
                report.broken.append(f"it was not still {DRY_SECONDS:.0f} s after the last fault")
            say(f"run dry in {time.monotonic() - began:.0f} s")
            report.broken += checker.broken()
            for name, found in checker.summary().items():
                say(f"{name:26} {found}")
        finally:
            load.stopping.set()
            checker.close()
            load.close()
    for said in report.broken:
        say(f"BROKEN {said}")
    return report


def _suffer(
    world: World,
    load: Load,
    checker: Checker,
    chance: random.Random,
    seconds: float,
    report: Report,
    say: Callable[[str], None],
) -> None:
    """Let faults come while the load asks; when this returns they are over, and what was asked has its answer."""
    asking = threading.Thread(target=load.run, daemon=True)
    asking.start()
    began, waiting = time.monotonic(), list[Fault]()
    while time.monotonic() - began < seconds:
        time.sleep(chance.uniform(0.5, 3))
        waiting = waiting or world.targets.chosen(chance)
        fault = waiting.pop()
        say(f"{time.monotonic() - began:6.1f} s  {fault}, {fault.seconds:.1f} s")
        at = time.time()
        fault.begin()
        time.sleep(fault.seconds)
        fault.end()
        checker.happened.append((str(fault), at, time.time()))
        report.faults += 1
    load.stopping.set()
    asking.join(150)
    if asking.is_alive():
        report.broken.append("the client hangs")
