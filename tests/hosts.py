"""A machine of its own for tests of networks: a network namespace with an address, whose cable can be pulled."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_NET = "10.77.43"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Host:
    """A host by the name of its namespace; ``cable`` is our end of what connects it."""

    name: str
    address: str
    cable: str

    @property
    def enter(self) -> list[str]:
        """The words before a command that is to run there."""
        return ["ip", "netns", "exec", self.name]

    def cut_off(self) -> None:
        """Pull the cable: nothing comes through, and nobody is told."""
        _ip("link", "set", self.cable, "down")


@contextmanager
def another_host() -> Iterator[Host]:
    """Make a host that this machine can reach, and that can reach this machine by all of its addresses.

    Raises:
        OSError: that is not possible here.

    """
    # Never the same name twice: what still runs in one that has gone keeps its end of the cable for a while.
    name = f"gm{os.getpid()}n{next(_numbers)}"
    host = Host(name, f"{_NET}.2", f"{name}-a")
    _ip("netns", "add", name)
    try:
        _ip("link", "add", host.cable, "type", "veth", "peer", "name", f"{name}-b", "netns", name)
        _ip("addr", "add", f"{_NET}.1/24", "dev", host.cable)
        _ip("link", "set", host.cable, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("addr", "add", f"{host.address}/24", "dev", f"{name}-b"),
            ("link", "set", f"{name}-b", "up"),
            ("route", "add", "default", "via", f"{_NET}.1"),
        ):
            _ip("-n", name, *words)
        yield host
    finally:
        if Path("/sys/class/net", host.cable).exists():
            _ip("link", "del", host.cable)
        _ip("netns", "del", name)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
