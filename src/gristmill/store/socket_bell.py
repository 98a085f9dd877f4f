"""Wake-ups between the processes of one machine: each listener has a datagram socket in one directory.

A datagram that finds its socket full is left out, as that process is about to look anyway. Sockets of processes that
are gone refuse datagrams, and are removed by who notices.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

_SUFFIX = ".socket"
_LONGEST_NAME = 256


def ring(directory: Path, sender: str) -> None:
    """Tell all who listen in the directory, but not the sender, who has rung."""
    others = [name for name in _names(directory) if name != sender + _SUFFIX]
    if not others:
        return
    with _reached(directory) as reach, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ringing:
        ringing.setblocking(False)
        for name in others:
            _tell(ringing, f"{reach}/{name}", sender)


class SocketListener:
    """A socket that hears rings, as long as the block."""

    def __init__(self, directory: Path, sender: str) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self._path = directory / (sender + _SUFFIX)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        """Begin to listen."""
        # Left by a listener of this process that failed.
        self._path.unlink(missing_ok=True)
        with _reached(self._path.parent) as reach:
            self._socket.bind(f"{reach}/{self._path.name}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def heard(self, *, within_seconds: float) -> set[str]:
        """Return who has rung, as soon as anybody has; the empty set where nobody did in time.

        Raises:
            FileNotFoundError: somebody has taken the socket away, so that nobody can ring.

        """
        if not self._path.exists():
            raise FileNotFoundError(self._path)
        select.select([self._socket], [], [], within_seconds)
        senders: set[str] = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                senders.add(self._socket.recv(_LONGEST_NAME).decode())
        return senders


def _tell(ringing: socket.socket, address: str, sender: str) -> None:
    try:
        ringing.sendto(sender.encode(), address)
    except ConnectionRefusedError:
        Path(address).unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        pass


def _names(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.iterdir() if path.suffix == _SUFFIX]
    except FileNotFoundError:
        return []


@contextmanager
def _reached(directory: Path) -> Iterator[str]:
    """Give a short path of the directory: the address of a socket has no more than 107 bytes."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
