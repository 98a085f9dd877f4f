"""Ports for servers of the tests, of which nobody else is given one meanwhile."""

from __future__ import annotations

import random
import socket

_LOWEST, _HIGHEST = 10_000, 32_000
"""Below those that the kernel gives to whoever connects somewhere, so that none of these is gone before it is used."""
_CHANCE = random.SystemRandom()


def free_port() -> int:
    """Return a port that nobody listens on."""
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """Return so many, each another."""
    found: dict[int, None] = {}
    while len(found) < number:
        port = _CHANCE.randint(_LOWEST, _HIGHEST)
        if _is_free(port):
            found[port] = None
    return list(found)


def _is_free(port: int) -> bool:
    with socket.socket() as opened:
        try:
            opened.bind(("", port))
        except OSError:
            return False
        return True
